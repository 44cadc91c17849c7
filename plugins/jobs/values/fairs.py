"""Job fairs: booths for employers, times for citizens, and who waits for a place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

HELD_FOR = timedelta(minutes=10)
"""So long a place is kept for somebody who has not confirmed."""
OFFERED_FOR = timedelta(minutes=15)
MOST_OFFERS = 3
NO_OFFERS_WITHIN = timedelta(days=1)
"""Nobody who waits is offered a place so late."""
REMINDED_BEFORE = timedelta(days=1)
CHECK_IN_BEFORE = timedelta(hours=1)
MOST_CAPACITY, MOST_BOOTHS = 2_000, 1_000


class FairStatus(StrEnum):
    """How far a fair has come."""

    DRAFT = "draft"
    PUBLISHED = "published"
    OVER = "over"
    CANCELLED = "cancelled"


class BoothStatus(StrEnum):
    """Whether an employer still has a booth."""

    BOOKED = "booked"
    CANCELLED = "cancelled"


class FairBookingStatus(StrEnum):
    """How a citizen's booking stands; the first three have a seat."""

    HELD = "held"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


SEATED = (
    FairBookingStatus.HELD,
    FairBookingStatus.CONFIRMED,
    FairBookingStatus.CHECKED_IN,
)
COMING = (FairBookingStatus.HELD, FairBookingStatus.CONFIRMED)
"""Whoever has come already may book another time of the fair."""


class FairWaitStatus(StrEnum):
    """How somebody stands who waits for a place."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    LEFT = "left"
    ENDED = "ended"


WAITS = (FairWaitStatus.WAITING, FairWaitStatus.OFFERED)


@dataclass(frozen=True, slots=True)
class NewFair:
    """A fair as the desk plans it."""

    title_zh: str
    title_en: str
    place: str
    starts_at: datetime
    ends_at: datetime
    booths: int


@dataclass(frozen=True, slots=True)
class NewSlot:
    """A time at which so many citizens may come."""

    starts_at: datetime
    ends_at: datetime
    capacity: int


@dataclass(frozen=True, slots=True)
class Exhibitor:
    """An employer at a fair, and its booth."""

    employer_id: UUID
    employer: str
    number: int


@dataclass(frozen=True, slots=True)
class FairView:
    """A fair as anybody sees it."""

    id: UUID
    status: str
    title_zh: str
    title_en: str
    place: str
    starts_at: datetime
    ends_at: datetime
    booths: int
    exhibitors: Sequence[Exhibitor]


@dataclass(frozen=True, slots=True)
class SlotView:
    """A time of a fair, and how many seats are free."""

    id: UUID
    fair_id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    free: int


@dataclass(frozen=True, slots=True)
class BoothView:
    """A booth of an employer."""

    id: UUID
    fair_id: UUID
    employer_id: UUID
    number: int
    status: str
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class FairBookingView:
    """A booking as its citizen and the desk see it; nobody is named."""

    id: UUID
    fair_id: UUID
    slot_id: UUID
    title_zh: str
    title_en: str
    place: str
    starts_at: datetime
    ends_at: datetime
    status: str
    hold_until: datetime | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class FairWaitView:
    """That somebody waits for a place; `booking_id` is what is offered to them."""

    id: UUID
    fair_id: UUID
    slot_id: UUID
    status: str
    offers: int
    queued_at: datetime
    booking_id: UUID | None
