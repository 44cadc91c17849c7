"""Whose credentials, by which policy, for what; and what is answered about them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class OwnerKind(StrEnum):
    """Whose credentials they are."""

    CITIZEN = "citizen"
    STAFF = "staff"


class Means(StrEnum):
    """What is guessed at: each has its own count of failures."""

    PASSWORD = "password"  # noqa: S105 - a word
    RECOVERY_CODE = "recovery-code"
    TOTP = "totp"


class Ceremony(StrEnum):
    """What a passkey is asked for; an answer opens nothing else."""

    REGISTER = "register"
    LOGIN = "login"
    STEP_UP = "step-up"
    RESET = "reset"


class Policy(StrEnum):
    """The rules of a password: NIST SP 800-63B for citizens, MLPS level 3 for operators."""

    CITIZEN = "citizen"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Owner:
    """A citizen or a member of staff."""

    kind: OwnerKind
    id: UUID

    @classmethod
    def citizen(cls, citizen_id: UUID) -> "Owner":
        """Return a citizen as an owner."""
        return cls(OwnerKind.CITIZEN, citizen_id)

    @classmethod
    def staff(cls, staff_id: UUID) -> "Owner":
        """Return a member of staff as an owner."""
        return cls(OwnerKind.STAFF, staff_id)

    @property
    def subject(self) -> UUID | None:
        """Return the citizen whom an audit event about this owner concerns."""
        return self.id if self.kind is OwnerKind.CITIZEN else None


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """Whether a password was right; the rest is told only of one that was.

    `may_stand_alone` says that it is long enough to be the only factor; `is_expired` that its
    policy wants a new one.
    """

    is_right: bool
    may_stand_alone: bool = False
    is_expired: bool = False
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PreparedPassword:
    """A password that was accepted, as its hash, before it is anybody's."""

    hash: str = field(repr=False)
    policy: Policy
    may_stand_alone: bool


@dataclass(frozen=True, slots=True)
class PasskeyView:
    """A passkey as its owner sees it."""

    id: UUID
    name: str
    is_synced: bool
    is_bound: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class PasskeyProof:
    """A passkey that has answered: whose it is."""

    owner: Owner
    passkey_id: UUID


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser is asked; `public_key` goes into `navigator.credentials` as it is."""

    public_key: Mapping[str, Any]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TotpSecret:
    """The shared secret of an authenticator app, shown once."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Factors:
    """What an owner has to prove themselves with, beside a phone."""

    password: bool
    passkeys: int
    recovery_codes: int
    totp: bool

    @property
    def are_none(self) -> bool:
        """Say whether there is nothing but the phone."""
        return not (self.password or self.passkeys or self.totp)


Context = Collection[str]
"""Words that a password may not contain: the number, the name, the service."""
