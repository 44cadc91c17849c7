"""Facts of reconciliation, and what the audit trail is told."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event
from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequested(Event):
    """A day of a source is to be compared."""

    name: ClassVar[str] = "reconciliation_run.requested"
    run_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateProven(Event):
    """The citizen was charged twice: the second capture has to go back."""

    name: ClassVar[str] = "difference.duplicate_proven"
    difference_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementTaken(AuditEvent):
    """A member of staff brought a statement file."""

    name = "reconciliation.statement-taken"
    title_zh = "导入对账文件"
    title_en = "A statement file was imported"
    statement_id: UUID
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferenceExplained(AuditEvent):
    """A member of staff explained a difference."""

    name = "reconciliation.difference-explained"
    title_zh = "说明对账差异"
    title_en = "A difference was explained"
    difference_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AdjustmentApproved(AuditEvent):
    """A second person approved the correction of a difference, and it was booked."""

    name = "reconciliation.adjustment-approved"
    title_zh = "批准调账"
    title_en = "The correction of a difference was approved"
    difference_id: UUID
    adjustment_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondPersonRefused(AuditEvent):
    """Somebody tried to decide on what they had themselves explained or proposed."""

    name = "reconciliation.second-person-refused"
    title_zh = "复核被拒绝"
    title_en = "A decision on one's own proposal was refused"
    difference_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferencesExported(AuditEvent):
    """A member of staff took a copy of the list of differences."""

    name = "reconciliation.differences-exported"
    title_zh = "导出对账差异"
    title_en = "The differences were exported"
    count: int
