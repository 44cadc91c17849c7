"""What the room of settlement refuses."""

from app.core.errors import Conflict, Forbidden, Invalid, NotFound


class PayeeNotFound(NotFound):
    """Nobody of this id has been owed anything, and no plug-in names them."""

    code = "payee-not-found"
    title_zh = "没有该收款单位"
    title_en = "There is no such payee"


class BankAccountNotFound(NotFound):
    """There is no such bank account of a payee."""

    code = "bank-account-not-found"
    title_zh = "没有该收款账户"
    title_en = "There is no such bank account"


class BankAccountPending(Conflict):
    """Another bank account of this payee waits for a decision."""

    code = "bank-account-pending"
    title_zh = "该收款单位已有待批准的账户"
    title_en = "Another bank account of this payee waits for a decision"


class BatchNotFound(NotFound):
    """There is no such batch."""

    code = "settlement-batch-not-found"
    title_zh = "没有该结算批次"
    title_en = "There is no such settlement batch"


class LineNotFound(NotFound):
    """There is no such line of a batch."""

    code = "settlement-line-not-found"
    title_zh = "没有该结算明细"
    title_en = "There is no such settlement line"


class NotTheSecond(Forbidden):
    """Whoever drew it up cannot decide on it: that takes a second person."""

    code = "second-person-needed"
    title_zh = "须由另一名工作人员批准"
    title_en = "Somebody else has to decide on this"


class DayOpen(Conflict):
    """The day is not over yet."""

    code = "settlement-day-open"
    title_zh = "该日尚未结束，不能结算"
    title_en = "The day is not over yet"


class NothingToSettle(Conflict):
    """No payee can be paid out anything for this day; `left_out` says who is owed what."""

    code = "nothing-to-settle"
    title_zh = "没有可结算的款项"
    title_en = "There is nothing to settle"


class BalanceChanged(Conflict):
    """A payee is owed less than when the batch was drawn up, or has another bank account now."""

    code = "settlement-balance-changed"
    title_zh = "余额或收款账户已变动，请退回后重新编制"
    title_en = "A balance or a bank account has changed; reject the batch and draw it up anew"


class FileNotMade(Conflict):
    """The batch has no file yet."""

    code = "settlement-file-not-made"
    title_zh = "尚未生成结算文件"
    title_en = "The batch has no file yet"


class FileDiffers(Conflict):
    """The file would not be the one that was made: somebody must look."""

    code = "settlement-file-differs"
    title_zh = "结算文件与生成时不一致"
    title_en = "The file is not the one that was made"


class DebtorUnknown(Conflict):
    """The installation has not said from which bank account payees are paid."""

    code = "settlement-debtor-unknown"
    title_zh = "未设置付款账户"
    title_en = "The account that payees are paid from is not set"


class PeriodInvalid(Invalid):
    """A period is a day (2026-11-28) or a month (2026-11)."""

    code = "statement-period-invalid"
    title_zh = "对账单期间不正确"
    title_en = "The period is neither a day nor a month"


class PeriodOpen(Conflict):
    """The period is not over yet: its statement could still change."""

    code = "statement-period-open"
    title_zh = "对账单期间尚未结束"
    title_en = "The period is not over yet"


class StatementTooLong(Conflict):
    """The statement has more lines than a PDF is made for; the CSV has no such bound."""

    code = "statement-too-long"
    title_zh = "明细过多，请下载 CSV"
    title_en = "The statement is too long for a PDF; take it as CSV"
