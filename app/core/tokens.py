"""Access tokens (RFC 9068, ES256) and the principal they speak for: the only PyJWT."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.core.clock import now
from app.core.errors import Unauthenticated
from app.core.ids import new_id

AUDIENCE = "wudang-api"
LIFETIME = timedelta(minutes=10)
_LEEWAY_SECONDS = 10
_REQUIRED = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "knd"]
_HEADER = {"alg", "kid", "typ"}
_CACHE_SIZE = 10_000
_LONGEST = 4_096

KINDS = ("citizen", "staff", "integrator")

LEVELS = ("public", "basic", "verified", "strong")
"""Assurance, lowest first: how sure we are who this is."""


class TokenInvalid(Unauthenticated):
    """The access token is not one of ours, is over, or its session was ended."""

    code = "token-invalid"
    title_zh = "登录已失效，请重新登录"
    title_en = "The access token is not valid"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, and how surely: a citizen, a member of staff or an integrator."""

    kind: Literal["citizen", "staff", "integrator"]
    id: UUID
    session_id: UUID
    assurance: str = "basic"
    permissions: frozenset[str] = frozenset()
    department: str | None = None

    @property
    def actor(self) -> str:
        """Return how the event log names this principal."""
        return f"{self.kind}:{self.id}"

    def reaches(self, assurance: str) -> bool:
        """Say whether this principal's assurance is at least the given one."""
        return LEVELS.index(self.assurance) >= LEVELS.index(assurance)


class Tokens:
    """Issues and verifies access tokens with one ES256 key of this installation."""

    def __init__(self, signing_key_pem: str, issuer: str) -> None:
        key = load_pem_private_key(signing_key_pem.encode(), password=None)
        if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise TypeError("TOKEN_SIGNING_KEY must be a P-256 private key")
        self._private = key
        self._public = key.public_key()
        numbers = self._public.public_numbers()
        self._kid = sha256(f"{numbers.x}|{numbers.y}".encode()).hexdigest()[:16]
        self._issuer = issuer
        self._cache: OrderedDict[bytes, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def issue(
        self,
        *,
        subject: UUID,
        session_id: UUID,
        kind: str,
        assurance: str,
        lifetime: timedelta = LIFETIME,
    ) -> str:
        """Return a signed token for one session; the assurance in it is only a hint."""
        moment = int(now().timestamp())
        claims = {
            "iss": self._issuer,
            "sub": str(subject),
            "aud": AUDIENCE,
            "iat": moment,
            "nbf": moment,
            "exp": moment + int(lifetime.total_seconds()),
            "jti": str(new_id()),
            "sid": str(session_id),
            "client_id": "first-party",
            "knd": kind,
            "acr": assurance,
        }
        headers = {"typ": "at+jwt", "kid": self._kid}
        return jwt.encode(claims, self._private, algorithm="ES256", headers=headers)

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a genuine, living token of ours, or raise `TokenInvalid`.

        The signature of a token is computed once; its lifetime is looked at on each call.
        """
        if not token.isascii() or len(token) > _LONGEST:
            raise TokenInvalid
        fingerprint = sha256(token.encode()).digest()
        with self._lock:
            claims = self._cache.get(fingerprint)
        if claims is None:
            claims = self._decode(token)
            with self._lock:
                self._cache[fingerprint] = claims
                if len(self._cache) > _CACHE_SIZE:
                    self._cache.popitem(last=False)
        moment = now().timestamp()
        if not claims["nbf"] - _LEEWAY_SECONDS <= moment < claims["exp"]:
            raise TokenInvalid("The access token is over.")
        return claims

    def _decode(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if set(header) != _HEADER or header["typ"] != "at+jwt" or header["kid"] != self._kid:
                raise TokenInvalid
            claims: dict[str, Any] = jwt.decode(
                token,
                self._public,
                algorithms=["ES256"],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={
                    "require": _REQUIRED,
                    "strict_aud": True,
                    # Business time decides about lifetimes, not the machine's clock.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError, UnicodeError, RecursionError) as error:
            raise TokenInvalid from error
        if not _is_well_formed(claims):
            raise TokenInvalid
        return claims


def _is_well_formed(claims: dict[str, Any]) -> bool:
    """Say whether the claims that others read are of the kind that they expect."""
    if any(type(claims[name]) is not int for name in ("exp", "nbf", "iat")):
        return False
    return claims["knd"] in KINDS and all(_is_id(claims[name]) for name in ("sub", "sid"))


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
