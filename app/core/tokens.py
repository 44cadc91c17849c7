"""Access tokens (RFC 9068, ES256) and the principal they speak for: the only PyJWT."""

import base64
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.core.clock import now
from app.core.errors import STEP_UP_SECONDS, Unauthenticated
from app.core.ids import new_id
from app.core.key_file import SigningEntry

AUDIENCE = "wudang-api"
LIFETIME = timedelta(minutes=10)
OVERLAP = timedelta(hours=8, minutes=1)
"""How long a key is believed after its successor began to sign: the longest token's life."""
_EPOCH = datetime.fromtimestamp(0, UTC)
_LEEWAY_SECONDS = 10
_REQUIRED = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "knd"]
_HEADER = {"alg", "kid", "typ"}
_CACHE_SIZE = 10_000
_LONGEST = 4_096

KINDS = ("citizen", "staff", "integrator", "grant", "delegate", "guest")
"""Whose token it is: a session of a citizen or of staff, a client in its own name, a client under a
citizen's grant (`sub` is pairwise), a delegate's for whom they act (`sub`, and `act`, RFC 8693),
a guest's who may pay one thing."""

FIRST_PARTY = "first-party"
EVERY_SERVICE = "*"

LEVELS = ("public", "basic", "verified", "strong")
"""Assurance, lowest first: how sure we are who this is."""


class TokenInvalid(Unauthenticated):
    """The access token is not one of ours, is over, or its session was ended."""

    code = "token-invalid"
    title_zh = "登录已失效，请重新登录"
    title_en = "The access token is not valid"


@dataclass(frozen=True, slots=True)
class Mandated:
    """What somebody may do for another: actions (view, book, pay, submit) by service id or `*`."""

    id: UUID
    actions: Mapping[str, frozenset[str]]

    def allows(self, action: str, service: str | None = None) -> bool:
        """Say whether an action is covered, for one service or (None) for any at all."""
        if service is None:
            return any(action in actions for actions in self.actions.values())
        named = self.actions.get(service, frozenset())
        return action in named or action in self.actions.get(EVERY_SERVICE, frozenset())


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, and how surely: a citizen, a member of staff, an integrator or a guest.

    `id` is whose affairs these are. `scopes` is None for the city's own apps and limits everybody
    else's; with `mandate`, `delegate_id` acts for `id`. `key_thumbprint` is the key (RFC 9449) that
    has to prove possession of the token. `payable` is the one thing that a guest may pay: service
    and reference.
    """

    kind: Literal["citizen", "staff", "integrator", "guest"]
    id: UUID
    session_id: UUID
    assurance: str = "basic"
    permissions: frozenset[str] = frozenset()
    department: str | None = None
    client_id: str = FIRST_PARTY
    scopes: frozenset[str] | None = None
    delegate_id: UUID | None = None
    mandate: Mandated | None = None
    stepped_up_at: datetime | None = None
    key_thumbprint: str | None = None
    payable: tuple[str, str] | None = None

    @property
    def actor(self) -> str:
        """Return how the event log names this principal: who acts, for whom, through what."""
        name = f"{self.kind}:{self.id}"
        if self.delegate_id is not None:
            name = f"{self.kind}:{self.delegate_id} for {name}"
        if self.client_id != FIRST_PARTY and self.kind == "citizen":
            name = f"{name} via {self.client_id}"
        return name

    def reaches(self, assurance: str) -> bool:
        """Say whether this principal's assurance is at least the given one."""
        return LEVELS.index(self.assurance) >= LEVELS.index(assurance)

    @property
    def is_stepped_up(self) -> bool:
        """Say whether the session proved itself again within the last five minutes."""
        return self.stepped_up_at is not None and now() - self.stepped_up_at < timedelta(
            seconds=STEP_UP_SECONDS
        )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A P-256 key of this installation: it signs from one moment on, and is believed until one."""

    kid: str
    private: EllipticCurvePrivateKey = field(repr=False)
    active_from: datetime
    ends_at: datetime | None

    @property
    def jwk(self) -> dict[str, str]:
        """Return the public half (RFC 7517)."""
        numbers = self.private.public_key().public_numbers()
        point = {"x": _number(numbers.x), "y": _number(numbers.y)}
        return {"kty": "EC", "crv": "P-256", **point, "use": "sig", "alg": "ES256", "kid": self.kid}


class Tokens:
    """Issues and verifies tokens with the ES256 keys of this installation.

    `more` returns the keys that rotation has added. The newest that is active signs; the one
    before it is believed for as long as its last token may live, and then no more.
    """

    def __init__(
        self,
        signing_key_pem: str,
        issuer: str,
        more: Callable[[], Sequence[SigningEntry]] = tuple,
    ) -> None:
        self.issuer = issuer
        self._first = _load(signing_key_pem)
        self._more = more
        self._known: tuple[Sequence[SigningEntry], list[SigningKey]] = ((), self._line_up(()))
        self._cache: OrderedDict[bytes, tuple[str, dict[str, Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def signing_keys(self) -> list[SigningKey]:
        """Return every key that is still believed or will be, the oldest first."""
        added = self._more()
        if added != self._known[0]:
            self._known = (added, self._line_up(added))
        moment = now()
        return [key for key in self._known[1] if key.ends_at is None or moment < key.ends_at]

    def _line_up(self, added: Sequence[SigningEntry]) -> list[SigningKey]:
        ordered = sorted(added, key=lambda entry: entry.active_from)
        begins = [_EPOCH, *(entry.active_from for entry in ordered)]
        ends = [*(begin + OVERLAP for begin in begins[1:]), None]
        privates = [self._first, *(_load(entry.pem) for entry in ordered)]
        return [
            SigningKey(_kid(private), private, begin, end)
            for private, begin, end in zip(privates, begins, ends, strict=True)
        ]

    def issue(
        self,
        *,
        subject: UUID | str,
        session_id: UUID,
        kind: str,
        assurance: str,
        lifetime: timedelta = LIFETIME,
        client_id: str = FIRST_PARTY,
        **more: object,
    ) -> str:
        """Return a signed access token; the assurance in it is only a hint.

        `more` are further claims: `scope`, `cnf`, `act`, `mandate`.
        """
        moment = int(now().timestamp())
        claims = {
            "iss": self.issuer,
            "sub": str(subject),
            "aud": AUDIENCE,
            "iat": moment,
            "nbf": moment,
            "exp": moment + int(lifetime.total_seconds()),
            "jti": str(new_id()),
            "sid": str(session_id),
            "client_id": client_id,
            "knd": kind,
            "acr": assurance,
            **more,
        }
        return self.sign(claims, typ="at+jwt")

    def sign(self, claims: Mapping[str, Any], *, typ: str) -> str:
        """Return a JWT of this installation; `typ` keeps one use of it from passing for another."""
        moment = now()
        key = [key for key in self.signing_keys() if key.active_from <= moment][-1]
        headers = {"typ": typ, "kid": key.kid}
        return jwt.encode(dict(claims), key.private, algorithm="ES256", headers=headers)

    def jwks(self) -> dict[str, Any]:
        """Return the public keys with which others check what `sign` made (RFC 7517)."""
        return {"keys": [key.jwk for key in self.signing_keys()]}

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a genuine, living token of ours, or raise `TokenInvalid`.

        The signature of a token is computed once; its lifetime is looked at on each call.
        """
        if not token.isascii() or len(token) > _LONGEST:
            raise TokenInvalid
        fingerprint = sha256(token.encode()).digest()
        with self._lock:
            found = self._cache.get(fingerprint)
        if found is None:
            found = self._decode(token)
            with self._lock:
                self._cache[fingerprint] = found
                if len(self._cache) > _CACHE_SIZE:
                    self._cache.popitem(last=False)
        kid, claims = found
        if all(key.kid != kid for key in self.signing_keys()):
            raise TokenInvalid("The key of the access token is over.")
        moment = now().timestamp()
        if not claims["nbf"] - _LEEWAY_SECONDS <= moment < claims["exp"]:
            raise TokenInvalid("The access token is over.")
        return claims

    def _decode(self, token: str) -> tuple[str, dict[str, Any]]:
        """Return the number of the key that signed a token, and its claims."""
        try:
            header = jwt.get_unverified_header(token)
            if set(header) != _HEADER or header["typ"] != "at+jwt":
                raise TokenInvalid
            signer = next((key for key in self.signing_keys() if key.kid == header["kid"]), None)
            if signer is None:
                raise TokenInvalid
            claims: dict[str, Any] = jwt.decode(
                token,
                signer.private.public_key(),
                algorithms=["ES256"],
                audience=AUDIENCE,
                issuer=self.issuer,
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
        return signer.kid, claims


def _load(pem: str) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise TypeError("a token-signing key must be a P-256 private key")
    return key


def _kid(key: EllipticCurvePrivateKey) -> str:
    numbers = key.public_key().public_numbers()
    return sha256(f"{numbers.x}|{numbers.y}".encode()).hexdigest()[:16]


def _is_well_formed(claims: dict[str, Any]) -> bool:
    """Say whether the claims that others read are of the kind that they expect."""
    if any(type(claims[name]) is not int for name in ("exp", "nbf", "iat")):
        return False
    if claims["knd"] not in KINDS or not all(_is_id(claims[name]) for name in ("sid", "jti")):
        return False
    if claims["knd"] == "grant":
        return isinstance(claims["sub"], str)
    if claims["knd"] == "delegate":
        act = claims.get("act")
        is_named = isinstance(act, dict) and _is_id(act.get("sub"))
        return is_named and _is_id(claims["sub"]) and _is_id(claims.get("mandate"))
    return _is_id(claims["sub"])


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32)).decode().rstrip("=")


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
