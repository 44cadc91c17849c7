"""How far a violation comes, and how its citizen sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from plugins.traffic.values.dues import DueView

CURRENCY = "CNY"
DEPARTMENT = "traffic-police"
MAX_FINE = 10**8
"""No fine that a road user can get comes near a million yuan."""
POLICE_NUMBER = r"[A-Za-z0-9-]{1,40}"
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


@dataclass(frozen=True, slots=True)
class Speed:
    """What was measured and what is allowed, in km/h."""

    measured: int
    limit: int


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
