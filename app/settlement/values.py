"""The states of batches, lines and bank accounts, and what the room shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class AccountStatus(StrEnum):
    """The states of a payee's bank account: one is active at a time."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    REJECTED = "rejected"
    REPLACED = "replaced"


class BatchStatus(StrEnum):
    """The states of a day's batch; returned means that the bank returned every line."""

    DRAFT = "draft"
    REJECTED = "rejected"
    APPROVED = "approved"
    FILED = "filed"
    SENT = "sent"
    SETTLED = "settled"
    RETURNED = "returned"


class LineStatus(StrEnum):
    """The states of a payee's line: its money is on its way from `ordered` on."""

    DRAFTED = "drafted"
    VOID = "void"
    ORDERED = "ordered"
    SETTLED = "settled"
    RETURNED = "returned"


class FileFormat(StrEnum):
    """In which form a bank takes a batch."""

    CSV = "csv"
    PAIN_001 = "pain.001"


class StatementFormat(StrEnum):
    """In which form a payee takes a statement."""

    CSV = "csv"
    PDF = "pdf"


class Encoding(StrEnum):
    """How the characters of a CSV file are written."""

    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    GB18030 = "gb18030"


@dataclass(frozen=True, slots=True)
class Debtor:
    """Our own account at the bank, from which payees are paid."""

    name: str
    number: str = field(repr=False)
    bank_code: str


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A payee's account at a bank, in clear; `bank_code` is the bank's 12 digits (CNAPS)."""

    payee: str
    holder: str
    number: str = field(repr=False)
    bank_code: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """A payee's bank account as staff see it: its number is masked."""

    id: UUID
    payee: str
    status: str
    holder: str
    number: str
    bank_code: str
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A payee that is owed something and is not in the batch, and why."""

    payee: str
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class BatchView:
    """A day's batch as staff see it."""

    id: UUID
    day: date
    cut_off: datetime
    status: str
    currency: str
    amount: int
    count: int
    left_out: Sequence[Mapping[str, Any]]
    drafted_by: UUID
    drafted_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    filed_at: datetime | None
    digests: Mapping[str, str] | None
    sent_by: UUID | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer of a batch's file."""

    line_id: UUID
    amount: int
    account: BankAccount


@dataclass(frozen=True, slots=True)
class Order:
    """What a bank is told by a batch's file; the same order always makes the same bytes."""

    batch_id: UUID
    day: date
    made_at: datetime
    currency: str
    debtor: Debtor
    transfers: Sequence[Transfer]

    @property
    def amount(self) -> int:
        """Return what all transfers move together."""
        return sum(transfer.amount for transfer in self.transfers)


@dataclass(frozen=True, slots=True)
class PayeeView:
    """A payee and what it is owed now."""

    id: str
    title: Mapping[str, str]
    balance: int
    currency: str
    has_bank_account: bool


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a month of the city, from its first moment to the first after it."""

    name: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class StatementView:
    """The head of a statement: what a payee was owed before and after a period."""

    payee: str
    title: Mapping[str, str]
    period: str
    begins: datetime
    ends: datetime
    currency: str
    opening: int
    closing: int

    @property
    def id(self) -> str:
        """Return what names it among the payee's statements: its day or month."""
        return self.period
