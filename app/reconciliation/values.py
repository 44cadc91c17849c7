"""Whose books are compared, the fourteen kinds of difference, and what the use cases give."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from app.core.errors import Invalid


class Side(StrEnum):
    """Whose books a statement is from."""

    GATEWAY = "gateway"
    BILLER = "biller"
    BANK = "bank"


SOURCE = r"(gateway|biller|bank):[a-z0-9][a-z0-9-]{0,62}"
_SOURCE = re.compile(SOURCE)


@dataclass(frozen=True, slots=True)
class Source:
    """Who keeps the other books: written `side:name`, such as `biller:shiyan-water`."""

    side: Side
    name: str

    def __str__(self) -> str:
        return f"{self.side}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> "Source":
        """Return the source that a text names; raise `Invalid` for anything else."""
        if not _SOURCE.fullmatch(text):
            raise Invalid(errors=[{"parameter": "source", "message": "Not a source."}])
        side, _, name = text.partition(":")
        return cls(Side(side), name)


class StatementStatus(StrEnum):
    """Where an import is: only a current one counts, and a day of a source has one at most."""

    STAGING = "staging"
    CURRENT = "current"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"


class RunStatus(StrEnum):
    """Where a run is; waiting: the gateway has not closed its books yet."""

    REQUESTED = "requested"
    WAITING = "waiting"
    DONE = "done"


LIVE_RUNS = (RunStatus.REQUESTED, RunStatus.WAITING)


class DifferenceStatus(StrEnum):
    """Where a difference is; in transit: the other side may still have it tomorrow."""

    IN_TRANSIT = "in_transit"
    OPEN = "open"
    ASSIGNED = "assigned"
    EXPLAINED = "explained"
    ADJUSTED = "adjusted"
    CLOSED = "closed"


class Resolution(StrEnum):
    """Why a difference is none any more."""

    LATER_RUN = "later_run"
    EXPLAINED = "explained"
    ADJUSTED = "adjusted"


class Family(StrEnum):
    """What a line is about: the first word of its subject."""

    CAPTURE = "capture"
    REFUND = "refund"
    DISPUTE = "dispute"
    FEE = "fee"
    PAYOUT = "payout"
    OTHER = "other"
    POSTING = "posting"
    CREDIT = "credit"
    DEBIT = "debit"


class LineKind(StrEnum):
    """What a line of somebody's books is: a gateway's movement, a biller's, or the bank's."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_REVERSED = "dispute_reversed"
    FEE = "fee"
    PAYOUT = "payout"
    OTHER = "other"
    POSTING = "posting"
    CREDIT = "credit"
    DEBIT = "debit"


class DifferenceKind(StrEnum):
    """The fourteen ways in which two books can differ."""

    MISSING_IN_LEDGER = "missing_in_ledger"
    MISSING_IN_GATEWAY = "missing_in_gateway"
    AMOUNT_MISMATCH = "amount_mismatch"
    STATUS_MISMATCH = "status_mismatch"
    DUPLICATE_CAPTURE = "duplicate_capture"
    DUPLICATE_LINE = "duplicate_line"
    REFUND_MISSING_IN_LEDGER = "refund_missing_in_ledger"
    REFUND_MISSING_IN_GATEWAY = "refund_missing_in_gateway"
    REFUND_AMOUNT_MISMATCH = "refund_amount_mismatch"
    FEE_MISMATCH = "fee_mismatch"
    PAYOUT_MISMATCH = "payout_mismatch"
    BILLER_MISSING = "biller_missing"
    BILLER_EXTRA = "biller_extra"
    BILLER_AMOUNT_MISMATCH = "biller_amount_mismatch"


@dataclass(frozen=True, slots=True)
class KindCard:
    """One kind for whoever works on it: exactly when, who sees to it, what ends it."""

    zh: str
    en: str
    when: str
    owner: str
    ends: str


KINDS: Mapping[DifferenceKind, KindCard] = {
    DifferenceKind.MISSING_IN_LEDGER: KindCard(
        "渠道有、账簿无",
        "The gateway has money that our books do not",
        "A charge, dispute or other movement of the gateway's that nothing is booked for, and that "
        "is no attempt of ours that waits for its money (`status_mismatch`) and no second capture "
        "(`duplicate_capture`).",
        "finance",
        "The booking, or a correction by two persons.",
    ),
    DifferenceKind.MISSING_IN_GATEWAY: KindCard(
        "账簿有、渠道无",
        "Our books have money that the gateway does not",
        "A movement booked to the gateway's clearing account that no line of the gateway's names, "
        "once every day is read on which it could stand (from the attempt's to the booking's).",
        "finance",
        "A corrected statement, or a correction by two persons.",
    ),
    DifferenceKind.AMOUNT_MISMATCH: KindCard(
        "收款金额不一致",
        "A capture has another amount or currency",
        "Both have the capture; amount or currency differ.",
        "finance",
        "A corrected statement, or a correction by two persons.",
    ),
    DifferenceKind.STATUS_MISMATCH: KindCard(
        "状态不一致",
        "The two books say different things of one object",
        "The gateway took money for an attempt that is not known to have succeeded; or a refund "
        "that we hold for done came back; or the biller has an item that we do not know it has.",
        "payments",
        "By itself: the gateway is asked at once, and the next run finds both the same.",
    ),
    DifferenceKind.DUPLICATE_CAPTURE: KindCard(
        "重复扣款",
        "The citizen was charged twice",
        "A charge of another intent than the attempt's that it names; or of an attempt whose "
        "payment was paid by another one.",
        "payments",
        "By itself: the money goes back, and the citizen is told.",
    ),
    DifferenceKind.DUPLICATE_LINE: KindCard(
        "对账单重复行",
        "The statement has a movement twice",
        "A further line of the same kind and direction for an object that has one already, in any "
        "statement that counts.",
        "finance",
        "A corrected statement.",
    ),
    DifferenceKind.REFUND_MISSING_IN_LEDGER: KindCard(
        "渠道已退、账簿无",
        "The gateway returned money that our books did not",
        "A refund of the gateway's that is not ours; or ours and not booked as done, although it "
        "is not on its way any more.",
        "finance",
        "The booking, or a correction by two persons.",
    ),
    DifferenceKind.REFUND_MISSING_IN_GATEWAY: KindCard(
        "账簿已退、渠道无",
        "Our books returned money that the gateway did not",
        "A refund booked as done that no line of the gateway's names, once every day is read on "
        "which it could stand.",
        "payments",
        "A corrected statement, or the refund is sent again.",
    ),
    DifferenceKind.REFUND_AMOUNT_MISMATCH: KindCard(
        "退款金额不一致",
        "A refund has another amount or currency",
        "Both have the refund; amount or currency differ.",
        "finance",
        "A corrected statement, or a correction by two persons.",
    ),
    DifferenceKind.FEE_MISMATCH: KindCard(
        "手续费不一致",
        "The gateway kept another fee than agreed",
        "The fee of a charge is not the tariff's for its gateway and method "
        "(`config/tariffs.toml`), rounded half up to a fen.",
        "finance",
        "The gateway's credit note, or an explanation.",
    ),
    DifferenceKind.PAYOUT_MISMATCH: KindCard(
        "结算到账不一致",
        "A payout is not what arrived at the bank",
        "The bank's credits that name a payout sum to another amount; or none came within five "
        "days, although the bank's statements are imported.",
        "finance",
        "The bank's statement of the day on which it arrives.",
    ),
    DifferenceKind.BILLER_MISSING: KindCard(
        "收费单位漏销账",
        "The biller does not have what it confirmed",
        "An item whose biller confirmed it that none of its files names, once every day is read "
        "on which it could stand.",
        "department",
        "The biller's corrected file.",
    ),
    DifferenceKind.BILLER_EXTRA: KindCard(
        "收费单位多销账",
        "The biller has a payment that is not ours",
        "A posting in the biller's file under a key that we never sent it.",
        "department",
        "The biller's corrected file, or an explanation.",
    ),
    DifferenceKind.BILLER_AMOUNT_MISMATCH: KindCard(
        "销账金额不一致",
        "The biller booked another amount",
        "Both have the item; the amounts differ.",
        "department",
        "The biller's corrected file.",
    ),
}
"""Every kind there is; `docs/reconciliation.md` is written from this table."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of somebody's books, read from whatever form it came in.

    `subject` names what it is about, `family:key`; lines of one subject are compared with ours.
    """

    line_id: str
    kind: LineKind
    subject: str
    amount: int
    currency: str
    occurred_at: datetime
    fee: int = 0
    our_id: UUID | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A statement as a file had it: its lines, and the day it is of (None: it does not say)."""

    lines: Sequence[Line]
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a gateway keeps of a charge: ten-thousandths of the amount, and a fixed part in fen."""

    basis_points: int
    fixed: int


Tariffs = Mapping[str, Mapping[str, Tariff]]
"""Gateway -> method -> tariff; what is not there is not checked."""


@dataclass(frozen=True, slots=True)
class StatementView:
    """An import as it is shown."""

    id: UUID
    source: str
    day: date
    status: str
    profile: str
    line_count: int
    digest: str | None
    supersedes: UUID | None
    run_id: UUID | None
    created_at: datetime
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it is shown."""

    id: UUID
    source: str
    day: date
    status: str
    cause: str
    statement_id: UUID | None
    line_count: int
    matched: int
    found: int
    in_transit: int
    resolved: int
    requested_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DifferenceFilter:
    """Which differences to list; None is any."""

    source: str | None = None
    kind: str | None = None
    status: str | None = None
    age: str | None = None
    owner: UUID | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """A difference as the desk sees it."""

    id: UUID
    source: str
    day: date
    kind: str
    status: str
    subject: str
    theirs_amount: int | None
    our_amount: int | None
    currency: str | None
    line_id: str | None
    payment_id: UUID | None
    age: str
    found_at: datetime
    owner: UUID | None
    resolution: str | None
    reason: str | None
    booking: UUID | None
    closed_at: datetime | None

    @property
    def title(self) -> Mapping[str, str]:
        """Return what the kind is called."""
        card = KINDS[DifferenceKind(self.kind)]
        return {"zh": card.zh, "en": card.en}

    @property
    def department(self) -> str:
        """Return who sees to differences of this kind."""
        return KINDS[DifferenceKind(self.kind)].owner


AGES: Mapping[str, tuple[int, int | None]] = {
    "0-1": (0, 2),
    "2-7": (2, 8),
    "8-30": (8, 31),
    "over-30": (31, None),
}
"""Ageing: name -> from how many whole days on, and below how many."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction that somebody proposes: move an amount between two accounts of the books."""

    debit: str
    credit: str
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class AdjustmentView:
    """A proposed correction as it is shown."""

    id: UUID
    difference_id: UUID
    debit: str
    credit: str
    amount: int
    currency: str
    reason: str
    requested_by: UUID
    approved_by: UUID | None
    booking: UUID | None
    created_at: datetime


@dataclass(slots=True)
class Figures:
    """What a run counted."""

    line_count: int = 0
    matched: int = 0
    found: int = 0
    in_transit: int = 0
    resolved: int = 0
