"""What notifications refuse."""

from app.core.errors import Invalid, NotFound, Unavailable


class MessageNotFound(NotFound):
    """No message with this id lies in this citizen's inbox."""

    code = "message-not-found"
    title_zh = "没有这条消息"
    title_en = "There is no such message"


class SmsUnavailable(Unavailable):
    """The SMS gateway did not say that it took the message; the same key may be sent again."""

    code = "sms-unavailable"
    title_zh = "短信服务暂时不可用"
    title_en = "The SMS gateway is unavailable"


class SmsRefused(Invalid):
    """The SMS gateway refuses this message for good."""

    code = "sms-refused"
    title_zh = "短信无法发送"
    title_en = "The SMS gateway refuses the message"
