"""States, figures and rules of standing orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from statistics import median
from uuid import UUID

from app.core.clock import CITY_TIME

TERMS = "autopay"
"""The agreement (`config/agreements`) whose version a citizen accepts with an order."""
CHARGE_HOUR = time(10, 0)
DAYS_BEFORE_DUE = 2
RETRY_DAYS = (1, 3, 5)
"""Days until a declined collection is tried again; after the last one it is given up."""
MOST_FAILURES = 3
"""Collections given up in a row until an order stops by itself."""
FINAL_DECLINES = frozenset(
    {
        "authentication_required",
        "expired_card",
        "lost_card",
        "stolen_card",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
    }
)
"""Declines that no later try can change: the order stops until its citizen names a method."""
ANOMALY_FACTOR = 2
ANOMALY_FLOOR = 5_000
ANOMALY_SAMPLES = 6


class OrderStatus(StrEnum):
    """Where a standing order is; only an active one takes money."""

    ACTIVE = "active"
    PAUSED = "paused"
    INACTIVE = "inactive"
    CANCELLED_BY_PAYER = "cancelled_by_payer"
    CANCELLED_BY_PAYEE = "cancelled_by_payee"
    EXPIRED = "expired"


LIVING_ORDERS = (OrderStatus.ACTIVE, OrderStatus.PAUSED, OrderStatus.INACTIVE)


class CollectionStatus(StrEnum):
    """Where the collection of one bill is."""

    ANNOUNCED = "announced"
    HELD = "held"
    SKIPPED = "skipped"
    CHARGING = "charging"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"


WAITING_COLLECTIONS = (CollectionStatus.ANNOUNCED, CollectionStatus.HELD, CollectionStatus.FAILED)
"""Collections for which no money is moving: they end with their order."""


class Hold(StrEnum):
    """Why a bill waits for its citizen's word."""

    ABOVE_BILL_CAP = "above_bill_cap"
    ABOVE_MONTH_CAP = "above_month_cap"
    UNUSUAL = "unusual"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a citizen allows: fen for one bill and (if said) for a city month, days of notice."""

    cap_per_bill: int
    cap_per_month: int | None
    notice_days: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a citizen asks for."""

    service: str
    payment_method_id: UUID
    bounds: Bounds
    expires_on: date | None
    terms_version: int


@dataclass(frozen=True, slots=True)
class OrderView:
    """A standing order as its citizen sees it."""

    id: UUID
    status: str
    service: str
    service_title: Mapping[str, str]
    payment_method_id: UUID
    cap_per_bill: int
    cap_per_month: int | None
    notice_days: int
    expires_on: date | None
    terms_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CollectionView:
    """The collection of one bill as its citizen sees it."""

    id: UUID
    status: str
    reference: str
    title: Mapping[str, str]
    amount: int
    currency: str
    due_date: date | None
    charge_at: datetime
    reason: str | None
    payment_id: UUID | None


@dataclass(frozen=True, slots=True)
class Terms:
    """The agreement that an order is made under."""

    version: int
    title: Mapping[str, str]
    text: Mapping[str, str]


def when_to_charge(announced_at: datetime, notice_days: int, due_date: date | None) -> datetime:
    """Return when a bill is taken: two days before it is due, and never without its notice.

    At ten in the morning of a city day. Where the notice ends after the due date it still holds.
    """
    today = announced_at.astimezone(CITY_TIME).date()
    day = today + timedelta(days=notice_days)
    if due_date is not None:
        day = max(day, due_date - timedelta(days=DAYS_BEFORE_DUE))
    return datetime.combine(day, CHARGE_HOUR, CITY_TIME)


def when_to_retry(failed_at: datetime, tries: int) -> datetime | None:
    """Return when a declined collection is tried again after so many tries; None for never."""
    if tries > len(RETRY_DAYS):
        return None
    day = failed_at.astimezone(CITY_TIME).date() + timedelta(days=RETRY_DAYS[tries - 1])
    return datetime.combine(day, CHARGE_HOUR, CITY_TIME)


def why_to_hold(amount: int, bounds: Bounds, taken: int, past: Sequence[int]) -> Hold | None:
    """Return why a bill of so many fen has to wait for its citizen's word, or None.

    `taken` was collected in the same month; `past` are the last amounts that were, newest first:
    unusual is what is above twice their median and fifty yuan above it.
    """
    if amount > bounds.cap_per_bill:
        return Hold.ABOVE_BILL_CAP
    if bounds.cap_per_month is not None and taken + amount > bounds.cap_per_month:
        return Hold.ABOVE_MONTH_CAP
    known = past[:ANOMALY_SAMPLES]
    if known and amount > max(ANOMALY_FACTOR * median(known), median(known) + ANOMALY_FLOOR):
        return Hold.UNUSUAL
    return None


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """Return where the city month of a moment begins and where the next one does."""
    first = moment.astimezone(CITY_TIME).date().replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    begins, ends = (datetime.combine(day, time.min, CITY_TIME) for day in (first, following))
    return begins, ends
