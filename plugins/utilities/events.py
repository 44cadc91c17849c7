"""What the audit trail is told of look-ups and of the billers' desk."""

from dataclasses import dataclass
from uuid import UUID

from app.sdk import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskClientAdmitted(AuditEvent):
    """Staff let a client speak for a biller, or took that back."""

    name = "utilities.desk_client_admitted"
    title_zh = "收费单位接入方的授权已变更"
    title_en = "Who speaks for a biller was changed"
    biller: str
    client_id: UUID
    admitted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DeskRefused(AuditEvent):
    """A client reached for a biller that it does not speak for, or for a bill that is not there."""

    name = "utilities.desk_refused"
    title_zh = "收费单位接入方的越权或探查被拒绝"
    title_en = "A client reached for what is not its biller's"
    biller: str
    client_id: UUID
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BillsUploaded(AuditEvent):
    """A biller's system uploaded a bill file."""

    name = "utilities.bills_uploaded"
    title_zh = "收费单位上传了账单文件"
    title_en = "A biller uploaded a bill file"
    biller: str
    file_id: UUID
    lines: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BillChanged(AuditEvent):
    """A biller's system amended or withdrew a bill."""

    name = "utilities.bill_changed"
    title_zh = "收费单位变更或撤销了账单"
    title_en = "A biller amended or withdrew a bill"
    biller: str
    bill_id: UUID
    kind: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DayCompared(AuditEvent):
    """A biller's system held its own file of a day against our postings."""

    name = "utilities.day_compared"
    title_zh = "收费单位核对了当日销账"
    title_en = "A biller compared a day's postings"
    biller: str
    day: str
    lines: int
    differences: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLookedUp(AuditEvent):
    """A citizen asked for somebody's account by its number; refused when nothing was shown."""

    name = "utilities.account_looked_up"
    title_zh = "按户号查询了账户"
    title_en = "An account was looked up by its number"
    biller: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedChanged(AuditEvent):
    """A citizen made a private address of what they owe for calendars, or took it back."""

    name = "utilities.due_feed_changed"
    title_zh = "账单日历地址已生成或撤销"
    title_en = "A calendar address of bills was made or taken back"
    opened: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PostingReversed(AuditEvent):
    """A biller took a payment of a citizen back."""

    name = "utilities.posting_reversed"
    title_zh = "收费单位冲正了一笔入账"
    title_en = "A biller reversed a posting"
    biller: str
    reversal_id: UUID
    reason: str
