"""What a biller's own system does at its desk, and the day it reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class ChangeKind(StrEnum):
    """What a biller's own system did to one of its bills."""

    AMENDED = "amended"
    WITHDRAWN = "withdrawn"


class ChangeReason(StrEnum):
    """Why a biller amends or withdraws a bill; free text would be somebody's story."""

    COURT_SETTLEMENT = "court_settlement"
    WRITE_OFF = "write_off"
    CORRECTION = "correction"
    REMISSION = "remission"
    DUPLICATE = "duplicate"
    OTHER = "other"


class DayFault(StrEnum):
    """How two books of a biller's day can differ.

    The first seven are between our postings and the biller's file, the others within our own books.
    """

    MISSING_AT_BILLER = "missing-at-biller"
    UNKNOWN_KEY = "unknown-key"
    NOT_BOOKED_HERE = "not-booked-here"
    OTHER_DAY = "other-day"
    AMOUNT_DIFFERS = "amount-differs"
    BILL_DIFFERS = "bill-differs"
    TWICE_IN_FILE = "twice-in-file"
    BILL_NOT_PAID = "bill-not-paid"
    PAID_WITHOUT_POSTING = "paid-without-posting"
    BOOKED_TWICE = "booked-twice"


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a bill shall be from now on, and why; None leaves what stands."""

    bill_number: str
    reason: ChangeReason
    amount: int | None = None
    due_date: date | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A bill that shall not be paid any more, and why."""

    bill_number: str
    reason: ChangeReason


@dataclass(frozen=True, slots=True)
class BillChangeView:
    """What was done to a bill, and how it stands since."""

    id: UUID
    bill_number: str
    kind: str
    reason: str
    amount_before: int
    amount: int
    due_date_before: date
    due_date: date
    status: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Figure:
    """How many, and their sum in fen."""

    count: int
    total: int


@dataclass(frozen=True, slots=True)
class DayDifference:
    """One thing in which two books differ; `line` is the one of the biller's file."""

    kind: DayFault
    key: str | None = None
    bill_number: str | None = None
    our_amount: int | None = None
    their_amount: int | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class DayStatement:
    """A biller's day as our books have it, and where they contradict themselves."""

    biller: str
    day: date
    files: int
    uploaded: Figure
    amended: int
    withdrawn: int
    booked: Figure
    unclear: Figure
    refused: Figure
    reversed: Figure
    differences: Sequence[DayDifference]


@dataclass(frozen=True, slots=True)
class DayComparison:
    """A biller's file of a day held against our postings."""

    biller: str
    day: date
    ours: Figure
    theirs: Figure
    matched: int
    differences: Sequence[DayDifference]


@dataclass(frozen=True, slots=True)
class DeskClientView:
    """A client that may speak for a biller."""

    client_id: UUID
    admitted_at: datetime
