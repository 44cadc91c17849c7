"""Proof of possession of a key at each request (RFC 9449): checked, and used up once.

`verify_proof` looks at the proof alone; `use_proof` remembers its `jti`, so a proof that was copied
on its way is worth nothing. Both are asked by the token endpoint and by the door of the API.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from app.core import jose
from app.core.clock import now
from app.core.replay import claim_once
from app.core.unit_of_work import UnitOfWork

BACK = timedelta(seconds=60)
AHEAD = timedelta(seconds=10)
KEPT = timedelta(minutes=5)
NONCE_LIFETIME = timedelta(minutes=5)
_MEMBERS = ("typ", "alg", "jwk")
_LONGEST_JTI = 256
_PORTS = {"https": 443, "http": 80}


class DpopInvalid(ValueError):
    """The proof does not prove what it should; the message is for the client's developer."""


class DpopReplayed(DpopInvalid):
    """The proof was used before."""


class DpopNonceNeeded(DpopInvalid):
    """The proof has to carry a nonce of ours, and carries none or one that is over."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds: the thumbprint of its key, its own name, and when it was made."""

    thumbprint: str
    jti: str
    issued_at: datetime


class Nonces:
    """Nonces without a table: a moment and its MAC, good for five minutes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self) -> str:
        """Return a nonce that is good from now on."""
        moment = int(now().timestamp()).to_bytes(8, "big")
        return _encode(moment + self._mac(moment))

    def is_good(self, nonce: str) -> bool:
        """Say whether a nonce is ours and not over."""
        try:
            raw = base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
        except ValueError:
            return False
        moment, mac = raw[:8], raw[8:]
        if not hmac.compare_digest(self._mac(moment), mac):
            return False
        age = now() - datetime.fromtimestamp(int.from_bytes(moment, "big"), UTC)
        return -AHEAD <= age <= NONCE_LIFETIME

    def _mac(self, moment: bytes) -> bytes:
        return hmac.digest(self._key, b"dpop-nonce" + moment, "sha256")[:16]


def verify_proof(
    proof: str,
    *,
    method: str,
    url: str,
    access_token: str | None = None,
    nonces: Nonces | None = None,
    needs_nonce: bool = False,
) -> Proof:
    """Return a proof made for this request with this token, or raise `DpopInvalid`.

    `url` is the address as the public knows it; its query does not count. With an `access_token`
    the proof must name it (`ath`). A nonce must be ours wherever one stands, and must stand there
    when `needs_nonce`. The caller compares the thumbprint and calls `use_proof`.
    """
    try:
        key = jose.read_unverified(proof).header.get("jwk")
        if not isinstance(key, dict):
            raise DpopInvalid("The proof carries no key.")
        thumbprint = jose.thumbprint(key)
        claims = jose.verify(proof, [key], types=["dpop+jwt"], members=_MEMBERS).claims
    except jose.JoseInvalid as error:
        raise DpopInvalid(f"The proof cannot be believed: {error}.") from error
    jti, issued = claims.get("jti"), claims.get("iat")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        raise DpopInvalid("The proof has no jti.")
    if type(issued) is not int or not _is_now(issued):
        raise DpopInvalid("The proof was not made now.")
    if claims.get("htm") != method:
        raise DpopInvalid("The proof is for another method.")
    if not isinstance(claims.get("htu"), str) or _place(claims["htu"]) != _place(url):
        raise DpopInvalid("The proof is for another address.")
    _check_token(claims.get("ath"), access_token)
    _check_nonce(claims.get("nonce"), nonces, needs_nonce=needs_nonce)
    return Proof(thumbprint, jti, datetime.fromtimestamp(issued, UTC))


def use_proof(uow: UnitOfWork, proof: Proof) -> None:
    """Use a proof up; raise `DpopReplayed` if it was used before."""
    if not claim_once(uow, "dpop", proof.thumbprint, proof.jti, forget_at=now() + KEPT):
        raise DpopReplayed("The proof was used before.")


def _is_now(issued: int) -> bool:
    moment = now().timestamp()
    return moment - BACK.total_seconds() <= issued <= moment + AHEAD.total_seconds()


def _place(url: str) -> tuple[str, str, int | None, str] | None:
    """Return what counts of an address, in one form (RFC 3986, 6.2.2 and 6.2.3)."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.username is not None or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port, parts.path or "/"


def _check_token(named: Any, access_token: str | None) -> None:  # noqa: ANN401 - any JSON value
    if access_token is None:
        return
    wanted = _encode(sha256(access_token.encode()).digest())
    if not isinstance(named, str) or not hmac.compare_digest(named.encode(), wanted.encode()):
        raise DpopInvalid("The proof is for another access token.")


def _check_nonce(nonce: Any, nonces: Nonces | None, *, needs_nonce: bool) -> None:  # noqa: ANN401
    if nonce is None and not needs_nonce:
        return
    if nonces is None or not isinstance(nonce, str) or not nonces.is_good(nonce):
        raise DpopNonceNeeded("The proof has to carry the nonce of the DPoP-Nonce field.")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
