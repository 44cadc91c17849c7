"""States of a provider, the roster that processes go by, and what the room takes and gives."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.sdk.registry import Closed

MOST_BYTES = 64 * 1024
MOST_KEYS = 5
KEY_ID = r"[A-Za-z0-9._~-]{1,64}"
FIRST_CANARY = 5
"""Per cent of the citizens to whom a provider that has just become a canary is shown."""
EVERYBODY = 100
RESERVED = frozenset({"keys"})
"""Names that mean something else in the addresses of this room."""
EVENT_KEPT = timedelta(days=7)
"""How long the id of an event is remembered: longer than anybody sends it again."""

Words = Mapping[str, str]
"""A text in Chinese (`zh`) and English (`en`)."""


class Transport(StrEnum):
    """How the house reaches a provider."""

    IN_PROCESS = "in-process"
    REMOTE = "remote"


class ProviderStatus(StrEnum):
    """The states of the marketplace, from application to offboarding."""

    APPLIED = "applied"
    DOCUMENT_REVIEW = "document_review"
    SANDBOX = "sandbox"
    CONFORMANCE_PASSED = "conformance_passed"
    CANARY = "canary"
    LIVE = "live"
    SUSPENDED = "suspended"
    OFFBOARDING = "offboarding"
    GONE = "gone"


STANDING = (
    ProviderStatus.SANDBOX,
    ProviderStatus.CONFORMANCE_PASSED,
    ProviderStatus.CANARY,
    ProviderStatus.LIVE,
)
"""What can be suspended, and is come back to."""

PUBLISHED = frozenset({ProviderStatus.CANARY, ProviderStatus.LIVE})
"""Whose services stand in the catalogue."""


BEFORE_CONFORMANCE = frozenset(
    {ProviderStatus.APPLIED, ProviderStatus.DOCUMENT_REVIEW, ProviderStatus.SANDBOX}
)
"""Where a new version of the manifest counts at once: nobody has vouched for one yet."""

CALLED = frozenset(STANDING) | {ProviderStatus.OFFBOARDING}
"""Who is asked how they are: whoever the house may call."""

LEAVING = frozenset({ProviderStatus.OFFBOARDING, ProviderStatus.GONE})


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A public Ed25519 key that a provider signs with (RFC 8037)."""

    kid: str
    x: str

    @property
    def public(self) -> Ed25519PublicKey:
        """Return the key itself."""
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(self.x + "="))

    @property
    def jwk(self) -> dict[str, str]:
        """Return the key as RFC 7517 writes it."""
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": self.x}


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A provider as every process goes by it, within a second of any change.

    `manifest` is the content of the version that was released; a plug-in of this process has none
    here. `closed` is there exactly while the provider is suspended: the kill switch is thrown.
    `paused` are services of which the provider itself has said that they rest. Copies of payables
    from before `payables_changed_at` must not be shown any more.
    """

    name: str
    transport: Transport
    state: ProviderStatus
    is_published: bool
    manifest: Mapping[str, Any] | None = None
    keys: tuple[ProviderKey, ...] = ()
    canary_percent: int = EVERYBODY
    closed: Closed | None = None
    paused: Mapping[str, Closed] = field(default_factory=dict)
    payables_changed_at: datetime | None = None

    def key_of(self, kid: str) -> Ed25519PublicKey | None:
        """Return the live key of this id, or None."""
        return next((key.public for key in self.keys if key.kid == kid), None)


@dataclass(frozen=True, slots=True)
class Declared:
    """The name of a plug-in of this house, and the ids that it declares."""

    name: str
    services: frozenset[str]
    payees: frozenset[str]


@dataclass(frozen=True, slots=True)
class BadgeView:
    """Our word that a provider with a version of its manifest kept these duties."""

    id: UUID
    manifest_hash: str
    contract: int
    duties: Sequence[str]
    badge: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ManifestView:
    """One version of a manifest; its id is its number."""

    id: int
    hash: str
    content: Mapping[str, Any]
    is_released: bool
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key of a provider's; one that is retired counts no more."""

    kid: str
    x: str
    added_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class MoveView:
    """One move of a provider from state to state: why, and by which kind of caller."""

    sequence: int
    from_state: str | None
    to_state: str
    reason: Words | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HealthView:
    """How a provider was when it was last asked; `finding` is None while it is well."""

    finding: str | None
    since: datetime
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider as its integrator and staff see it; its id is its name."""

    id: str
    transport: str
    status: str
    title: Words | None
    client_id: UUID | None
    manifest_version: int | None
    newest_version: int | None
    canary_percent: int
    closed: Closed | None
    paused: Mapping[str, Closed]
    badge: BadgeView | None
    health: HealthView | None
    created_at: datetime


class Finding(StrEnum):
    """What is wrong with a provider that is asked how it is."""

    UNREACHABLE = "unreachable"
    UNSIGNED = "unsigned"
    ANOTHER = "another"
    UNWELL = "unwell"


class EventType(StrEnum):
    """What providers tell the house."""

    PAYABLES_CHANGED = "payables.changed"
    SERVICE_SUSPENDED = "service.suspended"
    SERVICE_RESUMED = "service.resumed"


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a provider's: which service it is about, and why it rests."""

    type: EventType
    service: str | None = None
    closure: Closed | None = None


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call that proves itself by a signature (RFC 9421), as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class SendBack:
    """What a provider wants sent back of a payment: an amount, or (None) all that is left."""

    reference: str
    amount: int | None
    reason: str
