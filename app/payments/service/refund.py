"""Letting money go back: under the attempt's lock, never more than came, decided by another one."""

from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.payments.errors import RefundDiffers, RefundExceedsAvailable
from app.payments.events import ItemClosed, RefundApproved
from app.payments.models import PaymentAttempt, PaymentItem, Refund
from app.payments.service.booking import book_refund_asked
from app.payments.values import HOUSE, AttemptStatus, ItemStatus, RefundStatus


def captured_attempt(uow: UnitOfWork, payment_id: UUID) -> UUID | None:
    """Return the attempt that paid a payment's items; None when there was nothing to pay."""
    return uow.scalar(
        select(PaymentAttempt.id).where(
            PaymentAttempt.payment_id == payment_id,
            PaymentAttempt.status == AttemptStatus.SUCCEEDED,
        )
    )


def available_amount(attempt: PaymentAttempt, item: PaymentItem | None) -> int:
    """Return how much of a locked attempt, and of one item of it, can still go back."""
    left = attempt.captured_amount - attempt.refunded_amount
    return left if item is None else min(left, item.refundable_amount)


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
    """Send money of a locked attempt back by a rule: for what nobody has to approve."""
    return open_refund(
        uow,
        attempt,
        item=item,
        amount=amount,
        reason=reason,
        client_reference=client_reference,
        requested_by=HOUSE,
        decided_by=f"rule:{reason}",
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
