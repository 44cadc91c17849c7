"""Reading receipts, and what stands of them; who may is the caller's to say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.unit_of_work import UnitOfWork
from app.receipts.errors import ReceiptNotReady
from app.receipts.models import Receipt
from app.receipts.values import ReceiptStatus, ReceiptView, ReversalView, receipt_number


def read_receipt(uow: UnitOfWork, payment_id: UUID) -> ReceiptView:
    """Return the receipt of a payment, or raise `ReceiptNotReady`."""
    receipt = uow.scalar(
        select(Receipt).where(Receipt.payment_id == payment_id, Receipt.original_id.is_(None))
    )
    if receipt is None:
        raise ReceiptNotReady
    return view_receipts(uow, [receipt])[0]


def read_red_letter(uow: UnitOfWork, receipt_id: UUID) -> ReceiptView:
    """Return a red letter that is known to exist."""
    return view_receipts(uow, [uow.get_one(Receipt, receipt_id)])[0]


def view_receipts(uow: UnitOfWork, receipts: Sequence[Receipt]) -> list[ReceiptView]:
    """Return receipts with what belongs to them in one statement, however many there are."""
    letters: dict[UUID, list[Receipt]] = defaultdict(list)
    ids = [receipt.id for receipt in receipts]
    parents = [receipt.original_id for receipt in receipts if receipt.original_id]
    related = select(Receipt).where(Receipt.original_id.in_(ids) | Receipt.id.in_(parents))
    numbers: dict[UUID | None, str] = {}
    for row in uow.scalars(related.order_by(Receipt.number)):
        numbers[row.id] = receipt_number(row.series, row.number)
        if row.original_id is not None:
            letters[row.original_id].append(row)
    return [_view(one, letters[one.id], numbers.get(one.original_id)) for one in receipts]


def find_codes(uow: UnitOfWork, payment_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Return the receipts' codes of those payments that have one."""
    found = select(Receipt.payment_id, Receipt.code).where(
        Receipt.payment_id.in_(payment_ids), Receipt.original_id.is_(None)
    )
    return dict(uow.execute(found).all())


def _view(receipt: Receipt, letters: Sequence[Receipt], original: str | None) -> ReceiptView:
    standing = receipt.amount + sum(letter.amount for letter in letters)
    return ReceiptView(
        id=receipt.id,
        payment_id=receipt.payment_id,
        original_id=receipt.original_id,
        original_number=original,
        status=_status(receipt, standing),
        series=receipt.series,
        number=receipt.number,
        code=receipt.code,
        amount=receipt.amount,
        standing_amount=0 if receipt.original_id else standing,
        currency=receipt.currency,
        sections=receipt.content["sections"],
        reversals=[
            ReversalView(
                letter.id,
                letter.series,
                letter.number,
                letter.code,
                letter.amount,
                letter.issued_at,
            )
            for letter in letters
        ],
        issued_at=receipt.issued_at,
    )


def _status(receipt: Receipt, standing: int) -> ReceiptStatus:
    if receipt.original_id is not None:
        return ReceiptStatus.RED_LETTER
    if standing == receipt.amount:
        return ReceiptStatus.ISSUED
    return ReceiptStatus.PARTLY_REVERSED if standing else ReceiptStatus.REVERSED
