"""Accounts that citizens link."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

ACCOUNT_NUMBER = "[0-9A-Za-z-]{4,32}"


MAX_HOLDER_NAME = 60


class AccountStatus(StrEnum):
    """Whether a citizen still lives where an account is."""

    VERIFIED = "verified"
    MOVED_OUT = "moved_out"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that a citizen wants to link."""

    biller: str
    number: str
    holder_name: str


@dataclass(frozen=True, slots=True)
class LinkedAccount:
    """A linked account as its citizen sees it."""

    id: UUID
    biller: str
    number_masked: str
    linked_at: datetime
    refreshed_at: datetime | None
    status: str
    moved_out_on: date | None


@dataclass(frozen=True, slots=True)
class NewLookUp:
    """Whose account a citizen wants to pay for: its number, and how its holder's name begins."""

    biller: str
    number: str
    family_name: str


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """Somebody else's account as whoever pays for it sees it: what is owed, and no name in full."""

    id: UUID
    biller: str
    service: str
    number_masked: str
    holder_masked: str
    owed: int
    currency: str
    open_bills: int
    expires_at: datetime
