"""States, kinds of events, the figures of sending, and what the room takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

_MINUTE, _HOUR = 60, 3_600
SCHEDULE = (
    0,
    5,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
"""Seconds before each try, counted from the one before; after the last a delivery is dead."""
JITTER = 0.1
LEASE = timedelta(seconds=30)
"""How long one worker alone sends to an endpoint: twice what one call may take."""
SLOW_MILLISECONDS = 1_000
LONGEST_REST = 60.0
"""Seconds that an endpoint is left alone at most when its failures take their time."""
SECRET_OVERLAP = timedelta(days=7)
RETENTION = timedelta(days=45)
MOST_ENDPOINTS = 10
MOST_REPLAYED = 1_000


class EventType(StrEnum):
    """What an integrator can be told."""

    PAYMENT_SUCCEEDED = "payment.succeeded"
    ITEM_FULFILLED = "payment.item.fulfilled"
    ITEM_REJECTED = "payment.item.rejected"
    ITEM_REFUNDED = "payment.item.refunded"
    REFUND_APPROVED = "payment.refund.approved"
    REFUND_SUCCEEDED = "payment.refund.succeeded"
    REFUND_FAILED = "payment.refund.failed"
    REFUND_REVERSED = "payment.refund.reversed"
    APPLICATION_SUBMITTED = "application.submitted"
    APPLICATION_ACCEPTED = "application.accepted"
    APPLICATION_RETURNED = "application.returned"
    APPLICATION_DECIDED = "application.decided"
    APPLICATION_COMPLETED = "application.completed"
    APPLICATION_REFUSED = "application.refused"
    APPLICATION_WITHDRAWN = "application.withdrawn"
    APPLICATION_LAPSED = "application.lapsed"
    TEST = "webhook.test"


TYPES: Mapping[tuple[str, str], EventType] = {
    ("payment", "succeeded"): EventType.PAYMENT_SUCCEEDED,
    ("payment_item", "fulfilled"): EventType.ITEM_FULFILLED,
    ("payment_item", "rejected"): EventType.ITEM_REJECTED,
    ("payment_item", "refunded"): EventType.ITEM_REFUNDED,
    ("refund", "approved"): EventType.REFUND_APPROVED,
    ("refund", "succeeded"): EventType.REFUND_SUCCEEDED,
    ("refund", "failed"): EventType.REFUND_FAILED,
    ("refund", "reversed"): EventType.REFUND_REVERSED,
}
"""Which moves of which records integrators are told of."""


class Scheme(StrEnum):
    """How an endpoint's events are signed: Ed25519 (what is preferred), or a shared secret."""

    V1A = "v1a"
    V1 = "v1"


class EndpointStatus(StrEnum):
    """The states of an endpoint."""

    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


class DeliveryState(StrEnum):
    """Where an event is on its way to an endpoint."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint as its integrator describes it; `events` of None are all, later ones too."""

    url: str
    scheme: Scheme = Scheme.V1A
    events: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class EndpointView:
    """An endpoint as its integrator sees it.

    A shared secret is shown when it is made and never again; the public keys are no secret.
    """

    id: UUID
    url: str
    status: str
    scheme: str
    events: Sequence[str] | None
    disabled_because: str | None
    public_keys: Sequence[str]
    key_made_at: datetime | None
    former_key_until: datetime | None
    created_at: datetime
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class EventView:
    """One event: `position` is its place in the client's feed, `id` the `webhook-id`."""

    id: UUID
    position: int
    type: str
    timestamp: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Events:
    """A part of a feed; `next_cursor` goes on after it, also at its present end."""

    items: Sequence[EventView]
    next_cursor: int


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One call of an endpoint; `error` stands where there was no answer that counts."""

    number: int
    started_at: datetime
    status: int | None
    milliseconds: int | None
    answer: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One event on its way to one endpoint."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    position: int
    state: str
    tries: int
    next_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: Sequence[AttemptView] = ()


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries are asked for."""

    endpoint_id: UUID | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The events after one position up to another, both of the client's feed."""

    after: int
    until: int
    only_dead: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call: a status with the beginning of its body, or why there is none."""

    status: int | None
    milliseconds: int
    text: str | None = None
    error: str | None = None

    @property
    def is_good(self) -> bool:
        """Say whether the endpoint has taken the event."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - 2xx

    @property
    def is_slow_failure(self) -> bool:
        """Say whether a worker was kept waiting for nothing."""
        return not self.is_good and self.milliseconds >= SLOW_MILLISECONDS
