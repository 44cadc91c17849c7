"""Ratings (好差评): what citizens say of a case that is over, and what becomes of a bad one.

The State Council's office, 国办发〔2019〕51号: five grades, once for each case, and a visit back to
whoever was not content.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from plugins.permits.values.bundles import Limit, Starts

RATABLE = timedelta(days=30)
"""How long after the end of an application it can be rated."""

SUPERVISION = "government-services-office"
"""The department whose supervisors give bad ratings to somebody, and call back."""

LEAST_RATINGS = 10
"""Below so many ratings nothing is said of a bundle: a figure of few tells who they are."""

CONTENT = 3
"""The lowest grade of those who are content: basically satisfied (基本满意)."""


class Indicator(StrEnum):
    """What is graded besides the whole, of a case that was handled on line."""

    EFFICIENCY = "efficiency"
    GUIDE_ACCURACY = "guide_accuracy"
    CONVENIENCE = "convenience"
    OPERABILITY = "operability"


class RatingStatus(StrEnum):
    """How far a rating has come; `recorded` are the good ones, of which nothing follows."""

    RECORDED = "recorded"
    RECEIVED = "received"
    ASSIGNED = "assigned"
    CONTACTED = "contacted"
    RECTIFIED = "rectified"
    NOT_FOUNDED = "not_founded"
    CALLED_BACK = "called_back"
    CLOSED = "closed"


OVER = frozenset({RatingStatus.RECORDED, RatingStatus.CLOSED})
"""The states in which nothing more is due."""

LIMITS: Mapping[RatingStatus, Limit] = {
    RatingStatus.RECEIVED: Limit(1, Starts.AT_ONCE),
    RatingStatus.ASSIGNED: Limit(1, Starts.NEXT_DAY),
    RatingStatus.CONTACTED: Limit(5, Starts.NEXT_DAY),
    RatingStatus.RECTIFIED: Limit(3, Starts.NEXT_DAY),
    RatingStatus.NOT_FOUNDED: Limit(3, Starts.NEXT_DAY),
    RatingStatus.CALLED_BACK: Limit(1, Starts.NEXT_DAY),
}
"""How long a bad rating may stay in each state."""


@dataclass(frozen=True, slots=True)
class RatingWish:
    """What a citizen says: a grade from 1 to 5, grades for some indicators, and words."""

    grade: int
    indicators: Mapping[str, int]
    words: str | None = None


@dataclass(frozen=True, slots=True)
class RatingView:
    """A rating as its citizen sees it; nobody who works on it is named.

    Before there is one, `grade` and `status` are None, and `until` says how long it can be given:
    None while the application is not over.
    """

    application_id: UUID
    until: datetime | None
    grade: int | None = None
    indicators: Mapping[str, int] = field(default_factory=dict)
    words: str | None = None
    status: str | None = None
    answer: str | None = None
    rated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RatingCase:
    """A bad rating at the desk; only whoever has it sees which application it is about."""

    id: UUID
    version: int
    bundle: str
    department: str
    grade: int
    indicators: Mapping[str, int]
    words: str | None
    status: str
    is_mine: bool
    is_late: bool
    application_id: UUID | None
    answer: str | None
    rated_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class RatingFigures:
    """What is public of a bundle's ratings; of few ones only that they are few.

    Shares are whole percents: who is content, and how each grade from 1 to 5 was given; `closed`
    is the share of bad ratings that have come to their end.
    """

    bundle: str
    is_enough: bool
    ratings: int | None
    content: int | None
    grades: tuple[int, ...] | None
    indicators: Mapping[str, float] | None
    closed: int | None
