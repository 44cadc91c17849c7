"""States, and what the payment use cases take and give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID


class Method(StrEnum):
    """How a citizen pays."""

    CARD = "card"
    ALIPAY = "alipay"
    WECHAT_PAY = "wechat_pay"


class PaymentStatus(StrEnum):
    """Where a payment is; succeeded means the money was captured."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


class ItemStatus(StrEnum):
    """Where one item is between the money and the biller."""

    WAITING = "waiting"
    DUE = "due"
    FULFILLED = "fulfilled"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    UNDER_REVIEW = "under_review"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"


class AttemptStatus(StrEnum):
    """Where one try to move the money is."""

    REQUESTED = "requested"
    OPEN = "open"
    UNKNOWN = "unknown"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUCCEEDED_LATE = "succeeded_late"


class RefundStatus(StrEnum):
    """Where money is on its way back."""

    REQUESTED = "requested"
    APPROVED = "approved"
    DECLINED = "declined"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REVERSED = "reversed"


class DisputeStatus(StrEnum):
    """Where a dispute at a gateway is."""

    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


OPEN_DISPUTES = (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)
"""A dispute of which nobody knows yet whose the money is."""


class RefundReason(StrEnum):
    """Why people ask for money back; a closed list, so that nothing personal is written here."""

    WRONG_AMOUNT = "wrong-amount"
    PAID_TWICE = "paid-twice"
    NOT_PROVIDED = "not-provided"
    PAYEE_ASKED = "payee-asked"
    OTHER = "other"


class DeclineReason(StrEnum):
    """Why a request for money back is declined."""

    OWED = "owed"
    PROVIDED = "provided"
    ALREADY_RETURNED = "already-returned"
    NOT_PROVEN = "not-proven"
    OTHER = "other"


class PostingStatus(StrEnum):
    """What is known of the notice to a biller."""

    IDLE = "idle"
    SENDING = "sending"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class SavedMethodStatus(StrEnum):
    """Where a method is that a citizen keeps at a gateway, to be charged while they are away."""

    REQUESTED = "requested"
    ACTIVE = "active"
    FAILED = "failed"
    REMOVED = "removed"


KEPT_METHODS = (SavedMethodStatus.REQUESTED, SavedMethodStatus.ACTIVE)
"""A method of which the gateway may still know."""

LIVE_ATTEMPTS = (
    AttemptStatus.REQUESTED,
    AttemptStatus.OPEN,
    AttemptStatus.PROCESSING,
    AttemptStatus.UNKNOWN,
)
"""An attempt that may still move money."""

OPEN_ITEMS = (ItemStatus.WAITING, ItemStatus.DUE, ItemStatus.UNKNOWN, ItemStatus.UNDER_REVIEW)
"""An item of which it is not yet known whether the biller has it."""


RELEASED_ITEMS = (
    ItemStatus.WAITING,
    ItemStatus.REFUNDED,
    ItemStatus.UNDER_REVIEW,
    ItemStatus.REFUNDING,
    ItemStatus.REFUND_FAILED,
)
"""What an item that has let its bill go may be; never one that its biller has or will be told."""

HOUSE = "house"
"""Who asks for a refund that follows from a rule."""

_SHOWN: Mapping[str, Mapping[str, str]] = {
    "payment_attempt": {
        AttemptStatus.REQUESTED: "pending",
        AttemptStatus.OPEN: "pending",
        AttemptStatus.UNKNOWN: "pending",
        AttemptStatus.SUCCEEDED_LATE: "returned",
    },
    "refund": {
        RefundStatus.APPROVED: "processing",
        RefundStatus.SUBMITTED: "processing",
        RefundStatus.UNKNOWN: "processing",
        RefundStatus.FAILED: "under_review",
        RefundStatus.REVERSED: "under_review",
    },
    "dispute": {
        DisputeStatus.NEEDS_RESPONSE: "disputed",
        DisputeStatus.UNDER_REVIEW: "disputed",
        DisputeStatus.WON: "decided",
        DisputeStatus.LOST: "decided",
        DisputeStatus.WITHDRAWN: "decided",
    },
}
"""What a payer is shown where it is not the state itself (docs/payments.md)."""


def shown_state(entity: str, state: str) -> str:
    """Return what a payer is shown of a record's state: there are fewer to see than there are."""
    return _SHOWN.get(entity, {}).get(state, state)


HIDDEN_MOVES: Sequence[tuple[str, str, str]] = [
    (entity, before, after)
    for entity, shown in _SHOWN.items()
    for before, name in shown.items()
    for after, other in shown.items()
    if name == other
]
"""Moves (record, from, to) after which a payer sees what they saw before."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One thing to pay: a service and the plug-in's reference."""

    service: str
    reference: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A method that is kept at a gateway: whose it is there, and what it is called there."""

    gateway: str
    customer_id: str
    method_id: str


@dataclass(frozen=True, slots=True)
class Order:
    """What a citizen asks to pay, and how.

    With `saved` nobody is there to act: the kept method is charged at once. `origin` names for ever
    what made the payment; a second one of the same origin cannot be. `expected_amount` is what the
    payer has seen, if they say so.
    """

    items: Sequence[OrderLine]
    method: Method
    return_url: str | None = None
    saved: Saved | None = None
    origin: str | None = None
    expected_amount: int | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """Money that is to be paid for one service."""

    service: str
    amount: int


@dataclass(frozen=True, slots=True)
class Quote:
    """One line with what its plug-in says is owed for it right now."""

    service: str
    plugin: str
    reference: str
    payee: str
    title: Mapping[str, str]
    amount: int
    currency: str
    version: str


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item as its payer sees it."""

    id: UUID
    service: str
    reference: str
    title: Mapping[str, str]
    amount: int
    currency: str
    refunded_amount: int
    status: str
    biller_reference: str | None
    fulfilled_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What somebody asks to have returned of one item: part of it, or (None) all that is left.

    `expected_available` is what they believe can be returned. `client_reference` is theirs: asking
    again with the same one is the same request.
    """

    item_id: UUID
    reason: RefundReason
    client_reference: str
    amount: int | None = None
    expected_available: int | None = None


@dataclass(frozen=True, slots=True)
class RefundView:
    """One refund as the payer sees it."""

    id: UUID
    payment_id: UUID
    item_id: UUID | None
    amount: int
    currency: str
    status: str
    reason: str
    declined_because: str | None
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefundCase:
    """One refund as the desk sees it: where it really is, and who asked and decided."""

    id: UUID
    payment_id: UUID
    item_id: UUID | None
    service: str | None
    amount: int
    currency: str
    status: str
    reason: str
    client_reference: str
    requested_by: str
    decided_by: str | None
    declined_because: str | None
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentView:
    """One payment as its payer sees it."""

    id: UUID
    status: str
    amount: int
    currency: str
    refunded_amount: int
    method: str
    items: Sequence[ItemView]
    next_action: Mapping[str, Any] | None
    receipt_code: str | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentEventView:
    """One line of a payment's timeline."""

    id: UUID
    entity: str
    entity_id: UUID
    sequence: int
    from_state: str | None
    to_state: str
    event: str | None
    cause: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FactItem:
    """One item as somebody else than its payer may know it: what was paid, never by whom."""

    id: UUID
    service: str
    provider: str
    reference: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One move of a payment or of what belongs to it, by the id of its row in the event log.

    `items` are those it concerns; with `amount` that much of the one item's money moved.
    """

    id: UUID
    at: datetime
    entity: str
    record_id: UUID
    sequence: int
    state: str
    payment_id: UUID
    citizen_id: UUID
    items: Sequence[FactItem]
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class PayableView:
    """Something the citizen owes, from whichever plug-in."""

    service: str
    service_title: Mapping[str, str]
    reference: str
    title: Mapping[str, str]
    amount: int
    currency: str
    due_date: Any
    payee: str
    version: str
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A provider that gave no answer, and the moment of what is shown of it all the same."""

    plugin: str
    services: Sequence[str]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Payables:
    """What the citizen owes, and which providers did not answer in time.

    What one of those had said not long before is shown all the same, with its moment (`as_of`).
    """

    items: Sequence[PayableView]
    unanswered: Sequence[Unanswered]
    next_cursor: None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """How a payment stands that was started while nobody was there.

    `is_declined`: it waits for a citizen who is not there; `decline_code` is the gateway's why.
    """

    payment_id: UUID
    status: PaymentStatus
    is_declined: bool
    decline_code: str | None


@dataclass(frozen=True, slots=True)
class SavedMethodView:
    """A kept method as its citizen sees it: of the card no more than brand and last digits."""

    id: UUID
    status: str
    method: str
    label: str | None
    next_action: Mapping[str, Any] | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentPolicy:
    """The figures a payment lives by; `pace` divides waits, never the lifetime.

    Above `step_up_above` for one payment, or `daily_limit` for one city day (both in fen), a
    session is asked to prove itself again.
    """

    lifetime: timedelta
    pace: int
    environment: str
    public_url: str
    step_up_above: int
    daily_limit: int
