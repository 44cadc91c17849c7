"""What the audit trail is told about guests."""

from dataclasses import dataclass
from uuid import UUID

from app.core.trail import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class GuestAdmitted(AuditEvent):
    """A provider gave somebody without an account a pass to pay one thing."""

    name = "guest.admitted"
    title_zh = "发放访客缴费凭证"
    title_en = "A guest was given a pass for one bill"
    guest_id: UUID
    provider: str
    service: str
