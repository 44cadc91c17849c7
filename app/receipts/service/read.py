"""Reading receipts: who may is the caller's to say."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.unit_of_work import UnitOfWork
from app.receipts.errors import ReceiptNotReady
from app.receipts.models import Receipt
from app.receipts.values import ReceiptView


def read_receipt(uow: UnitOfWork, payment_id: UUID) -> ReceiptView:
    """Return the receipt of a payment, or raise `ReceiptNotReady`."""
    receipt = uow.scalar(select(Receipt).where(Receipt.payment_id == payment_id))
    if receipt is None:
        raise ReceiptNotReady
    return view_receipt(receipt)


def view_receipt(receipt: Receipt) -> ReceiptView:
    """Return a receipt as its citizen sees it."""
    return ReceiptView(
        id=receipt.id,
        payment_id=receipt.payment_id,
        series=receipt.series,
        number=receipt.number,
        code=receipt.code,
        amount=receipt.amount,
        currency=receipt.currency,
        sections=receipt.content["sections"],
        issued_at=receipt.issued_at,
    )


def find_codes(uow: UnitOfWork, payment_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Return the receipts' codes of those payments that have one."""
    found = select(Receipt.payment_id, Receipt.code).where(Receipt.payment_id.in_(payment_ids))
    return dict(uow.execute(found).all())
