"""When a payment has its receipt: once it is known what its billers have."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.db import owned
from app.core.unit_of_work import UnitOfWork
from app.payments.events import ItemClosed, RefundSucceeded
from app.payments.models import Payment, PaymentItem, Refund
from app.payments.service.common import PaymentDeps, lock_items
from app.payments.values import OPEN_ITEMS, ItemStatus, PaymentStatus, RefundStatus
from app.receipts import service as receipts
from app.receipts.values import Draft, ReceiptView, Reversal, Section


def issue_receipt(uow: UnitOfWork, deps: PaymentDeps, event: ItemClosed) -> None:
    """Issue a payment's receipt when no item is open and one at least was fulfilled; once."""
    payment = uow.lock(Payment, event.payment_id)
    items = lock_items(uow, payment.id)
    if payment.status != PaymentStatus.SUCCEEDED or any(i.status in OPEN_ITEMS for i in items):
        return
    fulfilled = [item for item in items if item.status == ItemStatus.FULFILLED]
    if fulfilled:
        sections = [_section(deps, item) for item in fulfilled]
        receipts.issue_receipt(
            uow, Draft(payment.id, payment.citizen_id, payment.currency, sections)
        )
        # What went back before there was a receipt had nothing to take back until now.
        for refund in _returned(uow, payment.id):
            _reverse(uow, refund)


def reverse_receipt(uow: UnitOfWork, deps: PaymentDeps, event: RefundSucceeded) -> None:  # noqa: ARG001 - every handler takes them
    """Take back on the receipt what a refund returned of one of its items; once.

    The payment's lock keeps this and `issue_receipt` apart: whichever comes second sees the other.
    """
    refund = uow.get_one(Refund, event.refund_id)
    uow.lock(Payment, refund.payment_id)
    _reverse(uow, refund)


def _returned(uow: UnitOfWork, payment_id: UUID) -> Sequence[Refund]:
    """Return the refunds of a payment's items whose money is with the citizen, oldest first."""
    statement = (
        select(Refund)
        .where(
            Refund.payment_id == payment_id,
            Refund.item_id.is_not(None),
            Refund.status == RefundStatus.SUCCEEDED,
        )
        .order_by(Refund.id)
        .execution_options(populate_existing=True)
    )
    return uow.scalars(statement).all()


def _reverse(uow: UnitOfWork, refund: Refund) -> None:
    if refund.item_id is None:
        return  # money that came too late: it is on no receipt
    item = uow.lock(PaymentItem, refund.item_id)
    receipts.reverse_receipt(
        uow,
        Reversal(
            payment_id=refund.payment_id,
            refund_id=refund.id,
            item_id=item.id,
            amount=refund.amount,
            left=item.amount - item.refunded_amount,
        ),
    )


def _section(deps: PaymentDeps, item: PaymentItem) -> Section:
    service = deps.registry.services.get(item.service)
    payee = deps.registry.payees.get(item.payee)
    return Section(
        item_id=item.id,
        service=item.service,
        service_title=service.title if service else item.title,
        category=service.category if service else None,
        payee=item.payee,
        payee_title=payee.title if payee else {"zh": item.payee, "en": item.payee},
        title=item.title,
        reference=item.reference,
        amount=item.amount,
        currency=item.currency,
        biller_reference=item.biller_reference,
        fulfilled_at=item.fulfilled_at,
    )


def read_receipt(uow: UnitOfWork, payment_id: UUID, citizen_id: UUID) -> ReceiptView:
    """Return the receipt of a citizen's own payment, or raise `ReceiptNotReady`."""
    owned(uow, Payment, payment_id, citizen_id)
    return receipts.read_receipt(uow, payment_id)
