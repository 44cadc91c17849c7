"""What may be done for somebody else, for how long, and the states of its records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

EVERYTHING = "*"
"""The scope of a mandate that is not bound to one service."""

TERMS = (1, 31, 182, 365)
"""Days a mandate may be given for: a day, a month, half a year, a year; nothing between."""

SMS_TERMS = (1, 31)
"""Days that an answer by SMS can give: a text proves less than a log-in does."""

QUESTIONS = 5
"""Times that a principal is asked by SMS about one mandate."""

MANY = 10
"""Acting for more people than this is looked at by staff."""

OPEN_AT_MOST = 20
"""Mandates that one citizen may have asked for and not yet heard about."""

DRAFTS_A_DAY = 20
INVITATIONS_A_DAY = 5
"""Texts that one number gets about mandates in a day, whoever asks."""

CLAIMS_A_DAY = 5


class MandateStatus(StrEnum):
    """The states of a mandate.

    `drafted`: the delegate has not agreed yet. `awaiting_principal`: the delegate has, and the one
    whose affairs they are has not consented. `superseded`: another one between the same two began.
    """

    DRAFTED = "drafted"
    AWAITING_PRINCIPAL = "awaiting_principal"
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    DECLINED = "declined"


OPEN_MANDATES = (MandateStatus.DRAFTED, MandateStatus.AWAITING_PRINCIPAL)


class OrganisationStatus(StrEnum):
    """The states of an organisation."""

    CLAIMED = "claimed"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class GuardianshipStatus(StrEnum):
    """The states of a guardianship."""

    ACTIVE = "active"
    ENDED = "ended"


class Action(StrEnum):
    """What a delegate may do with a service."""

    VIEW = "view"
    BOOK = "book"
    PAY = "pay"
    SUBMIT = "submit"


class Consent(StrEnum):
    """How the one whose affairs they are has consented."""

    APP = "app"
    SMS = "sms"
    COUNTER = "counter"


class Outcome(StrEnum):
    """What a text to the city's number did."""

    CONSENTED = "consented"
    DECLINED = "declined"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class Side(StrEnum):
    """Which of the two a citizen is."""

    PRINCIPAL = "principal"
    DELEGATE = "delegate"


class Source(StrEnum):
    """Who says that somebody is a child's guardian."""

    REGISTER = "register"
    COUNTER = "counter"


class Ending(StrEnum):
    """Why a guardianship ended."""

    OF_AGE = "of-age"
    COURT = "court"
    STAFF = "staff"


class StaffReason(StrEnum):
    """Why staff change an organisation's state."""

    REGISTER = "register"
    COURT = "court"
    REQUEST = "request"
    ABUSE = "abuse"


class Answer(StrEnum):
    """What a register says of a claim."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Grant:
    """One service (or everything), what may be done with it, and for how much money (fen)."""

    service: str
    actions: frozenset[Action]
    cap_per_day: int | None = None
    cap_total: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A mandate as it is asked for: the other party is named by a phone number."""

    named: Side
    phone: str
    grants: Sequence[Grant]
    days: int
    organisation_id: UUID | None = None
    for_organisation: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """An organisation that somebody says they represent."""

    uscc: str
    name: str


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """A text that came to the city's number: the gateway's count, from whom, and what it says."""

    number: int
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's name and resident number, as the registers know them."""

    name: str
    resident_id: str


@dataclass(frozen=True, slots=True)
class Power:
    """What one citizen may do in another's name right now, whatever it rests on.

    `id` is the mandate's or the guardianship's; nothing here outlives `until`.
    """

    id: UUID
    principal_id: UUID
    delegate_id: UUID
    grants: Sequence[Grant]
    until: datetime

    def grant_for(self, service: str, action: Action) -> Grant | None:
        """Return the grant that covers a service: its own, or else the one for everything."""
        fitting = [g for g in self.grants if action in g.actions]
        own = next((g for g in fitting if g.service == service), None)
        return own or next((g for g in fitting if g.service == EVERYTHING), None)


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two, as the other sees them: the name is masked."""

    id: UUID | None
    name: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class ScopeView:
    """One scope of a mandate as both parties see it."""

    id: UUID
    service: str
    title: Mapping[str, str]
    actions: Sequence[str]
    cap_per_day: int | None
    cap_total: int | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class MandateView:
    """A mandate as its parties see it."""

    id: UUID
    status: str
    side: str
    principal: Party
    delegate: Party
    organisation: Mapping[str, Any] | None
    for_organisation: bool
    days: int
    scopes: Sequence[ScopeView]
    consent: str | None
    statement: str | None
    attestation: str | None
    created_at: datetime
    starts_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActingToken:
    """A token that names both: whose affairs, and who acts."""

    access_token: str
    expires_in: int
    mandate_id: UUID
    principal_id: UUID
    token_type: str = "Bearer"  # noqa: S105 - a word of RFC 6749
    issued_token_type: str = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - RFC 8693


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """An organisation as its people see it."""

    id: UUID
    status: str
    uscc: str
    name: str
    is_representative: bool
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class GuardianshipView:
    """A guardianship as guardian and child see it."""

    id: UUID
    status: str
    side: str
    source: str
    child_name: str
    guardian_name: str | None
    has_account: bool
    created_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    ending: str | None


TERM = {days: timedelta(days=days) for days in TERMS}
