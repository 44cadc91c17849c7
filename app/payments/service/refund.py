"""Letting money go back: under the attempt's lock, never more than came, decided by another one."""

from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import (
    ItemNotRefundable,
    PaymentDisputed,
    RefundDiffers,
    RefundExceedsAvailable,
)
from app.payments.events import ItemClosed, RefundApproved
from app.payments.models import Dispute, PaymentAttempt, PaymentItem, Refund
from app.payments.service.booking import book_refund_asked
from app.payments.values import HOUSE, OPEN_DISPUTES, AttemptStatus, ItemStatus, RefundStatus

_WHOLLY = frozenset({ItemStatus.UNDER_REVIEW, ItemStatus.REFUND_FAILED})
"""An item that may not be kept: what is left of it goes back as a whole or not at all."""


def captured_attempt(uow: UnitOfWork, payment_id: UUID) -> UUID | None:
    """Return the attempt that paid a payment's items; None when there was nothing to pay."""
    return uow.scalar(
        select(PaymentAttempt.id).where(
            PaymentAttempt.payment_id == payment_id,
            PaymentAttempt.status == AttemptStatus.SUCCEEDED,
        )
    )


def is_disputed(uow: UnitOfWork, attempt: PaymentAttempt) -> bool:
    """Say whether it is open whose a locked attempt's money is."""
    disputed = select(Dispute.id).where(
        Dispute.attempt_id == attempt.id, Dispute.status.in_(OPEN_DISPUTES)
    )
    return uow.scalar(disputed.limit(1)) is not None


def available_amount(attempt: PaymentAttempt, item: PaymentItem | None) -> int:
    """Return how much of a locked attempt, and of one item of it, can still go back."""
    left = attempt.captured_amount - attempt.refunded_amount - attempt.disputed_amount
    return left if item is None else min(left, item.refundable_amount)


def check_refundable(
    uow: UnitOfWork, attempt: PaymentAttempt, item: PaymentItem | None, amount: int
) -> None:
    """Raise what forbids that people or plug-ins have this much of a locked item returned."""
    if is_disputed(uow, attempt):
        raise PaymentDisputed
    available = available_amount(attempt, item)
    is_whole = item is not None and item.status in _WHOLLY
    if item is not None and not is_whole and item.status != ItemStatus.FULFILLED:
        raise ItemNotRefundable(item_status=item.status)
    if not 0 < amount <= available or (item and is_whole and amount != item.refundable_amount):
        raise RefundExceedsAvailable(available=available)


def find_refund(uow: UnitOfWork, attempt_id: UUID, client_reference: str) -> Refund | None:
    """Return the refund of an attempt that was asked for under a reference."""
    return uow.scalar(
        select(Refund).where(
            Refund.attempt_id == attempt_id, Refund.client_reference == client_reference
        )
    )


def same_refund(found: Refund, item_id: UUID | None, amount: int | None) -> Refund:
    """Return a refund that is asked for again, or raise `RefundDiffers`."""
    if found.item_id != item_id or amount not in {None, found.amount}:
        raise RefundDiffers
    return found


def open_refund(
    uow: UnitOfWork,
    attempt: PaymentAttempt,
    *,
    item: PaymentItem | None,
    amount: int,
    reason: str,
    client_reference: str,
    requested_by: str,
    decided_by: str | None = None,
) -> Refund:
    """Write down a refund of a locked attempt: asked for, or (with `decided_by`) approved.

    The unique key refuses a second refund of the same client reference.
    """
    refund_id, moment = new_id(), now()
    refund = Refund(
        id=refund_id,
        payment_id=attempt.payment_id,
        attempt_id=attempt.id,
        item_id=item.id if item else None,
        client_reference=client_reference,
        amount=amount,
        currency=attempt.currency,
        reason=reason,
        requested_by=requested_by,
        decided_by=decided_by,
        decided_at=moment if decided_by else None,
        created_at=moment,
        gateway_key=f"{attempt.gateway_key}:refund:{refund_id}",
        status=RefundStatus.APPROVED if decided_by else RefundStatus.REQUESTED,
    )
    if decided_by:
        reserve(uow, attempt, refund, item, cause=reason)
    uow.open_record(refund, cause=reason, amount=amount)
    if decided_by:
        uow.emit(RefundApproved(refund_id=refund.id))
    return refund


def approve_refund(
    uow: UnitOfWork,
    attempt: PaymentAttempt,
    *,
    item: PaymentItem | None,
    amount: int,
    reason: str,
    client_reference: str,
) -> Refund:
    """Send money of a locked attempt back by a rule: for what nobody has to approve.

    While the money is disputed, or when there is not so much left of it, the refund is only asked
    for: it goes when the dispute is won, or when a person says so.
    """
    can_go = amount <= available_amount(attempt, item) and not is_disputed(uow, attempt)
    return open_refund(
        uow,
        attempt,
        item=item,
        amount=amount,
        reason=reason,
        client_reference=client_reference,
        requested_by=HOUSE,
        decided_by=f"rule:{reason}" if can_go else None,
    )


def reserve(
    uow: UnitOfWork,
    attempt: PaymentAttempt,
    refund: Refund,
    item: PaymentItem | None,
    *,
    cause: str,
) -> None:
    """Take what a refund returns out of what can be returned, and book that it is owed.

    Attempt and item are locked; their checks hold even if this were wrong. An item all of which is
    back or on its way is `refunding`; of another, only the amounts change. Raise
    `RefundExceedsAvailable`.
    """
    available = available_amount(attempt, item)
    if refund.amount > available:
        raise RefundExceedsAvailable(available=available)
    attempt.refunded_amount += refund.amount
    if item is not None:
        item.refunding_amount += refund.amount
        if item.refundable_amount == 0 and item.status != ItemStatus.REFUNDING:
            closed = ItemClosed(payment_id=item.payment_id, item_id=item.id)
            uow.move(item, ItemStatus.REFUNDING, cause=cause, fact=closed)
    book_refund_asked(uow, refund, item)
