"""The billers of the city and what they promise; what the use cases take and give."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from app.sdk import NotFound
from plugins.utilities.errors import BillNotFound

ACCOUNT_NUMBER = "[0-9A-Za-z-]{4,32}"
BILL_NUMBER = r"[A-Za-z0-9._:-]{1,51}"
FILE_NUMBER = "[A-Za-z0-9-]{1,40}"
MAX_HOLDER_NAME = 60
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


class PostingState(StrEnum):
    """How far the news of a payment has come.

    `sent` is on its way, or no answer came; `unclear` was answered with something that says
    nothing; `unsent` has surely had no effect. `booked` and `refused` are final.
    """

    UNSENT = "unsent"
    SENT = "sent"
    UNCLEAR = "unclear"
    BOOKED = "booked"
    REFUSED = "refused"


class Fetch(StrEnum):
    """Whether a bill must be, can be or cannot be asked for before it is paid."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    NONE = "none"


class AmountRule(StrEnum):
    """Which amounts a biller takes towards a bill at its own counter."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ANY = "any"


class Pending(StrEnum):
    """What becomes of a posting without an answer: told again, asked for, or seen by a person."""

    TELL_AGAIN = "tell-again"
    ASK = "ask"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class CustomerParam:
    """What a citizen fills in to be found by a biller."""

    name: str
    label: Mapping[str, str]
    pattern: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Biller:
    """A company that sends bills: which service they are, and what it promises of postings."""

    id: str
    title: Mapping[str, str]
    service: str
    bill_title: Mapping[str, str]
    department: str
    honours_key: bool
    offers_inquiry: bool


BILLERS: Mapping[str, Biller] = {
    biller.id: biller
    for biller in (
        Biller(
            id="shiyan-water",
            title={"zh": "十堰市自来水公司", "en": "Shiyan Water Company"},
            service="water-bill",
            bill_title={"zh": "水费", "en": "Water bill"},
            department="water-bureau",
            honours_key=True,
            offers_inquiry=False,
        ),
        Biller(
            id="shiyan-power",
            title={"zh": "十堰市供电公司", "en": "Shiyan Power Company"},
            service="power-bill",
            bill_title={"zh": "电费", "en": "Power bill"},
            department="power-company",
            honours_key=False,
            offers_inquiry=True,
        ),
        Biller(
            id="shiyan-gas",
            title={"zh": "十堰市燃气公司", "en": "Shiyan Gas Company"},
            service="gas-bill",
            bill_title={"zh": "燃气费", "en": "Gas bill"},
            department="gas-company",
            honours_key=False,
            offers_inquiry=False,
        ),
        Biller(
            id="shiyan-heat",
            title={"zh": "十堰市热力公司", "en": "Shiyan Heating Company"},
            service="heat-bill",
            bill_title={"zh": "暖气费", "en": "Heating bill"},
            department="heat-company",
            honours_key=True,
            offers_inquiry=True,
        ),
    )
}


def find_biller(biller_id: str) -> Biller:
    """Return a biller, or raise `NotFound`."""
    try:
        return BILLERS[biller_id]
    except KeyError:
        raise NotFound from None


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
class NewAccount:
    """An account that a citizen wants to link."""

    biller: str
    number: str
    holder_name: str


@dataclass(frozen=True, slots=True)
class LinkedAccount:
    """A linked account as its citizen sees it."""

    id: UUID
    biller: str
    number_masked: str
    linked_at: datetime
    refreshed_at: datetime | None
    status: str = "verified"


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


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of a bill file; `is_new` is false when the same file came before."""

    id: UUID
    biller: str
    lines: int
    created: int
    updated: int
    unchanged: int
    imported_at: datetime
    is_new: bool = True


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


class FileEncoding(StrEnum):
    """How a posting file is written; the mark is for spreadsheets."""

    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-bom"
    GB18030 = "gb18030"


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
class DeskFile:
    """A bill file of a biller's own system: its number, its day, its bills and their sum in fen."""

    number: str
    day: date
    bills: Sequence[BillerBill]
    total: int


@dataclass(frozen=True, slots=True)
class TakenFile:
    """What became of an uploaded file; `is_new` is false when it came before."""

    id: UUID
    biller: str
    number: str
    day: date
    lines: int
    total: int
    created: int
    updated: int
    unchanged: int
    taken_at: datetime
    is_new: bool = True


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
class PostedLine:
    """A payment of ours that a biller has booked: its own number of it, and our key."""

    posting_reference: str
    key: str
    bill_number: str
    amount: int
    at: datetime


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
