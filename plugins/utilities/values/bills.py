"""Bills: as a biller tells them, and as their citizen sees them."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from plugins.utilities.errors import BillNotFound
from plugins.utilities.values.billers import BILLERS, Biller

BILL_NUMBER = r"[A-Za-z0-9._:-]{1,51}"


MAX_AMOUNT = 10**10


CURRENCY = "CNY"


_BILL_NUMBER = re.compile(BILL_NUMBER)


class BillStatus(StrEnum):
    """What a biller says of a bill; withdrawn means that it no longer lists it."""

    OPEN = "open"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


class BillSource(StrEnum):
    """How a bill came to us: by asking the biller, or in its nightly file."""

    INQUIRY = "inquiry"
    FILE = "file"


def is_bill_number(text: str) -> bool:
    """Say whether a biller's bill number can be part of a reference of ours."""
    return _BILL_NUMBER.fullmatch(text) is not None


def reference_of(biller_id: str, bill_number: str) -> str:
    """Return our reference of a bill: two billers may use the same numbers."""
    return f"{biller_id}.{bill_number}"


def split_reference(reference: str) -> tuple[Biller, str]:
    """Return biller and bill number of a reference of ours, or raise `BillNotFound`."""
    biller_id, _, bill_number = reference.partition(".")
    if biller_id not in BILLERS or not is_bill_number(bill_number):
        raise BillNotFound
    return BILLERS[biller_id], bill_number


@dataclass(frozen=True, slots=True)
class BillerBill:
    """A bill as its biller tells it; the amount is in fen."""

    biller: str
    account: str
    number: str
    amount: int
    currency: str
    period_from: date
    period_to: date
    due_date: date
    status: BillStatus = BillStatus.OPEN
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CitizensBill:
    """A bill as its citizen sees it.

    `biller_reference` is the biller's own number of the bill, `posting_reference` its confirmation
    of a payment made here, `refreshed_at` when the biller was last heard of this account.
    """

    id: UUID
    service: str
    reference: str
    biller: str
    account_number_masked: str
    amount: int
    currency: str
    period_from: date
    period_to: date
    due_date: date
    status: str
    paid_at: datetime | None
    biller_reference: str
    posting_reference: str | None
    refreshed_at: datetime | None
