"""The account plan, and what a booking is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """What an account is; the sign of a healthy balance follows from it."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True, order=True)
class AccountRef:
    """An account by its code; it is opened when it is first booked to."""

    code: str
    kind: Kind


REFUNDS_PAYABLE = AccountRef("refunds-payable", Kind.LIABILITY)
"""Money on its way back to citizens."""
SUSPENSE = AccountRef("suspense", Kind.LIABILITY)
"""Money that came and belongs to no open payment."""


def clearing(gateway: str) -> AccountRef:
    """Return the account of money that a gateway holds for us."""
    return AccountRef(f"clearing:{gateway}", Kind.ASSET)


def payee(payee_id: str) -> AccountRef:
    """Return the account of what we owe a payee."""
    return AccountRef(f"payee:{payee_id}", Kind.LIABILITY)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a booking: debit above zero, credit below, minor units."""

    account: AccountRef
    amount: int


@dataclass(frozen=True, slots=True)
class Booking:
    """A transaction to record; (kind, external_ref) makes a repeat harmless."""

    kind: str
    external_ref: str
    subject_id: UUID
    occurred_at: datetime
    lines: Sequence[Line]
    currency: str = "CNY"
    reversal_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class CurrencyBalance:
    """The whole book in one currency: `balance` is zero or the books are wrong."""

    currency: str
    debit: int
    credit: int
    balance: int


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """What one account holds."""

    code: str
    kind: str
    currency: str
    balance: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account and the sum of the whole book, per currency."""

    as_of: datetime
    currencies: Sequence[CurrencyBalance]
    accounts: Sequence[AccountBalance]


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line as it is shown."""

    line_no: int
    account: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class TransactionView:
    """One transaction as it is shown."""

    id: UUID
    kind: str
    external_ref: str
    subject_id: UUID
    occurred_at: datetime
    recorded_at: datetime
    entries: Sequence[EntryView]
