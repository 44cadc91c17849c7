"""What is due, for calendars: a private address, and the events that stand there."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OpenedFeed:
    """A private address that was just made; it is told this once."""

    secret: str = field(repr=False)
    made_at: datetime


@dataclass(frozen=True, slots=True)
class DueEvent:
    """Something that is due on a day; `edition` counts from 1, `changed_at` is of the last one."""

    id: UUID
    day: date
    edition: int
    changed_at: datetime
    summary: str
    description: str
