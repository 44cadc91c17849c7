"""What can be done with receipts: one file for each use case, one list of names."""

from app.receipts.service.common import ReceiptsDeps
from app.receipts.service.issue import issue_receipt, reverse_receipt
from app.receipts.service.read import find_codes, read_receipt, read_red_letter
from app.receipts.service.receipt_pdf import render_receipt
from app.receipts.service.validity import check_validity, receipt_page

__all__ = [
    "ReceiptsDeps",
    "check_validity",
    "find_codes",
    "issue_receipt",
    "read_receipt",
    "read_red_letter",
    "receipt_page",
    "render_receipt",
    "reverse_receipt",
]
