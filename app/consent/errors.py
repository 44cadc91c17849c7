"""What the room of consent refuses."""

from app.core.errors import Conflict, Invalid, NotFound


class ConsentNotFound(NotFound):
    """There is no such consent of this citizen."""

    code = "consent-not-found"
    title_zh = "没有这项授权"
    title_en = "There is no such consent"


class AgreementNotFound(NotFound):
    """No agreement has this id, or it cannot be accepted this way."""

    code = "agreement-not-found"
    title_zh = "没有这份协议"
    title_en = "There is no such agreement"


class AgreementSuperseded(Conflict):
    """Another version of the agreement is in force; `current_version` says which."""

    code = "agreement-superseded"
    title_zh = "协议已更新，请阅读最新版本"
    title_en = "Another version of the agreement is in force"


class AttributeNotCovered(Invalid):
    """The agreement does not cover an attribute that was asked for."""

    code = "attribute-not-covered"
    title_zh = "协议未涵盖所请求的信息"
    title_en = "The agreement does not cover this attribute"
