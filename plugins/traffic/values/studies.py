"""Study that takes points away: what counts, how far a request comes, and how a licence stands."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

STUDY_NUMBER = r"[A-Z0-9-]{1,40}"


class StudyKind(StrEnum):
    """How somebody studied: online, in a classroom, or by helping in traffic."""

    ONLINE = "online"
    CLASSROOM = "classroom"
    SERVICE = "service"


class StudyStatus(StrEnum):
    """How far a request to have points taken away has come; the police have the last word."""

    REQUESTED = "requested"
    CREDITED = "credited"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PoliceStudy:
    """A course as the police's system tells it."""

    study_no: str
    kind: StudyKind
    finished_on: date
    is_passed: bool
    credited: int


@dataclass(frozen=True, slots=True)
class StudyView:
    """A request to have points taken away for a course, as its citizen sees it."""

    id: UUID
    study_no: str
    kind: str
    finished_on: date
    points: int
    status: str
    refusal: str | None
    requested_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class PointsView:
    """How a licence stands today; `study_left` is what study may still take away in this cycle."""

    cycle_from: date
    cycle_to: date
    points: int
    carried: int
    left: int
    is_full: bool
    study_left: int
    source: str
