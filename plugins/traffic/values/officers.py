"""Members of staff with a badge."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

BADGE = r"[A-Z0-9-]{1,20}"


@dataclass(frozen=True, slots=True)
class OfficerView:
    """A member of staff with a badge."""

    staff_id: UUID
    badge: str
    named_at: datetime
