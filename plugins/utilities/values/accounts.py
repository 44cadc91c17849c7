"""Accounts that citizens link."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

ACCOUNT_NUMBER = "[0-9A-Za-z-]{4,32}"


MAX_HOLDER_NAME = 60


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
    status: str = "verified"
