"""What reconciliation refuses."""

from app.core.errors import Conflict, Invalid, NotFound


class StatementFileInvalid(Invalid):
    """The file is not one of its profile; `errors` name the lines. Nothing was imported."""

    code = "statement-file-invalid"
    title_zh = "对账文件格式不正确"
    title_en = "The statement file cannot be accepted"


class FileOfAnotherDay(Invalid):
    """The file says it is of another day than it was brought for."""

    code = "statement-of-another-day"
    title_zh = "对账文件的日期不符"
    title_en = "The file is of another day"


class SourceUnknown(Invalid):
    """No gateway, biller or bank of this name is known, or the profile is not one of its."""

    code = "reconciliation-source-unknown"
    title_zh = "没有这个对账来源"
    title_en = "There is no such source of statements"


class DayNotOver(Conflict):
    """A day is reconciled once it is over."""

    code = "reconciliation-day-not-over"
    title_zh = "当日尚未结束，不能对账"
    title_en = "The day is not over yet"


class StatementNeeded(Conflict):
    """Nothing was imported for this source and day, and nobody can be asked for it."""

    code = "reconciliation-statement-needed"
    title_zh = "请先导入对账文件"
    title_en = "Import the statement first"


class RunNotFound(NotFound):
    """There is no such run."""

    code = "reconciliation-run-not-found"
    title_zh = "没有这次对账"
    title_en = "There is no such run"


class DifferenceNotFound(NotFound):
    """There is no such difference."""

    code = "reconciliation-difference-not-found"
    title_zh = "没有这条差异"
    title_en = "There is no such difference"


class NotYourDifference(Conflict):
    """Only who owns a difference explains or adjusts it: take it first."""

    code = "reconciliation-not-owner"
    title_zh = "请先领取这条差异"
    title_en = "The difference is not assigned to you"


class SecondPersonNeeded(Conflict):
    """Another person than the one who explained or proposed has to decide."""

    code = "reconciliation-second-person-needed"
    title_zh = "须由另一人复核"
    title_en = "A second person has to decide"


class AdjustmentNotFound(NotFound):
    """There is no such proposal, or it was decided."""

    code = "reconciliation-adjustment-not-found"
    title_zh = "没有这项调账申请"
    title_en = "There is no such proposal"


class AdjustmentPending(Conflict):
    """The difference has a proposal that nobody has decided on yet."""

    code = "reconciliation-adjustment-pending"
    title_zh = "已有待复核的调账申请"
    title_en = "A proposal is waiting for its decision"


class OwnerUnknown(Invalid):
    """Nobody of this id works on differences."""

    code = "reconciliation-owner-unknown"
    title_zh = "没有这位对账人员"
    title_en = "Nobody of this id works on differences"


class NotExplained(Conflict):
    """The difference waits for no review."""

    code = "reconciliation-not-explained"
    title_zh = "该差异没有待复核的说明"
    title_en = "The difference has no explanation to review"
