"""What happened to mandates, and what the audit trail is told."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event
from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class MandateDrafted(Event):
    """A mandate was asked for; the one who was named by a number is to be told."""

    name: ClassVar[str] = "mandate.drafted"
    mandate_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionAsked(Event):
    """A principal is to be asked by SMS; the code waits sealed in its row."""

    name: ClassVar[str] = "mandate.question_asked"
    mandate_id: UUID
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ActingStarted(AuditEvent):
    """A delegate was given a token to act in somebody's name."""

    name: ClassVar[str] = "acting.started"
    title_zh: ClassVar[str] = "代办人开始代您办理"
    title_en: ClassVar[str] = "Somebody you let act for you has begun to"

    delegate_id: UUID
    power_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DelegateActed(AuditEvent):
    """A delegate did something, or was refused, in somebody's name."""

    name: ClassVar[str] = "acting.acted"
    title_zh: ClassVar[str] = "代办人代您办理了事项"
    title_en: ClassVar[str] = "Somebody acted for you"

    delegate_id: UUID
    power_id: UUID
    action: str
    operation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ScopeRevoked(AuditEvent):
    """One service was taken out of a mandate."""

    name: ClassVar[str] = "mandate.scope_revoked"
    title_zh: ClassVar[str] = "授权范围已缩小"
    title_en: ClassVar[str] = "A service was taken out of a mandate"

    mandate_id: UUID
    scope_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmedAtCounter(AuditEvent):
    """A member of staff confirmed a mandate or a guardianship with the person before them."""

    name: ClassVar[str] = "delegation.confirmed_at_counter"
    title_zh: ClassVar[str] = "窗口工作人员为您确认了授权或监护关系"
    title_en: ClassVar[str] = "Staff confirmed a mandate or guardianship of yours at a counter"

    record_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DelegateOfMany(AuditEvent):
    """Somebody acts for more people than is usual."""

    name: ClassVar[str] = "delegate.of_many"
    title_zh: ClassVar[str] = "代办人数较多，已提示工作人员关注"
    title_en: ClassVar[str] = "You act for many people; staff will have a look"

    people: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimRefused(AuditEvent):
    """A register did not confirm what somebody claimed of an organisation or a child."""

    name: ClassVar[str] = "delegation.claim_refused"
    title_zh: ClassVar[str] = "登记机关未确认您申报的关系"
    title_en: ClassVar[str] = "The register did not confirm what you claimed"

    claim: str
