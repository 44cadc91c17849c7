"""JSON Web Signatures that others made, and their public keys: the only joserfc.

Our own access tokens are read by `app.core.tokens`. Everything here was written by somebody else
(client assertions, DPoP proofs, key sets), so it is read strictly: three algorithms, a list of
header members, no second meaning of any member, no key that the token itself brings along unless
the caller asked for exactly that.
"""

import binascii
import json
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwk, jws
from joserfc.errors import JoseError

from app.core.ids import new_id

ALGORITHMS = ("ES256", "PS256", "EdDSA")
"""What FAPI 2.0 permits; no RS256, no HMAC, no `none`."""

_KEY_OF = {"ES256": ("EC", "P-256"), "PS256": ("RSA", None), "EdDSA": ("OKP", "Ed25519")}
_REQUIRED = {"EC": ("x", "y"), "RSA": ("n", "e"), "OKP": ("x",)}
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_RSA_BITS = (2048, 8192)
_LONGEST = 8_192
_MOST_KEYS = 10
_DEEPEST = 12


class _Registry(jws.JWSRegistry):
    """The three algorithms, and headers as long as an RSA key of 8192 bits makes them."""

    max_header_length = 4_096
    max_signature_length = 2_048

    def get_alg(self, name: str) -> Any:  # noqa: ANN401 - the library's model of an algorithm
        """Return an algorithm that is allowed; `EdDSA` is a name that FAPI 2.0 still asks for."""
        if name not in ALGORITHMS:
            raise JoseInvalid("an algorithm that is not allowed")
        return self.algorithms[name]


_REGISTRY = _Registry()


class JoseInvalid(ValueError):
    """The token or the key set is not one that we accept; the message says why, without content."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A signed token: its protected header and its claims."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def read_unverified(token: str) -> Jwt:
    """Return what a compact token says of itself; raise `JoseInvalid` unless it can be read.

    Nothing in it may be believed: it only says whose key has to be looked for.
    """
    if not token.isascii() or len(token) > _LONGEST:
        raise JoseInvalid("not a compact token")
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - header, payload, signature
        raise JoseInvalid("not three parts")
    return Jwt(_json(parts[0]), _json(parts[1]))


def verify(
    token: str,
    keys: Sequence[Mapping[str, Any]],
    *,
    types: Collection[str | None],
    members: Collection[str],
) -> Jwt:
    """Return a token that one of these public keys has signed, or raise `JoseInvalid`.

    `types` are the values that `typ` may have (None: absent); `members` are all that the header
    may hold, so that `jku`, `x5u`, `crit` and their like are refused unread.
    """
    unverified = read_unverified(token)
    header = unverified.header
    if not set(header) <= set(members):
        raise JoseInvalid("a header member that is not allowed")
    if header.get("typ") not in types:
        raise JoseInvalid("another type of token")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise JoseInvalid("an algorithm that is not allowed")
    key = _choose(keys, header.get("kid"), algorithm)
    try:
        jws.deserialize_compact(token, _import(key), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError) as error:
        raise JoseInvalid("the signature does not hold") from error
    return unverified


def sign(claims: Mapping[str, Any], header: Mapping[str, Any], key: Mapping[str, Any]) -> str:
    """Return a compact token signed with a private JWK."""
    payload = json.dumps(claims, separators=(",", ":"))
    made = jwk.import_key(dict(key))
    return jws.serialize_compact(dict(header), payload, made, registry=_REGISTRY)


def new_key() -> dict[str, Any]:
    """Return a fresh private JWK for ES256, with a name of its own."""
    made = jwk.ECKey.generate_key("P-256").as_dict(private=True)
    return {**made, "kid": str(new_id()), "alg": "ES256", "use": "sig"}


def public_half(key: Mapping[str, Any]) -> dict[str, Any]:
    """Return what others may see of a private JWK."""
    return {name: value for name, value in key.items() if name not in _PRIVATE}


def as_jwk(pem: bytes, algorithm: str) -> dict[str, Any]:
    """Return a key (PEM, private or public) for one of the algorithms as a JWK."""
    made: jwk.ECKey | jwk.RSAKey | jwk.OKPKey
    if algorithm == "ES256":
        made = jwk.import_key(pem, "EC")
    elif algorithm == "EdDSA":
        made = jwk.import_key(pem, "OKP")
    else:
        made = jwk.import_key(pem, "RSA")
    return dict(made.as_dict(private=made.is_private))


def thumbprint(key: Mapping[str, Any]) -> str:
    """Return the RFC 7638 SHA-256 thumbprint of a public key."""
    check_public_key(key)
    try:
        return str(_import(key).thumbprint())
    except (JoseError, ValueError, TypeError) as error:
        raise JoseInvalid("not a usable key") from error


def check_public_keys(value: object) -> list[dict[str, Any]]:
    """Return the usable signature keys of a JWK set (RFC 7517), or raise `JoseInvalid`.

    Keys for other uses or of other kinds are left out, as RFC 7517 asks; a set with a private or
    symmetric key is refused, because its owner has published a secret.
    """
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
        raise JoseInvalid("not a key set of at most ten keys")
    usable = []
    for key in keys:
        if not isinstance(key, dict):
            raise JoseInvalid("a key that is no object")
        if _PRIVATE & set(key):
            raise JoseInvalid("a key with private members")
        if key.get("use", "sig") == "sig" and (key.get("kty"), key.get("crv")) in _KEY_OF.values():
            check_public_key(key)
            usable.append(key)
    if not usable:
        raise JoseInvalid("no usable key")
    names = [key.get("kid") for key in usable]
    if len(usable) > 1 and (len(set(names)) != len(names) or not all(names)):
        raise JoseInvalid("several keys need a kid each")
    return usable


def check_public_key(key: Mapping[str, Any]) -> None:
    """Raise `JoseInvalid` unless a JWK is a public key of a kind and size that we accept."""
    if _PRIVATE & set(key):
        raise JoseInvalid("a key with private members")
    kind = (key.get("kty"), key.get("crv"))
    if kind not in _KEY_OF.values():
        raise JoseInvalid("a kind of key that is not allowed")
    if not all(isinstance(key.get(name), str) for name in _REQUIRED[str(kind[0])]):
        raise JoseInvalid("a key that is not complete")
    for name in ("kid", "alg", "use"):
        if not isinstance(key.get(name, ""), str):
            raise JoseInvalid(f"a {name} that is no string")
    if kind[0] == "RSA" and not _RSA_BITS[0] <= _bits(key["n"]) <= _RSA_BITS[1]:
        raise JoseInvalid("an RSA key that is too short or too long")
    try:
        _import(key)
    except (JoseError, ValueError, TypeError) as error:
        raise JoseInvalid("not a usable key") from error


def _choose(keys: Sequence[Mapping[str, Any]], kid: object, algorithm: str) -> Mapping[str, Any]:
    fitting = [
        key
        for key in keys
        if (key.get("kty"), key.get("crv")) == _KEY_OF[algorithm]
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    if len(fitting) != 1:
        raise JoseInvalid("no key, or more than one, that this token may be signed with")
    return fitting[0]


def _import(key: Mapping[str, Any]) -> jwk.Key:
    kind = str(key["kty"])
    members = {name: key[name] for name in ("crv", *_REQUIRED[kind]) if name in key}
    return jwk.import_key({"kty": kind, **members})


def _bits(number: str) -> int:
    return int.from_bytes(_base64(number), "big").bit_length()


def _base64(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise JoseInvalid("not base64url") from error


def _json(part: str) -> dict[str, Any]:
    """Return the object that a part holds; a member that stands twice is refused."""
    if "=" in part or "+" in part or "/" in part:
        raise JoseInvalid("not base64url")
    try:
        value = json.loads(_base64(part), object_pairs_hook=_object, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()  # no half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise JoseInvalid("not a JSON object") from error
    if not isinstance(value, dict) or _depth(value) > _DEEPEST:
        raise JoseInvalid("not a JSON object")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise JoseInvalid("a member stands twice")
    return value


def _refuse(name: str) -> None:
    raise JoseInvalid(f"{name} is not JSON")


def _depth(value: object) -> int:
    inner: Collection[object] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    return 1 + max((_depth(one) for one in inner), default=0)
