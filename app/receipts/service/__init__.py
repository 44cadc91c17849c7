"""What can be done with receipts: one file for each use case, one list of names."""

from app.receipts.service.common import ReceiptsDeps
from app.receipts.service.issue import issue_receipt
from app.receipts.service.read import find_codes, read_receipt
from app.receipts.service.receipt_pdf import render_receipt
from app.receipts.service.validity import is_receipt_valid, receipt_page

__all__ = [
    "ReceiptsDeps",
    "find_codes",
    "is_receipt_valid",
    "issue_receipt",
    "read_receipt",
    "receipt_page",
    "render_receipt",
]
