"""Facts about copies, corrections and closings."""

from dataclasses import dataclass
from uuid import UUID

from app.core.events import Event
from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRequested(Event):
    """A citizen asked for a copy of their data."""

    name = "export.requested"
    export_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosureDue(Event):
    """The days of grace of a closing are over."""

    name = "closure.due"
    closure_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountErased(Event):
    """An account is closed and its key destroyed; plug-ins have yet to forget their part."""

    name = "account.erased"
    closure_id: UUID
    citizen_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DataExported(AuditEvent):
    """A citizen fetched a copy of their data."""

    name = "data.exported"
    title_zh = "下载了个人信息副本"
    title_en = "A copy of your data was fetched"

    export_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectionDone(AuditEvent):
    """A reviewer applied or declined a request for correction."""

    name = "correction.decided"
    title_zh = "处理了更正申请"
    title_en = "A request for correction was decided"

    correction_id: UUID
    outcome: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosureAsked(AuditEvent):
    """A citizen asked to close their account."""

    name = "closure.asked"
    title_zh = "申请注销账户"
    title_en = "The closing of the account was asked for"

    closure_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosureDone(AuditEvent):
    """An account was closed and its key destroyed."""

    name = "closure.done"
    title_zh = "账户已注销"
    title_en = "The account was closed"

    closure_id: UUID
