"""What can be done with receipts: one file for each use case, one list of names."""

from app.core.papers.seal import Seal
from app.receipts.service.common import ReceiptsDeps
from app.receipts.service.documents import list_keys, sign_receipt
from app.receipts.service.issue import issue_receipt, reverse_receipt
from app.receipts.service.read import find_codes, read_receipt, read_red_letter
from app.receipts.service.summary import (
    list_receipts,
    read_own_receipt,
    sign_summary,
    summarise_year,
)
from app.receipts.service.validity import check_validity

__all__ = [
    "ReceiptsDeps",
    "Seal",
    "check_validity",
    "find_codes",
    "issue_receipt",
    "list_keys",
    "list_receipts",
    "read_own_receipt",
    "read_receipt",
    "read_red_letter",
    "reverse_receipt",
    "sign_receipt",
    "sign_summary",
    "summarise_year",
]
