"""What identity takes and gives; the states of its records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class CitizenStatus(StrEnum):
    """The states of a citizen's account."""

    ACTIVE = "active"
    LOCKED = "locked"
    CLOSED = "closed"


class SessionStatus(StrEnum):
    """The states of a session."""

    ACTIVE = "active"
    ENDED = "ended"


class VerificationStatus(StrEnum):
    """The states of one attempt to prove a name."""

    ASKED = "asked"
    VERIFIED = "verified"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class TokenState(StrEnum):
    """Where a refresh token stands in its family (`service.refresh` has the rule)."""

    CURRENT = "current"
    PARENT = "parent"
    SPENT = "spent"
    VOID = "void"


class Purpose(StrEnum):
    """What a code was asked for; a code opens nothing else."""

    LOGIN = "login"


class RegisterAnswer(StrEnum):
    """What the population register says of a name and a number."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Device:
    """What a session is on, as its citizen calls it."""

    name: str
    platform: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """A code and the device it is typed on."""

    challenge_id: UUID
    code: str
    device: Device


@dataclass(frozen=True, slots=True)
class Opened:
    """A challenge that was opened: nothing in it depends on who owns the number."""

    id: UUID
    expires_at: datetime
    resend_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The tokens of a session, shown once."""

    access_token: str
    expires_in: int
    refresh_token: str
    session_id: UUID
    citizen_id: UUID
    assurance: str
    token_type: str = "Bearer"  # noqa: S105 - a word of RFC 6749

    @property
    def session(self) -> Mapping[str, UUID]:
        """Return the session as it is shown."""
        return {"id": self.session_id}

    @property
    def citizen(self) -> Mapping[str, object]:
        """Return the citizen as they are shown."""
        return {"id": self.citizen_id, "assurance": self.assurance}


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as its citizen sees it."""

    id: UUID
    device: Device
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class Me:
    """A citizen as they see themselves; number and name are masked."""

    id: UUID
    phone: str
    name: str | None
    assurance: str


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the house knows of a citizen that a plug-in may be shown."""

    assurance: str
    values: Mapping[str, str]
