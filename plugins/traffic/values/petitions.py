"""What every petition of a citizen shows, whatever it asks for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PetitionView:
    """A petition as its citizen sees it; officers see its text where they may."""

    id: UUID
    violation_id: UUID
    kind: str
    statement: str | None
    status: str
    decided_at: datetime | None
    reason: str | None
