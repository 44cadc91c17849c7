"""Bills: as a biller tells them, and as their citizen sees them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from plugins.utilities.errors import BillNotFound
from plugins.utilities.values.billers import BILLERS, Biller
from plugins.utilities.values.details import BilledStep, BillLine, Reading

BILL_NUMBER = r"[A-Za-z0-9._:-]{1,51}"


MAX_AMOUNT = 10**10


CURRENCY = "CNY"


_AGAIN = "again."
"""No biller is called so, and so no bill of one has such a reference."""


_BILL_NUMBER = re.compile(BILL_NUMBER)


class BillStatus(StrEnum):
    """What a biller says of a bill; withdrawn means that it no longer lists it.

    Reversed is one that was paid until its biller took that back, and the money goes back, too.

    What the calendar alone decides is no stored state: see `Standing`.
    """

    OPEN = "open"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    WITHDRAWN = "withdrawn"
    REVERSED = "reversed"


OWED = (BillStatus.OPEN, BillStatus.PARTIALLY_PAID)
"""The states of a bill of which something is still owed."""


class Standing(StrEnum):
    """Where a bill stands today: its status and the calendar."""

    OPEN = "open"
    PARTIALLY_PAID = "partially_paid"
    OVERDUE = "overdue"
    EXPIRED = "expired"
    PAID = "paid"
    WITHDRAWN = "withdrawn"
    REVERSED = "reversed"


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


def again_reference(again_id: UUID) -> str:
    """Return the reference by which a bill is paid once more, after its biller took it back."""
    return f"{_AGAIN}{again_id.hex}"


def again_id_of(reference: str) -> UUID | None:
    """Return what `again_reference` was made of, or None when a reference names something else."""
    if not reference.startswith(_AGAIN):
        return None
    try:
        found = UUID(hex=reference.removeprefix(_AGAIN))
    except ValueError:
        return None
    return found if again_reference(found) == reference else None


def split_reference(reference: str) -> tuple[Biller, str]:
    """Return biller and bill number of a reference of ours, or raise `BillNotFound`."""
    biller_id, _, bill_number = reference.partition(".")
    if biller_id not in BILLERS or not is_bill_number(bill_number):
        raise BillNotFound
    return BILLERS[biller_id], bill_number


@dataclass(frozen=True, slots=True)
class BillerBill:
    """A bill as its biller tells it; amounts are in fen.

    `late_fee` is what the biller has added by the day it was asked, None where it adds none.
    `detail` is what `details.read_detail` reads: lines, reading and steps of the price.
    """

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
    paid_amount: int = 0
    late_fee: int | None = None
    expires_on: date | None = None
    amended_for: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CitizensBill:
    """A bill as its citizen sees it.

    `biller_reference` is the biller's own number of the bill, `posting_reference` its confirmation
    of a payment made here, `refreshed_at` when the biller was last heard of this account. `owed`
    is what is to be paid today: `amount` and `late_fee` without `paid_amount`. `reversed_at` is
    when its biller last took a payment of it back.
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
    standing: str
    paid_amount: int
    late_fee: int
    owed: int
    expires_on: date | None
    edition: int
    amended_for: str | None
    reversed_at: datetime | None
    lines: Sequence[BillLine]
    reading: Reading | None
    steps: Sequence[BilledStep]


@dataclass(frozen=True, slots=True)
class CostOn:
    """What is to be paid for a bill on a day, of which `late_fee`, for so many days of lateness.

    `days_later` are those of a later year than that in which it fell due. `is_capped` says that it
    grows no more, `can_be_paid` that the bill has not expired by then.
    """

    on: date
    owed: int
    late_fee: int
    days: int
    days_later: int
    is_capped: bool
    can_be_paid: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What waiting costs: the days on which that changes, the first of them today.

    `due_date` is moved where the counters are closed; `source` names the rule, None without any.
    """

    bill_id: UUID
    currency: str
    due_date: date
    source: str | None
    days: Sequence[CostOn]


@dataclass(frozen=True, slots=True)
class Edition:
    """A bill as it was once told; `reason` is why it replaced the edition before, where known."""

    edition: int
    amount: int
    due_date: date
    reason: str | None
    told_at: datetime
