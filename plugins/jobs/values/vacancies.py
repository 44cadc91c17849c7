"""Vacancies: what an advert says, and how far it has come."""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from app.sdk import CITY_TIME, now

MOST_TITLE, MOST_DESCRIPTION, MOST_SHORT = 60, 4_000, 200
MOST_POSITIONS, MOST_APPLICATIONS, MOST_PROMISE = 1_000, 10_000, 60
MOST_EXPERIENCE = 480
MOST_DAYS_OPEN = 180
"""No advert is open for longer than this without being looked at again."""
MOST_PAY = 10**8
"""In fen: nobody is paid a million yuan an hour, or a month, by an advert here."""
HOURS_A_MONTH = 174
"""劳社部发〔2008〕3号: 21.75 paid days of 8 hours; wages by the hour are compared by it."""

DISTRICTS: Mapping[str, Mapping[str, str]] = {
    "420302": {"zh": "茅箭区", "en": "Maojian"},
    "420303": {"zh": "张湾区", "en": "Zhangwan"},
    "420304": {"zh": "郧阳区", "en": "Yunyang"},
    "420322": {"zh": "郧西县", "en": "Yunxi"},
    "420323": {"zh": "竹山县", "en": "Zhushan"},
    "420324": {"zh": "竹溪县", "en": "Zhuxi"},
    "420325": {"zh": "房县", "en": "Fangxian"},
    "420381": {"zh": "丹江口市", "en": "Danjiangkou"},
}
"""The city's districts and counties by their codes (GB/T 2260)."""


class VacancyStatus(StrEnum):
    """How far a vacancy has come."""

    DRAFT = "draft"
    VERIFIED = "verified"
    PUBLISHED = "published"
    FILLED = "filled"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    CLOSED_BY_CAP = "closed_by_cap"


LIVE = (VacancyStatus.DRAFT, VacancyStatus.VERIFIED, VacancyStatus.PUBLISHED)
CLOSED = (
    VacancyStatus.FILLED,
    VacancyStatus.EXPIRED,
    VacancyStatus.WITHDRAWN,
    VacancyStatus.CLOSED_BY_CAP,
)


class CloseCause(StrEnum):
    """Why a vacancy was closed; none is closed without."""

    POSITIONS_FILLED = "positions-filled"
    EMPLOYER_FILLED = "employer-filled"
    VALID_THROUGH_PASSED = "valid-through-passed"
    EMPLOYER_WITHDREW = "employer-withdrew"
    EMPLOYER_SUSPENDED = "employer-suspended"
    LEFT_THE_FEED = "left-the-feed"
    APPLICATIONS_FULL = "applications-full"
    DESK_FEES = "desk-fees"
    DESK_DISCRIMINATION = "desk-discrimination"
    DESK_FALSE = "desk-false"
    DESK_DUPLICATE = "desk-duplicate"
    DESK_OTHER = "desk-other"


class RevisionStatus(StrEnum):
    """What became of one wording of a vacancy."""

    PROPOSED = "proposed"
    APPLIED = "applied"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


class RevisionReason(StrEnum):
    """Why the desk refuses a wording."""

    FEES = "fees"
    DISCRIMINATION = "discrimination"
    WAGE = "wage"
    CONTACT = "contact"
    UNCLEAR = "unclear"
    FALSE = "false"
    OTHER = "other"


class EmploymentType(StrEnum):
    """schema.org's employmentType, in the words of this API."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    TEMPORARY = "temporary"
    INTERN = "intern"
    OTHER = "other"


class PayUnit(StrEnum):
    """For how long the salary is."""

    MONTH = "month"
    HOUR = "hour"


class Education(StrEnum):
    """What schooling is asked for, the least first."""

    NONE = "none"
    JUNIOR_SECONDARY = "junior_secondary"
    SENIOR_SECONDARY = "senior_secondary"
    ASSOCIATE = "associate"
    BACHELOR = "bachelor"
    MASTER = "master"
    DOCTOR = "doctor"

    @property
    def rank(self) -> int:
        """Return the place in the order, from 0."""
        return list(Education).index(self)


class SourceKind(StrEnum):
    """Where a vacancy comes from besides the feeds, which have names of their own."""

    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Advert:
    """What a vacancy says (schema.org JobPosting); pay is in fen for a month or an hour."""

    title: str
    description: str
    employment_type: str
    district: str
    pay_from: int
    pay_to: int
    pay_unit: str
    valid_through: date
    address: str | None = None
    education: str = Education.NONE
    experience_months: int = 0
    qualifications: str | None = None
    skills: str | None = None
    open_positions: int = 1
    most_applications: int | None = None
    response_promise_days: int = 7
    direct_apply: bool = True


@dataclass(frozen=True, slots=True)
class VacancyView:
    """A vacancy as it is shown: the advert, its employer and how far it has come.

    `sources` says where it came from, `kind` and `id` of each.
    """

    id: UUID
    employer_id: UUID
    employer_name: str
    advert: Advert
    status: str
    revision: int
    sources: tuple[Mapping[str, str], ...]
    posted_at: datetime
    published_at: datetime | None
    closed_at: datetime | None
    closed_cause: str | None


@dataclass(frozen=True, slots=True)
class RevisionView:
    """One wording of a vacancy and what became of it."""

    id: UUID
    vacancy_id: UUID
    employer_id: UUID
    employer_name: str
    number: int
    status: str
    advert: Advert
    reason: str | None
    made_at: datetime


def monthly(pay: int, unit: str) -> int:
    """Return pay in fen for a month, as pays are compared."""
    return pay * HOURS_A_MONTH if unit == PayUnit.HOUR else pay


def city_today() -> date:
    """Return the city's calendar day."""
    return now().astimezone(CITY_TIME).date()


def plain_advert(advert: Advert) -> dict[str, Any]:
    """Return an advert as JSON values."""
    return {**asdict(advert), "valid_through": advert.valid_through.isoformat()}


def read_advert(kept: Mapping[str, Any]) -> Advert:
    """Return the advert that `plain_advert` wrote."""
    return Advert(**{**kept, "valid_through": date.fromisoformat(kept["valid_through"])})


def sameness_of(employer_id: UUID, advert: Advert) -> bytes:
    """Return what is equal for adverts of the same work at the same employer.

    That is the title without its signs and blanks, the district, the kind of employment and the
    pay; wages by the hour are never a month's.
    """
    title = unicodedata.normalize("NFKC", advert.title).casefold()
    title = "".join(sign for sign in title if sign.isalnum() or sign in "+#")
    parts = (
        *(str(employer_id), title, advert.district, advert.employment_type),
        *(str(advert.pay_from), str(advert.pay_to), advert.pay_unit),
    )
    return sha256("|".join(parts).encode()).digest()
