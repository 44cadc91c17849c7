# ruff: noqa: ARG005 - a bend is given header, claims and key, and may ignore each
"""DPoP proofs (RFC 9449), genuine ones, and bent in every way that anybody has thought of."""

import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.core.test_tokens import Json, own_key, pack, public_point, raw_signed, unsigned

Key = ec.EllipticCurvePrivateKey
Bend = Callable[[Json, Json, Key], str | list[str] | None]


def prove(key: Key, method: str, url: str, token: str | None = None) -> str:
    """Return a genuine proof for one request."""
    header, claims = parts_of_proof(key, method, url, token)
    return raw_signed(header, claims, key)


def parts_of_proof(key: Key, method: str, url: str, token: str | None) -> tuple[Json, Json]:
    """Return header and claims of a genuine proof."""
    header: Json = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public_point(key)}
    claims: Json = {"jti": str(uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
    if token is not None:
        claims["ath"] = pack(sha256(token.encode()).digest())
    return header, claims


def _without(value: Json, name: str) -> Json:
    return {n: v for n, v in value.items() if n != name}


def _private(key: Key) -> Json:
    number = key.private_numbers().private_value.to_bytes(32, "big")
    return {**public_point(key), "d": pack(number)}


def _with_mac(header: Json, claims: Json, key: Key) -> str:
    """Take the public key for a shared secret."""
    body = f"{pack({**header, 'alg': 'HS256'})}.{pack(claims)}"
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{body}.{pack(hmac.digest(secret, body.encode(), 'sha256'))}"


def _rsa(header: Json, claims: Json, _: Key) -> str:
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = mine.public_key().public_numbers()
    shown = {"kty": "RSA", "n": pack(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    return str(jwt.encode(claims, mine, "RS256", {**header, "alg": "RS256", "jwk": shown}))


def _other_key(header: Json, claims: Json, _: Key) -> str:
    mine = own_key()
    return raw_signed({**header, "jwk": public_point(mine)}, claims, mine)


def _other_request(**changes: object) -> Bend:
    return lambda h, c, k: raw_signed(h, {**c, **changes}, k)


def _later(seconds: float) -> Bend:
    return lambda h, c, k: raw_signed(h, {**c, "iat": int(time.time() + seconds)}, k)


def _moved(**changes: tuple[str, str]) -> Bend:
    """Bend the address by replacing a part of it."""
    ((old, new),) = changes.values()
    return lambda h, c, k: raw_signed(h, {**c, "htu": c["htu"].replace(old, new, 1)}, k)


BENT_PROOFS: dict[str, Bend] = {
    "none at all": lambda h, c, k: None,
    "an empty one": lambda h, c, k: "",
    "no token": lambda h, c, k: "not-a-proof",
    "two of them": lambda h, c, k: [
        raw_signed(h, c, k),
        raw_signed(h, {**c, "jti": str(uuid4())}, k),
    ],
    "two in one header": lambda h, c, k: f"{raw_signed(h, c, k)}, {raw_signed(h, c, k)}",
    "no typ": lambda h, c, k: raw_signed(_without(h, "typ"), c, k),
    "typ JWT": lambda h, c, k: raw_signed({**h, "typ": "JWT"}, c, k),
    "typ of an access token": lambda h, c, k: raw_signed({**h, "typ": "at+jwt"}, c, k),
    "no alg": lambda h, c, k: raw_signed(_without(h, "alg"), c, k),
    "alg none": lambda h, c, k: unsigned(h, c, "none"),
    "alg NONE": lambda h, c, k: unsigned(h, c, "NONE"),
    "alg ES384": lambda h, c, k: raw_signed({**h, "alg": "ES384"}, c, k),
    "alg HS256": _with_mac,
    "alg RS256": _rsa,
    "no jwk": lambda h, c, k: raw_signed(_without(h, "jwk"), c, k),
    "jwk null": lambda h, c, k: raw_signed({**h, "jwk": None}, c, k),
    "jwk a text": lambda h, c, k: raw_signed({**h, "jwk": "key"}, c, k),
    "jwk with its private part": lambda h, c, k: raw_signed({**h, "jwk": _private(k)}, c, k),
    "jwk of a secret": lambda h, c, k: raw_signed({**h, "jwk": {"kty": "oct", "k": "AA"}}, c, k),
    "jwk off the curve": lambda h, c, k: raw_signed(
        {**h, "jwk": {**public_point(k), "y": pack(bytes(32))}}, c, k
    ),
    "the right jwk, another's signature": lambda h, c, k: raw_signed(h, c, own_key()),
    "another key": _other_key,
    "jku": lambda h, c, k: raw_signed({**h, "jku": "https://evil.example/jwks"}, c, k),
    "x5u": lambda h, c, k: raw_signed({**h, "x5u": "https://evil.example/x5u"}, c, k),
    "crit": lambda h, c, k: raw_signed({**h, "crit": ["b64"], "b64": False}, c, k),
    "no signature": lambda h, c, k: f"{pack(h)}.{pack(c)}.",
    "a zero signature": lambda h, c, k: f"{pack(h)}.{pack(c)}.{pack(bytes(64))}",
    "no jti": lambda h, c, k: raw_signed(h, _without(c, "jti"), k),
    "jti empty": _other_request(jti=""),
    "jti a number": _other_request(jti=7),
    "jti endless": _other_request(jti="j" * 2_000),
    "no htm": lambda h, c, k: raw_signed(h, _without(c, "htm"), k),
    "another method": _other_request(htm="POST"),
    "method in small letters": _other_request(htm="get"),
    "method a list": _other_request(htm=["GET"]),
    "no htu": lambda h, c, k: raw_signed(h, _without(c, "htu"), k),
    "another path": lambda h, c, k: raw_signed(h, {**c, "htu": c["htu"] + "2"}, k),
    "a path below": lambda h, c, k: raw_signed(h, {**c, "htu": c["htu"] + "/"}, k),
    "another host": _moved(host=("127.0.0.1", "evil.example")),
    "another scheme": _moved(scheme=("http://", "https://")),
    "another port": _moved(port=("8000", "8001")),
    "a name before the host": _moved(host=("http://", "http://wudang@")),
    "htu a list": lambda h, c, k: raw_signed(h, {**c, "htu": [c["htu"]]}, k),
    "htu no address": _other_request(htu="http://["),
    "no iat": lambda h, c, k: raw_signed(h, _without(c, "iat"), k),
    "iat a text": lambda h, c, k: raw_signed(h, {**c, "iat": str(c["iat"])}, k),
    "iat true": _other_request(iat=True),
    "iat endless": _other_request(iat=10**400),
    "made an hour ago": _later(-3_600),
    "made two minutes ago": _later(-120),
    "made in a minute": _later(61),
    "made in an hour": _later(3_600),
    "no ath": lambda h, c, k: raw_signed(h, _without(c, "ath"), k),
    "ath of another token": _other_request(ath=pack(sha256(b"another").digest())),
    "ath a list": lambda h, c, k: raw_signed(h, {**c, "ath": [c["ath"]]}, k),
    "ath empty": _other_request(ath=""),
    "a nonce that is not ours": _other_request(nonce="bm90LW91cnM"),
    "claims a list": lambda h, c, k: raw_signed(h, [c], k),
    "claims nested deeply": lambda h, c, k: raw_signed(h, b"[" * 3_000, k),
    "claims no JSON": lambda h, c, k: raw_signed(h, b"\xff{", k),
    "header a list": lambda h, c, k: raw_signed([h], c, k),
    "longer than anything": lambda h, c, k: "a" * 20_000,
}
