"""Whether a receipt is genuine: anybody may ask, and learns nothing else."""

import hmac

from sqlalchemy import select

from app.core.unit_of_work import UnitOfWork
from app.receipts.models import Receipt
from app.receipts.service.common import ReceiptsDeps
from app.receipts.service.receipt_pdf import ReceiptPage
from app.receipts.values import ReceiptView


def receipt_page(deps: ReceiptsDeps, receipt: ReceiptView) -> ReceiptPage:
    """Return what the PDF of a receipt shows; the same for the same receipt, for ever."""
    query = f"amount={receipt.amount}"
    return ReceiptPage(
        series=receipt.series,
        number=receipt.number,
        code=receipt.code,
        issued_at=receipt.issued_at,
        amount=receipt.amount,
        currency=receipt.currency,
        sections=receipt.sections,
        verify_url=f"{deps.public_url}/v1/receipts/{receipt.code}/validity?{query}",
    )


def is_receipt_valid(uow: UnitOfWork, code: str, amount: int) -> bool:
    """Say whether a receipt with this code is about this amount; nothing else is told."""
    receipt = uow.scalar(select(Receipt).where(Receipt.code == code))
    known = receipt.amount if receipt else -1
    return hmac.compare_digest(str(known), str(amount))
