"""What the room of personal data refuses."""

from app.core.errors import Conflict, NotFound, RateLimited, Unavailable


class TooManyExports(RateLimited):
    """A citizen gets three copies a day."""

    code = "too-many-exports"
    title_zh = "今日导出次数已达上限"
    title_en = "No more copies can be asked for today"


class ExportNotFound(NotFound):
    """There is no such copy of this citizen's data."""

    code = "export-not-found"
    title_zh = "没有这份导出文件"
    title_en = "There is no such export"


class ExportNotReady(Conflict):
    """The copy is not made yet, or is over; `export_status` says which."""

    code = "export-not-ready"
    title_zh = "导出文件尚未就绪或已过期"
    title_en = "The export is not ready, or is over"


class ExportIncomplete(Unavailable):
    """A plug-in did not give its part now; the others' parts are kept, and it is asked again."""

    code = "export-incomplete"
    title_zh = "部分数据暂时无法取得"
    title_en = "A part of the data cannot be had now"


class ErasureIncomplete(Unavailable):
    """A plug-in did not confirm the erasure now; it is asked again."""

    code = "erasure-incomplete"
    title_zh = "部分数据尚未删除"
    title_en = "A part of the data is not erased yet"


class CorrectionNotFound(NotFound):
    """There is no such request for correction."""

    code = "correction-not-found"
    title_zh = "没有这项更正申请"
    title_en = "There is no such request for correction"


class CorrectionOpen(Conflict):
    """A request for correction of the same thing is being reviewed already."""

    code = "correction-open"
    title_zh = "同一信息的更正申请正在审核"
    title_en = "A correction of this is being reviewed"


class CorrectionDecided(Conflict):
    """The request was decided already."""

    code = "correction-decided"
    title_zh = "该申请已处理"
    title_en = "The request was decided already"


class NothingToCorrect(Conflict):
    """There is no proven name that could be corrected."""

    code = "nothing-to-correct"
    title_zh = "尚无可更正的信息"
    title_en = "There is nothing of this kind to correct"


class ObligationsOpen(Conflict):
    """Something is open that must be settled first; `reasons` lists each kind and how many."""

    code = "obligations-open"
    title_zh = "尚有未结事项，暂不能注销"
    title_en = "Something open must be settled first"


class ClosureNotFound(NotFound):
    """No closing of this account was asked for."""

    code = "closure-not-found"
    title_zh = "没有注销申请"
    title_en = "No closing was asked for"
