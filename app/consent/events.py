"""Facts of the room: a consent ended, somebody was shown attributes."""

from dataclasses import dataclass
from uuid import UUID

from app.core.events import Event
from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentWithdrawn(Event):
    """A citizen took a consent back: whatever was given under it ends now."""

    name = "consent.withdrawn"

    consent_id: UUID
    citizen_id: UUID
    consumer: str
    agreement_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributesDisclosed(AuditEvent):
    """Somebody was shown attributes of a citizen, whose list of disclosures says under what."""

    name = "attributes.disclosed"
    title_zh = "查看了您的信息"
    title_en = "Your information was shown"

    disclosure_id: UUID
    consumer: str
    attributes: tuple[str, ...]
