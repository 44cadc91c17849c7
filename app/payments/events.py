"""Facts of the payment platform."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayEventReceived(Event):
    """A genuine webhook lies in the inbox: a hint to ask the gateway."""

    name: ClassVar[str] = "gateway_event.received"
    source: str
    event_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptQuestioned(Event):
    """It is time to ask the gateway about an attempt."""

    name: ClassVar[str] = "attempt.questioned"
    attempt_id: UUID
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentSucceeded(Event):
    """The money of a payment was captured."""

    name: ClassVar[str] = "payment.succeeded"
    payment_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemDue(Event):
    """The biller of an item has to be told."""

    name: ClassVar[str] = "item.due"
    item_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemClosed(Event):
    """It is known whether the biller has an item: the receipt may be ready."""

    name: ClassVar[str] = "item.closed"
    payment_id: UUID
    item_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundApproved(Event):
    """Money has to go back."""

    name: ClassVar[str] = "refund.approved"
    refund_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundQuestioned(Event):
    """It is time to ask the gateway about a refund."""

    name: ClassVar[str] = "refund.questioned"
    refund_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundSucceeded(Event):
    """Money went back."""

    name: ClassVar[str] = "refund.succeeded"
    refund_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeQuestioned(Event):
    """It is time to ask a gateway which disputes an attempt's money is in."""

    name: ClassVar[str] = "dispute.questioned"
    attempt_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeOpened(Event):
    """A payer's bank has taken money back until it is decided whose it is."""

    name: ClassVar[str] = "dispute.opened"
    dispute_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeClosed(Event):
    """It is decided whose disputed money is."""

    name: ClassVar[str] = "dispute.closed"
    dispute_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundDeclined(Event):
    """Somebody's request for money back was declined."""

    name: ClassVar[str] = "refund.declined"
    refund_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundFailed(Event):
    """Money could not go back, or came back after it had: somebody has to look."""

    name: ClassVar[str] = "refund.failed"
    refund_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedMethodQuestioned(Event):
    """It is time to ask what became of a method that is being kept."""

    name: ClassVar[str] = "saved_method.questioned"
    saved_method_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedMethodRemoved(Event):
    """A citizen let go of a kept method: the gateway has to forget it."""

    name: ClassVar[str] = "saved_method.removed"
    saved_method_id: UUID
