"""What the trail is made of: its signed statements, its key, and what is shown of it."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

BATCH = 10_000
NOTHING_BEFORE = "0" * 64
"""What the first seal names as the one before it."""

LATE = timedelta(minutes=15)
"""Sealing further behind than this is an alarm."""
TOO_LATE = timedelta(hours=4)
"""Sealing further behind than this, and staff change nothing until it has caught up."""
SHORTEST_RETENTION = timedelta(days=180)

_SIGNED = b"wudang-audit\n"


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return JSON in its canonical form (RFC 8785; ours has ASCII names and no fractions)."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    ).encode()


def moment_text(moment: datetime) -> str:
    """Return a moment as it is hashed and signed: UTC, with microseconds and its offset."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Statement:
    """A signed statement of the sealer: a seal over a batch, or that batches were retired."""

    content: Mapping[str, Any]
    signature: bytes

    @property
    def fingerprint(self) -> str:
        """Return the hash by which the next statement names this one."""
        return sha256(canonical(self.content)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the statement as JSON values."""
        return {**self.content, "signature": base64.b64encode(self.signature).decode()}


class SealingKey:
    """The Ed25519 key that signs seals, and the public halves of those it has followed."""

    def __init__(self, pem: str, former: Sequence[str] = ()) -> None:
        private = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(private, Ed25519PrivateKey):
            raise TypeError("AUDIT_SIGNING_KEY must be an Ed25519 private key")
        self._private = private
        publics = [private.public_key().public_bytes_raw(), *map(bytes.fromhex, former)]
        self._publics = {_key_id(raw): raw for raw in publics}
        self.id = _key_id(publics[0])

    @property
    def publics(self) -> Mapping[str, bytes]:
        """Return the public keys by their names, the present one first."""
        return self._publics

    def sign(self, content: Mapping[str, Any]) -> Statement:
        """Sign a statement with the present key, which it names."""
        named = {**content, "key": self.id}
        return Statement(named, self._private.sign(_SIGNED + canonical(named)))

    def is_signed(self, statement: Statement) -> bool:
        """Say whether one of our keys, the one that the statement names, has signed it."""
        raw = self._publics.get(str(statement.content.get("key")))
        if raw is None:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(
                statement.signature, _SIGNED + canonical(statement.content)
            )
        except InvalidSignature:
            return False
        return True


def _key_id(raw: bytes) -> str:
    return sha256(raw).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class AuditDeps:
    """What the audit room works with; `mac_key` proves that a row was written by the house."""

    key: SealingKey
    mac_key: bytes = field(repr=False)
    anchors: Path
    retention: timedelta


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries an auditor looks for."""

    event: str | None = None
    actor: str | None = None
    subject: UUID | None = None
    result: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """That a leaf lies in a sealed tree; checked with the public key and nothing else of ours."""

    leaf: str
    index: int
    size: int
    path: Sequence[str]
    seal: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActivityLine:
    """One thing that happened to a citizen; `proof` is there once it is sealed."""

    id: UUID
    at: datetime
    event: str
    title_zh: str
    title_en: str
    result: str
    by: str
    address: str | None
    details: Mapping[str, Any]
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with the trail: what, in which seal, at which row."""

    code: str
    detail: str
    seal: int | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a verification has looked at and found; sound when there is no fault."""

    first_seal: int | None
    last_seal: int | None
    seals: int
    entries: int
    is_complete: bool
    fault: Fault | None

    @property
    def is_sound(self) -> bool:
        """Say whether nothing was wrong in what was looked at."""
        return self.fault is None
