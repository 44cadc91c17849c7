"""Complaints about employers, and what the desk counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

MOST_REPORT_WORDS = 1_000


class ReportStatus(StrEnum):
    """What became of a complaint about an employer."""

    RECEIVED = "received"
    WARNED = "warned"
    SUSPENDED = "suspended"
    NOT_FOUNDED = "not_founded"


class ReportGround(StrEnum):
    """What an employer is said to have done."""

    FEES = "fees"
    FALSE_ADVERT = "false_advert"
    DISCRIMINATION = "discrimination"
    UNPAID_WAGES = "unpaid_wages"
    MISUSED_CV = "misused_cv"
    FALSE_HIRE = "false_hire"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NewReport:
    """What a citizen says of an employer."""

    employer_id: UUID
    ground: ReportGround
    words: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """A complaint as its citizen and the desk see it; nobody is named in it."""

    id: UUID
    employer_id: UUID
    employer: str
    ground: str
    words: str
    status: str
    reported_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """What there is and what came of it; of the last thirty days where it says so."""

    employers: Mapping[str, int]
    vacancies: Mapping[str, int]
    positions_open: int
    applications: Mapping[str, int]
    hires_of_30_days: int
    unanswered_of_30_days: int
    reports_waiting: int
