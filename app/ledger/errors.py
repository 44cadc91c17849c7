"""What the books refuse."""

from app.core.errors import Conflict, Invalid, NotFound


class BookingDiffers(Conflict):
    """The foreign object is booked already, with other lines: somebody must look."""

    code = "booking-differs"
    title_zh = "记账内容不一致"
    title_en = "The object is booked already with other amounts"


class SplitExhausted(Conflict):
    """More was to be taken back of a split than it has left."""

    code = "split-exhausted"
    title_zh = "可退回的分账金额不足"
    title_en = "The split has not that much left"


class TransactionNotFound(NotFound):
    """No transaction has this id."""

    code = "transaction-not-found"
    title_zh = "没有找到该凭证"
    title_en = "There is no such transaction"


class AccountUnknown(Invalid):
    """No account of the books has this code."""

    code = "account-unknown"
    title_zh = "科目不存在"
    title_en = "There is no such account"


class NotReversible(Conflict):
    """A record elsewhere follows from this booking; an adjustment corrects it instead."""

    code = "not-reversible"
    title_zh = "该凭证不能冲正，请使用差错调整"
    title_en = "This booking cannot be reversed; correct it by an adjustment"


class AlreadyReversed(Conflict):
    """The transaction is reversed already."""

    code = "already-reversed"
    title_zh = "该凭证已冲正"
    title_en = "The transaction is reversed already"


class SamePerson(Conflict):
    """Whoever proposed a correction cannot approve it."""

    code = "same-person"
    title_zh = "提出人与批准人不能为同一人"
    title_en = "Whoever proposed it cannot approve it"
