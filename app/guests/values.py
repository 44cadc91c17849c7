"""How long a pass is good for, and what is given with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

LIFETIME = timedelta(minutes=30)
KEPT = timedelta(days=30)
"""How long a pass is kept after its end: what was paid with it names it as its payer."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A guest: the id that stands for them, their token, and when it ends."""

    id: UUID
    token: str
    expires_at: datetime
