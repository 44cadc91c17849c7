"""Orders: references that are minted to pay a part, several bills at once, ahead, or a meter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

_PREFIX = "order."
"""No biller is called so, and so no bill has such a reference."""


class OrderKind(StrEnum):
    """What a minted reference pays: an account's bills and what is beyond them, or its meter."""

    PAYMENT = "payment"
    TOP_UP = "top_up"


class OrderStatus(StrEnum):
    """How an order stands: what the postings and the clock say, and stored nowhere."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    REFUSED = "refused"
    EXPIRED = "expired"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a citizen wants to pay; without `bills` it is laid on all open ones of the account."""

    amount: int
    kind: OrderKind = OrderKind.PAYMENT
    bills: Sequence[UUID] | None = None


@dataclass(frozen=True, slots=True)
class OrderPart:
    """What of an order falls on one line of one bill."""

    bill: str
    head: str
    amount: int


@dataclass(frozen=True, slots=True)
class Laid:
    """How a biller is told to lay out an order: so much on each bill, in advance, or a meter."""

    account: str
    bills: Sequence[tuple[str, int]]
    advance: int
    top_up: int


@dataclass(frozen=True, slots=True)
class CitizensOrder:
    """An order as its citizen sees it.

    The parts and `advance` add up to the amount; `token` is what a meter is fed with, `meter_load`
    whether its biller has loaded one itself.
    """

    id: UUID
    service: str
    reference: str
    biller: str
    account_number_masked: str
    kind: str
    amount: int
    currency: str
    status: str
    parts: Sequence[OrderPart]
    advance: int
    made_at: datetime
    expires_at: datetime
    posting_reference: str | None
    refusal: str | None
    token: str | None
    meter_load: str | None


def order_reference(order_id: UUID) -> str:
    """Return the reference by which an order is paid."""
    return f"{_PREFIX}{order_id.hex}"


def order_number(order_id: UUID) -> str:
    """Return how a biller is told to call an order; it has the form of a bill's number."""
    return f"O-{order_id.hex}"


def order_id_of(reference: str) -> UUID | None:
    """Return the order that a reference names, or None when it names something else."""
    if not reference.startswith(_PREFIX):
        return None
    try:
        found = UUID(hex=reference.removeprefix(_PREFIX))
    except ValueError:
        return None
    return found if order_reference(found) == reference else None
