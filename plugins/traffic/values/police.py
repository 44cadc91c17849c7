"""A case as the police's system tells it, and what it is asked to decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from plugins.traffic.values.violations import Outcome, Speed


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
