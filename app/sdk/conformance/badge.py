"""The badge: our signed word that a provider with this manifest kept its duties (RFC 7515)."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core import jose
from app.core.clock import now

TYPE = "conformance-badge+jwt"
VALID_FOR = timedelta(days=90)
_SUBJECT = "provider:"


class BadgeRefused(Exception):
    """It is no badge of ours, or its time is over; the message says which."""


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says: who kept which duties of which contract, and with which manifest."""

    issuer: str
    provider: str
    manifest: str
    contract: int
    duties: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


def hash_manifest(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest in hex; the order of its members and spaces do not count."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def make_badge(
    issuer: str, manifest: Mapping[str, Any], contract: int, duties: Sequence[str]
) -> Badge:
    """Return a badge that is valid from now on for ninety days."""
    at = now().replace(microsecond=0)
    return Badge(
        issuer=issuer,
        provider=str(manifest["name"]),
        manifest=hash_manifest(manifest),
        contract=contract,
        duties=tuple(duties),
        issued_at=at,
        expires_at=at + VALID_FOR,
    )


def issue_badge(key: Ed25519PrivateKey, key_id: str, badge: Badge) -> str:
    """Return a badge as a compact token, signed with the key that signs our calls of providers."""
    claims = {
        "iss": badge.issuer,
        "sub": _SUBJECT + badge.provider,
        "provider": badge.provider,
        "manifest": badge.manifest,
        "contract": badge.contract,
        "duties": dict.fromkeys(badge.duties, "kept"),
        "iat": int(badge.issued_at.timestamp()),
        "exp": int(badge.expires_at.timestamp()),
    }
    header = {"alg": "EdDSA", "typ": TYPE, "kid": key_id}
    return jose.sign(claims, header, private_jwk(key))


def read_badge(token: str, public_keys: Sequence[Mapping[str, Any]]) -> Badge:
    """Return what a badge says that one of these keys (JWKs) has signed, or raise `BadgeRefused`.

    One that has expired, or that is not yet valid, is refused.
    """
    try:
        jwt = jose.verify(token, public_keys, types={TYPE}, members={"alg", "typ", "kid"})
    except jose.JoseInvalid as error:
        raise BadgeRefused(str(error)) from error
    claims = jwt.claims
    try:
        badge = Badge(
            issuer=_text(claims["iss"]),
            provider=_text(claims["provider"]),
            manifest=_text(claims["manifest"]),
            contract=_number(claims["contract"]),
            duties=_kept(claims["duties"]),
            issued_at=datetime.fromtimestamp(_number(claims["iat"]), UTC),
            expires_at=datetime.fromtimestamp(_number(claims["exp"]), UTC),
        )
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise BadgeRefused("a claim is missing, or of another form") from error
    if claims.get("sub") != _SUBJECT + badge.provider:
        raise BadgeRefused("its subject is somebody else")
    if not badge.issued_at <= now() < badge.expires_at:
        raise BadgeRefused("its time is over, or has not come")
    return badge


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise ValueError("no whole number")
    return value


def _kept(value: object) -> tuple[str, ...]:
    """Return the duties of a badge: each of them was kept, or it would be none."""
    if not isinstance(value, Mapping) or not value or set(value.values()) != {"kept"}:
        raise ValueError("not kept")
    return tuple(value)


def private_jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    """Return a private key as a JWK (RFC 8037), to sign with."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": _encoded(key.public_key().public_bytes_raw()),
        "d": _encoded(key.private_bytes_raw()),
    }


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
