"""What the audit trail is told of traffic violations."""

from dataclasses import dataclass
from uuid import UUID

from app.sdk import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestRead(AuditEvent):
    """An officer read what a citizen wrote against a violation."""

    name = "traffic.contest_read"
    title_zh = "办案人员查阅了异议材料"
    title_en = "An officer read an objection"
    contest_id: UUID
    officer: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestDecided(AuditEvent):
    """An officer decided on an objection."""

    name = "traffic.contest_decided"
    title_zh = "办案人员对异议作出决定"
    title_en = "An officer decided on an objection"
    contest_id: UUID
    officer: UUID
    outcome: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BadgeNamed(AuditEvent):
    """Somebody said which badge a member of staff wears."""

    name = "traffic.badge_named"
    title_zh = "登记了办案人员警号"
    title_en = "The badge of an officer was registered"
    officer: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliefDecided(AuditEvent):
    """An officer granted or refused more time, or parts."""

    name = "traffic.relief_decided"
    title_zh = "办案人员对延期或分期申请作出决定"
    title_en = "An officer decided on a request for relief"
    relief_id: UUID
    officer: UUID
    granted: bool
