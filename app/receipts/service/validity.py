"""Whether a receipt is genuine: anybody may ask, and learns nothing else."""

import hmac

from sqlalchemy import select

from app.core.unit_of_work import UnitOfWork
from app.receipts.models import Receipt
from app.receipts.service.common import ReceiptsDeps
from app.receipts.service.read import view_receipts
from app.receipts.service.receipt_pdf import ReceiptPage
from app.receipts.values import ReceiptView, Validity


def receipt_page(deps: ReceiptsDeps, receipt: ReceiptView) -> ReceiptPage:
    """Return what the PDF of a receipt shows; the same for the same receipt, for ever."""
    query = f"amount={abs(receipt.amount)}"
    return ReceiptPage(
        series=receipt.series,
        number=receipt.number,
        code=receipt.code,
        original_number=receipt.original_number,
        issued_at=receipt.issued_at,
        amount=receipt.amount,
        currency=receipt.currency,
        sections=receipt.sections,
        verify_url=f"{deps.public_url}/v1/receipts/{receipt.code}/validity?{query}",
    )


def check_validity(uow: UnitOfWork, code: str, amount: int) -> Validity:
    """Say what stands of the receipt with this code, if it is about this amount.

    Of a red letter, the amount is asked without its sign. A code that nobody has and an amount that
    is wrong are answered the same.
    """
    receipt = uow.scalar(select(Receipt).where(Receipt.code == code))
    known = abs(receipt.amount) if receipt else -1
    if not hmac.compare_digest(str(known), str(amount)) or receipt is None:
        return Validity()
    (view,) = view_receipts(uow, [receipt])
    return Validity(view.status, view.standing_amount)
