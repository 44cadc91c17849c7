"""What happened to citizens and their sessions."""

from dataclasses import dataclass
from uuid import UUID

from app.core.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class ChallengeOpened(Event):
    """A code waits, sealed in its row, to be sent."""

    name = "challenge.opened"
    challenge_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionEnded(Event):
    """A session is over; its tokens are worth nothing."""

    name = "session.ended"
    session_id: UUID
    citizen_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CitizenVerified(Event):
    """The register has confirmed a citizen's name."""

    name = "citizen.verified"
    citizen_id: UUID
    verification_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AssuranceChanged(Event):
    """A citizen's level is another one: something was proven, or has ended."""

    name = "assurance.changed"
    citizen_id: UUID
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CitizenLocked(Event):
    """An account was locked: its sessions are over, and nothing speaks for it any more."""

    name = "citizen.locked"
    citizen_id: UUID
