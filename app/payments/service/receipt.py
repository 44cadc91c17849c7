"""When a payment has its receipt: once it is known what its billers have."""

from uuid import UUID

from app.core.db import owned
from app.core.unit_of_work import UnitOfWork
from app.payments.events import ItemClosed
from app.payments.models import Payment, PaymentItem
from app.payments.service.common import PaymentDeps, lock, lock_items
from app.payments.values import OPEN_ITEMS, ItemStatus, PaymentStatus
from app.receipts import service as receipts
from app.receipts.values import Draft, ReceiptView, Section


def issue_receipt(uow: UnitOfWork, deps: PaymentDeps, event: ItemClosed) -> None:
    """Issue a payment's receipt when no item is open and one at least was fulfilled; once."""
    payment = lock(uow, Payment, event.payment_id)
    items = lock_items(uow, payment.id)
    if payment.status != PaymentStatus.SUCCEEDED or any(i.status in OPEN_ITEMS for i in items):
        return
    fulfilled = [item for item in items if item.status == ItemStatus.FULFILLED]
    if fulfilled:
        sections = [_section(deps, item) for item in fulfilled]
        receipts.issue_receipt(
            uow, Draft(payment.id, payment.citizen_id, payment.currency, sections)
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
