"""Employers: who may advertise, and who acts for them."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from stdnum.cn.uscc import calc_check_digit

# The registering authority and the kind of body may be letters (N for village collectives, Y for
# others), which stdnum's own check refuses; the six characters of the place are digits.
_CODE = re.compile(r"[1-9A-HJ-NP-RT-UW-Y][1-9A-HJ-NP-RT-UW-Y][0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")
MOST_NAME = 80


class EmployerStatus(StrEnum):
    """How far an employer has come; only a verified one advertises."""

    REQUESTED = "requested"
    VERIFIED = "verified"
    SUSPENDED = "suspended"
    REFUSED = "refused"


class MemberStatus(StrEnum):
    """Whether somebody acts for an employer; one whom no member let in waits for the desk."""

    REQUESTED = "requested"
    ACTIVE = "active"
    REFUSED = "refused"
    ENDED = "ended"


class EmployerReason(StrEnum):
    """Why the desk refuses or suspends an employer, or somebody who would act for one."""

    CODE_NAME_MISMATCH = "code-name-mismatch"
    NOT_REGISTERED = "not-registered"
    NOT_AUTHORISED = "not-authorised"
    FRAUD = "fraud"
    CHARGED_APPLICANTS = "charged-applicants"
    DISCRIMINATION = "discrimination"
    LICENCE_REVOKED = "licence-revoked"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NewEmployer:
    """An employer as a citizen who acts for it registers it."""

    credit_code: str
    name: str
    district: str


@dataclass(frozen=True, slots=True)
class EmployerView:
    """An employer as anybody sees it."""

    id: UUID
    name: str
    credit_code: str
    district: str
    status: str
    registered_at: datetime
    verified_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class MemberView:
    """Somebody who acts for an employer, or would; nobody is named."""

    id: UUID
    employer_id: UUID
    status: str
    is_me: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """The code that lets one more citizen act for an employer; shown this once."""

    code: str
    expires_at: datetime


def canonical_code(text: str) -> str | None:
    """Return a unified social credit code (GB 32100-2015) in upper case without blanks.

    None for what is none: another alphabet, another length or another check character.
    """
    code = re.sub(r"[ -]", "", text).upper()
    if not code.isascii() or not _CODE.fullmatch(code) or code[-1] != calc_check_digit(code[:17]):
        return None
    return code
