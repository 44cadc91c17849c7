"""What identity takes and gives; the states of its records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
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


class EvidenceKind(StrEnum):
    """What can prove who somebody is (`levels.toml` says what each is worth)."""

    PHONE_CODE = "phone-code"
    REGISTER_MATCH = "register-match"
    PHONE_OWNER = "phone-owner-match"
    SOCIAL_SECURITY_CARD = "social-security-card-match"
    BANK_CARD = "bank-card-match"
    HOUSING_FUND = "housing-fund-match"
    DRIVING_LICENCE = "driving-licence-match"
    FACE_LIVE = "face-live"
    COUNTER = "counter"
    PASSKEY = "passkey"


class EvidenceStatus(StrEnum):
    """The states of a piece of evidence."""

    ACTIVE = "active"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Holding(StrEnum):
    """What a citizen can prove to be theirs, beside name and number."""

    PHONE = "phone"
    SOCIAL_SECURITY_CARD = "social-security-card"
    BANK_CARD = "bank-card"
    HOUSING_FUND = "housing-fund"
    DRIVING_LICENCE = "driving-licence"

    @property
    def evidence(self) -> EvidenceKind:
        """Return the kind of evidence that a match makes."""
        if self is Holding.PHONE:
            return EvidenceKind.PHONE_OWNER
        return EvidenceKind(f"{self}-match")


class TokenState(StrEnum):
    """Where a refresh token stands in its family (`service.refresh` has the rule)."""

    CURRENT = "current"
    PARENT = "parent"
    SPENT = "spent"
    VOID = "void"


class Purpose(StrEnum):
    """What a code was asked for; a code opens nothing else."""

    LOGIN = "login"
    STEP_UP = "step-up"
    CHANGE_PHONE = "change-phone"
    RESET = "reset"


class RegisterAnswer(StrEnum):
    """What the population register says of a name and a number."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


class LockReason(StrEnum):
    """Why an account is locked or unlocked."""

    CITIZEN_ASKED = "citizen-asked"
    TAKEOVER_SUSPECTED = "takeover-suspected"
    FRAUD_SUSPECTED = "fraud-suspected"
    AUTHORITY_ORDERED = "authority-ordered"
    CLEARED = "cleared"
    MISTAKE = "mistake"


class StepUpMeans(StrEnum):
    """What a session can prove itself with again; a code alone is never enough."""

    PASSKEY = "passkey"
    PASSWORD = "password"  # noqa: S105 - a word; a code goes with it

    @property
    def amr(self) -> tuple[str, ...]:
        """Return it in the words of RFC 8176."""
        if self is StepUpMeans.PASSKEY:
            return ("pop", "user", "mfa")
        return ("pwd", "otp", "sms", "mfa")


class FaceStatus(StrEnum):
    """How a check of a living face stands."""

    WAITING = "waiting"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """How long a code counts, how often it may be tried, and how many are sent.

    `per_number_*` and `per_network_hour` count codes, `numbers_per_address_day` numbers; in the
    whole city at most `city_day` codes are sent in a day, and `city_wrong` wrong ones in ten
    minutes look like somebody guessing.
    """

    lifetime: timedelta = timedelta(minutes=5)
    tries: int = 5
    resend: timedelta = timedelta(seconds=60)
    per_number_hour: int = 5
    per_number_day: int = 10
    per_network_hour: int = 20
    numbers_per_address_day: int = 30
    city_day: int = 50_000
    city_wrong: int = 500


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long an access token and a session last, unused and at all, and how many one may have."""

    access: timedelta = timedelta(minutes=10)
    idle: timedelta = timedelta(days=14)
    absolute: timedelta = timedelta(days=30)
    most: int = 10


@dataclass(frozen=True, slots=True)
class Device:
    """What a session is on, as its citizen calls it."""

    name: str
    platform: str


@dataclass(frozen=True, slots=True)
class LogIn:
    """A code and the device it is typed on; with the password besides, two factors at once."""

    challenge_id: UUID
    code: str = field(repr=False)
    device: Device
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PasswordLogIn:
    """A number and its password, where that may stand alone."""

    phone: str = field(repr=False)
    password: str = field(repr=False)
    device: Device


@dataclass(frozen=True, slots=True)
class PasskeyLogIn:
    """The answer of a passkey (W3C PublicKeyCredential)."""

    passkey: Mapping[str, Any] = field(repr=False)
    device: Device


AnyLogIn = LogIn | PasswordLogIn | PasskeyLogIn


@dataclass(frozen=True, slots=True)
class Reset:
    """A code, a new password, and one more proof: a password is never reset by a phone alone.

    The proof is a recovery code, a passkey, or name and resident number for the register.
    """

    challenge_id: UUID
    code: str = field(repr=False)
    password: str = field(repr=False)
    recovery_code: str | None = field(default=None, repr=False)
    passkey: Mapping[str, Any] | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    resident_id: str | None = field(default=None, repr=False)


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
    """A citizen as they see themselves; number and name are masked.

    `stepped_up_until` is when this session has to prove itself again for what needs it.
    """

    id: UUID
    phone: str
    name: str | None
    assurance: str
    assurance_until: datetime | None
    stepped_up_until: datetime | None


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A piece of evidence as its citizen sees it: never what was proven with it."""

    id: UUID
    kind: str
    title: Mapping[str, str]
    source: str
    status: str
    obtained_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RemoteFaceCheck:
    """A face check that the authority has begun: its name there, and the device's ticket to it."""

    reference: str
    token: str


@dataclass(frozen=True, slots=True)
class FaceCheck:
    """A face check as the citizen's device needs it; the token is shown once and not kept."""

    id: UUID
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """A citizen's level after something was proven."""

    citizen_id: UUID
    assurance: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class StepUpBegun:
    """A step-up that waits for its proof.

    By passkey, `public_key` is what the browser is asked; by password, a code is on its way and
    another may be asked for at `resend_at`.
    """

    id: UUID
    means: StepUpMeans
    others: Sequence[StepUpMeans]
    expires_at: datetime
    public_key: Mapping[str, Any] | None = None
    resend_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepUpProof:
    """A passkey's answer, or a code and the password."""

    passkey: Mapping[str, Any] | None = field(default=None, repr=False)
    code: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SteppedUp:
    """A session that has proven itself again; the refused call may be repeated as it was."""

    session_id: UUID
    amr: Sequence[str]
    stepped_up_until: datetime


@dataclass(frozen=True, slots=True)
class CitizenCard:
    """A citizen as the staff's desk sees them: masked."""

    phone: str
    name: str | None
    resident_id: str | None
    assurance: str
    status: str


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the house knows of a citizen that a plug-in may be shown."""

    assurance: str
    values: Mapping[str, str]
