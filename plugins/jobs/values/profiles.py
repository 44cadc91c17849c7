"""Curricula and to whom they are shown: a consent that is dated, ends by itself, and is withdrawn.

What the city keeps of a curriculum is one sealed text; the forms here are what it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

MOST_ENTRIES = 20
MOST_SKILLS = 40
MOST_WORDS = 1_000
MONTH = r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])"
"""A month as a curriculum names it, `2024-09`."""
LONGEST_SHARE = timedelta(days=180)
"""After so long a consent has ended, whatever was wished for."""
APPLICATION_SHARE = timedelta(days=180)


class ShareKind(StrEnum):
    """Why an employer may see a curriculum."""

    APPLICATION = "application"
    EMPLOYER = "employer"
    POOL = "pool"


class ShareStatus(StrEnum):
    """Whether a consent still stands."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Schooling:
    """One school or course, and what came of it; without `until` it goes on."""

    school: str
    degree: str
    field: str
    since: str
    until: str | None


@dataclass(frozen=True, slots=True)
class Occupation:
    """One post somebody had, or has: without `until` it goes on."""

    employer: str
    post: str
    since: str
    until: str | None
    duties: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for; the salary is the least a month, in fen."""

    districts: Sequence[str]
    salary: int | None
    employment_types: Sequence[str]


@dataclass(frozen=True, slots=True)
class Curriculum:
    """A structured curriculum vitae, in the citizen's own words."""

    name: str
    phone: str | None
    headline: str
    education: Sequence[Schooling]
    work: Sequence[Occupation]
    skills: Sequence[str]
    wish: Wish


@dataclass(frozen=True, slots=True)
class CvView:
    """A curriculum as its citizen sees it; `edition` counts its changes."""

    cv: Curriculum
    edition: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class NewShare:
    """To whom a curriculum is to be shown, and until when; without an employer, to the pool."""

    employer_id: UUID | None
    days: int


@dataclass(frozen=True, slots=True)
class ShareView:
    """A consent as its citizen sees it; `employer` is null for all verified employers."""

    id: UUID
    kind: str
    status: str
    employer_id: UUID | None
    employer: str | None
    application_id: UUID | None
    given_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CandidateView:
    """That somebody shows their curriculum to an employer, without anything of it."""

    share_id: UUID
    kind: str
    given_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SharedCv:
    """What an employer sees by a consent; `words` are what an application says beside it."""

    id: UUID
    cv: Curriculum
    words: str
    edition: int
    shared_until: datetime


@dataclass(frozen=True, slots=True)
class CvReading:
    """That an employer saw a curriculum: which edition, by which consent, and when."""

    id: UUID
    employer_id: UUID
    employer: str
    share_id: UUID
    kind: str
    edition: int
    seen_at: datetime


def cv_json(cv: Curriculum) -> dict[str, Any]:
    """Return a curriculum as it is sealed."""
    return asdict(cv)


def read_cv(raw: Mapping[str, Any]) -> Curriculum:
    """Return the curriculum that was sealed as `cv_json` says."""
    return Curriculum(
        name=raw["name"],
        phone=raw["phone"],
        headline=raw["headline"],
        education=tuple(Schooling(**one) for one in raw["education"]),
        work=tuple(Occupation(**one) for one in raw["work"]),
        skills=tuple(raw["skills"]),
        wish=Wish(
            districts=tuple(raw["wish"]["districts"]),
            salary=raw["wish"]["salary"],
            employment_types=tuple(raw["wish"]["employment_types"]),
        ),
    )
