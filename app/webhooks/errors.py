"""What the room refuses."""

from app.core.errors import Conflict, Invalid, NotFound


class EndpointUrlInvalid(Invalid):
    """The address cannot be an endpoint: it is not https, or it leads inward."""

    code = "webhook-url-invalid"
    title_zh = "该地址不能用于接收通知"
    title_en = "The address cannot receive events"


class TooManyEndpoints(Conflict):
    """The client has as many endpoints as it may."""

    code = "webhook-endpoints-exhausted"
    title_zh = "通知地址数量已达上限"
    title_en = "The client has as many endpoints as it may"


class EndpointNotActive(Conflict):
    """Nothing is sent to an endpoint that is switched off."""

    code = "webhook-endpoint-disabled"
    title_zh = "该通知地址已停用"
    title_en = "The endpoint is switched off"


class EventsForgotten(Conflict):
    """Events after this cursor are no longer kept; `oldest` is the first place to go on from."""

    code = "webhook-events-forgotten"
    title_zh = "所请求的事件已超过保存期限"
    title_en = "Events after this cursor are no longer kept"


class CursorAhead(Conflict):
    """The feed has not come to this cursor: the house has an older state than the caller."""

    code = "webhook-cursor-ahead"
    title_zh = "游标超出事件序列"
    title_en = "The feed has not come to this cursor"


class WebhookClientNotFound(NotFound):
    """There is no such client."""

    code = "webhook-client-not-found"
    title_zh = "没有该接入方"
    title_en = "There is no such client"


class ServiceUnknown(Invalid):
    """Nobody offers a service of this name for payment."""

    code = "webhook-service-unknown"
    title_zh = "没有该缴费服务"
    title_en = "There is no such service"
