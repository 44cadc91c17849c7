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


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionLookedUp(AuditEvent):
    """Somebody looked a decision up by its number and a second fact, or was refused."""

    name = "traffic.decision_looked_up"
    title_zh = "凭文书编号查询了处罚决定"
    title_en = "A decision was looked up by its number"
    violation_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceTried(AuditEvent):
    """Somebody wanted to pay a fine that is not theirs, or that there is not."""

    name = "traffic.reference_tried"
    title_zh = "尝试缴纳非本人的罚款被拒绝"
    title_en = "Somebody named a fine that is not theirs"


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceViewed(AuditEvent):
    """A citizen looked at a picture of their violation; the view's number stands in it."""

    name = "traffic.evidence_viewed"
    title_zh = "查看了违法证据图片"
    title_en = "The evidence of a violation was viewed"
    violation_id: UUID
    place: int
    view: UUID
