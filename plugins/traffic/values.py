"""What a violation, a defence and a fine go through; what the use cases take and give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

CURRENCY = "CNY"
SERVICE, PAYEE = "traffic-fine", "shiyan-treasury"
DEPARTMENT = "traffic-police"
MAX_FINE = 10**8
"""No fine that a road user can get comes near a million yuan."""
PLATE = r"[\u4e00-\u9fff][A-Z][A-HJ-NP-Z0-9]{5,6}"
ENGINE_TAIL = r"[A-Z0-9]{6}"
SECOND_FACT = r"[A-Z0-9]{6}|[0-9]{3}[0-9X]"
FILE_NUMBER = r"[0-9]{12}"
POLICE_NUMBER = r"[A-Za-z0-9-]{1,40}"
BADGE = r"[A-Z0-9-]{1,20}"
DIGEST = r"[0-9a-f]{64}"


class ViolationStatus(StrEnum):
    """How far a violation has come.

    `decided` is passed through: a penalty becomes `payable`, a warning or an exemption `closed`.
    `overdue` means that the surcharge runs, `cancelled` that nothing is left of the case.
    """

    RECORDED = "recorded"
    NOTIFIED = "notified"
    ACCEPTED = "accepted"
    CONTESTED = "contested"
    DECIDED = "decided"
    PAYABLE = "payable"
    OVERDUE = "overdue"
    DEFERRED = "deferred"
    INSTALMENTS = "instalments"
    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"
    PAID = "paid"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What was decided of a violation."""

    PENALTY = "penalty"
    WARNING = "warning"
    EXEMPT = "exempt"


class ContestKind(StrEnum):
    """What is objected to: the notice, the decision before its authority, or before a court."""

    DEFENCE = "defence"
    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"


class ContestStatus(StrEnum):
    """How far an objection has come; the last three are what an officer decided."""

    SUBMITTED = "submitted"
    EVIDENCE_REQUESTED = "evidence_requested"
    UNDER_REVIEW = "under_review"
    UPHELD = "upheld"
    REDUCED = "reduced"
    CANCELLED = "cancelled"


class Ground(StrEnum):
    """Why somebody objects."""

    NOT_MY_VEHICLE = "not-my-vehicle"
    NOT_THE_DRIVER = "not-the-driver"
    FACTS_WRONG = "facts-wrong"
    EMERGENCY = "emergency"
    SIGNS_UNCLEAR = "signs-unclear"
    PROCEDURE = "procedure"
    TOO_SEVERE = "too-severe"
    OTHER = "other"


class ReliefKind(StrEnum):
    """What somebody in hardship asks for: more time, or parts."""

    DEFERRAL = "deferral"
    INSTALMENTS = "instalments"


class ReliefStatus(StrEnum):
    """How far a request for relief has come."""

    REQUESTED = "requested"
    GRANTED = "granted"
    REFUSED = "refused"


class DueStatus(StrEnum):
    """What can be said of one thing to pay."""

    OPEN = "open"
    PAID = "paid"
    WITHDRAWN = "withdrawn"


class PostingState(StrEnum):
    """How far the news of a payment has come; `booked` and `refused` are final."""

    UNSENT = "unsent"
    SENT = "sent"
    BOOKED = "booked"
    REFUSED = "refused"


class OrderKind(StrEnum):
    """What the police's system is told to write down."""

    DECISION = "decision"
    CHANGE = "change"


class OrderState(StrEnum):
    """Whether the police's system has written it down."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class ReturnState(StrEnum):
    """Whether the house has taken over the return of money."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


class PauseCause(StrEnum):
    """Why the clock of the surcharge stands still."""

    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"
    DEFERRAL = "deferral"


OPEN_CONTEST = frozenset(
    {ContestStatus.SUBMITTED, ContestStatus.EVIDENCE_REQUESTED, ContestStatus.UNDER_REVIEW}
)
"""The states in which an officer's word is still awaited."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured and what is allowed, in km/h."""

    measured: int
    limit: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What the police decided, when and how it was served, and what was paid; money in fen."""

    decision_no: str
    outcome: Outcome
    procedure: str
    fine: int
    points: int
    decided_at: datetime
    served_on: date
    served_by: str
    paid: int
    surcharge_paid: int

    @property
    def is_paid(self) -> bool:
        """Say whether the police have all of the money, from whomever."""
        return 0 < self.fine <= self.paid


@dataclass(frozen=True, slots=True)
class DecisionWish:
    """What the police are asked to decide; without figures their own schedule holds."""

    outcome: Outcome
    fine: int | None
    points: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class PoliceCase:
    """A violation as the police's system tells it."""

    notice_no: str
    plate: str
    vehicle_class: str
    offence_code: str
    title: Mapping[str, str]
    legal_basis: str
    place: str
    at: datetime
    speed: Speed | None
    evidence: tuple[Mapping[str, str], ...]
    authority: str
    recorder: str
    points: int
    is_withdrawn: bool
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class NewVehicle:
    """A vehicle to link: its plate, and the last six of its engine's number as the proof."""

    plate: str
    engine_tail: str


@dataclass(frozen=True, slots=True)
class LinkedVehicle:
    """A vehicle as the citizen sees it who has linked it."""

    id: UUID
    plate_masked: str
    linked_at: datetime
    refreshed_at: datetime | None
    status: str = "verified"


@dataclass(frozen=True, slots=True)
class LinkedLicence:
    """A driving licence as its holder sees it."""

    id: UUID
    number_masked: str
    licence_class: str
    issued_on: date
    linked_at: datetime
    refreshed_at: datetime | None
    status: str = "verified"


@dataclass(frozen=True, slots=True)
class NewContest:
    """An objection to file: evidence is known by its SHA-256, the files stay where they are."""

    kind: ContestKind
    ground: Ground
    statement: str
    evidence: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class NewRelief:
    """What somebody in hardship asks for."""

    kind: ReliefKind
    statement: str
    until: date | None
    parts: int | None


@dataclass(frozen=True, slots=True)
class DueView:
    """One thing to pay, with its surcharge of today, or what was paid."""

    reference: str
    number: int
    fine: int
    surcharge: int
    amount: int
    pay_by: date
    status: str
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class CitizensViolation:
    """A violation as its citizen sees it; days are the last ones on which something is in time."""

    id: UUID
    status: str
    notice_no: str
    plate_masked: str
    vehicle_class: str
    offence_code: str
    title: Mapping[str, Any]
    legal_basis: str
    place: str
    occurred_at: datetime
    speed: Mapping[str, Any] | None
    evidence: list[Any]
    authority: str
    points: int
    fine: int
    currency: str
    notified_at: datetime | None
    defend_by: date | None
    decision_no: str | None
    outcome: str | None
    decided_at: datetime | None
    served_on: date | None
    served_by: str | None
    reconsider_by: date | None
    litigate_by: date | None
    dues: tuple[DueView, ...]
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class ContestView:
    """An objection as its citizen sees it."""

    id: UUID
    violation_id: UUID
    kind: str
    ground: str
    statement: str | None
    evidence: list[Any]
    status: str
    filed_at: datetime
    decided_at: datetime | None
    reduced_to: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an officer decides of an objection; `reduced_to` in fen when it is reduced."""

    outcome: ContestStatus
    reduced_to: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class OfficerView:
    """A member of staff with a badge."""

    staff_id: UUID
    badge: str
    named_at: datetime


@dataclass(frozen=True, slots=True)
class ReliefView:
    """A request to pay later or in parts."""

    id: UUID
    violation_id: UUID
    kind: str
    statement: str | None
    until: date | None
    parts: int | None
    status: str
    asked_at: datetime
    decided_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class FoundDecision:
    """A decision as somebody sees it who knows two facts of it."""

    decision_no: str
    status: str
    title: Mapping[str, Any]
    plate_masked: str
    dues: tuple[DueView, ...]
    payable_until: datetime


@dataclass(frozen=True, slots=True)
class AdmittedGuest:
    """What somebody without an account may pay, and the token to pay it with."""

    decision: FoundDecision
    service: str
    reference: str
    token: str = field(repr=False)
