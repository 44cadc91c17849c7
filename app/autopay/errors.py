"""What standing orders refuse."""

from app.core.errors import Conflict, Invalid


class AutopayNotOffered(Invalid):
    """The service does not let its bills be paid by themselves: what can be contested never is."""

    code = "autopay-not-offered"
    title_zh = "该服务不支持代扣"
    title_en = "The service offers no automatic payment"


class OrderExists(Conflict):
    """There is a standing order for this service already."""

    code = "autopay-exists"
    title_zh = "该服务已签约代扣"
    title_en = "There is a standing order for this service"


class OrderNotLiving(Conflict):
    """The order is over, or not in a state that allows this."""

    code = "autopay-state"
    title_zh = "代扣协议当前状态不支持该操作"
    title_en = "The standing order is not in a state for this"


class CollectionNotWaiting(Conflict):
    """The collection is not waiting any more: its money is moving, has come, or it is over."""

    code = "collection-state"
    title_zh = "该笔代扣当前状态不支持该操作"
    title_en = "The collection is not in a state for this"


class TermsSuperseded(Conflict):
    """Another version of the terms is in force than the one that was read."""

    code = "autopay-terms-superseded"
    title_zh = "代扣协议已更新，请重新阅读"
    title_en = "The terms have changed since they were read"
