# ruff: noqa: ARG005 - a forger is given header, claims and key, and may ignore each
"""Access tokens: only ours, only living ones, and nothing that anybody can forge opens a door."""

import base64
import hmac
import json
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import new_id
from app.core.tokens import AUDIENCE, LIFETIME, Principal, TokenInvalid, Tokens
from app.factory import Rooms
from app.http.server import Server
from config.settings import Settings
from tests.conftest import World, secret_env
from tests.factories import Citizen, bearer, later, log_in

Json = dict[str, Any]


@pytest.fixture(scope="module")
def citizen(app: Server, world: World, rooms: Rooms) -> Citizen:
    return log_in(app.test_client(), world, rooms)


@pytest.fixture
def tokens(rooms: Rooms) -> Tokens:
    made: Tokens = rooms.deps[Tokens]
    return made


@pytest.fixture
def key(settings: Settings) -> ec.EllipticCurvePrivateKey:
    """Return the installation's own key: what a forger does not have."""
    loaded = load_pem_private_key(settings.keys.token_signing.encode(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return loaded


def parts(token: str) -> tuple[Json, Json]:
    """Return header and claims of a token."""
    header, claims, _ = token.split(".")
    return json.loads(unpadded(header)), json.loads(unpadded(claims))


def unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def pack(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign(header: Json, claims: Json, key: ec.EllipticCurvePrivateKey) -> str:
    """Sign whatever is wanted, the way ES256 does."""
    return str(jwt.encode(claims, key, algorithm="ES256", headers=header))


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def public_point(key: ec.EllipticCurvePrivateKey) -> Json:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": pack(numbers.x.to_bytes(32, "big")),
        "y": pack(numbers.y.to_bytes(32, "big")),
    }


def test_a_genuine_token_opens(app: Server, citizen: Citizen) -> None:
    """Without this the tests below would hold for a door that nobody can open."""
    assert app.test_client().get("/v1/me", headers=citizen.auth).status_code == 200


def test_a_token_says_what_rfc_9068_asks_for(citizen: Citizen, settings: Settings) -> None:
    header, claims = parts(citizen.token)
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "ES256"
    assert claims["iss"] == settings.web.public_url
    assert claims["aud"] == AUDIENCE
    assert claims["sub"] == citizen.id
    assert claims["sid"] == citizen.session_id
    assert claims["exp"] - claims["iat"] == LIFETIME.total_seconds() == 600
    assert uuid.UUID(claims["jti"])


Forger = Callable[[Json, Json, ec.EllipticCurvePrivateKey], str]


def unsigned(header: Json, claims: Json, alg: str, signature: str = "") -> str:
    return f"{pack({**header, 'alg': alg})}.{pack(claims)}.{signature}"


def with_mac(header: Json, claims: Json, secret: bytes, alg: str = "HS256") -> str:
    body = f"{pack({**header, 'alg': alg})}.{pack(claims)}"
    return f"{body}.{pack(hmac.digest(secret, body.encode(), 'sha256'))}"


def own_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def embedded(header: Json, claims: Json, member: str, value: object) -> str:
    """Bring the key along and hope that the verifier takes it."""
    return sign({**header, member: value}, claims, own_key())


def jwk(header: Json, claims: Json, _: object) -> str:
    mine = own_key()
    return sign({**header, "jwk": public_point(mine)}, claims, mine)


def with_rsa(header: Json, claims: Json, _: object) -> str:
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return str(jwt.encode(claims, mine, algorithm="RS256", headers={**header, "alg": "RS256"}))


def with_p384(header: Json, claims: Json, _: object) -> str:
    mine = ec.generate_private_key(ec.SECP384R1())
    return str(jwt.encode(claims, mine, algorithm="ES384", headers={**header, "alg": "ES384"}))


def zero_signature(header: Json, claims: Json, _: object) -> str:
    return f"{pack(header)}.{pack(claims)}.{pack(bytes(64))}"


# By people without the key.
FORGED: dict[str, Forger] = {
    "alg none": lambda h, c, k: unsigned(h, c, "none"),
    "alg None": lambda h, c, k: unsigned(h, c, "None"),
    "alg NONE with a signature": lambda h, c, k: unsigned(h, c, "NONE", pack(b"x" * 64)),
    "alg empty": lambda h, c, k: unsigned(h, c, ""),
    "alg null": lambda h, c, k: f"{pack({**h, 'alg': None})}.{pack(c)}.",
    "alg a list": lambda h, c, k: f"{pack({**h, 'alg': ['ES256']})}.{pack(c)}.",
    "no alg": lambda h, c, k: f"{pack({n: h[n] for n in h if n != 'alg'})}.{pack(c)}.",
    "HS256 with the public key": lambda h, c, k: with_mac(h, c, public_pem(k)),
    "HS256 with the stripped public key": lambda h, c, k: with_mac(h, c, public_pem(k).strip()),
    "HS256 with the kid": lambda h, c, k: with_mac(h, c, h["kid"].encode()),
    "HS256 with nothing": lambda h, c, k: with_mac(h, c, b""),
    "HS256 that says ES256": lambda h, c, k: with_mac(h, c, public_pem(k), "ES256"),
    "another key": lambda h, c, k: sign(h, c, own_key()),
    "another curve": with_p384,
    "RS256": with_rsa,
    "a zero signature": zero_signature,
    "no signature": lambda h, c, k: f"{pack(h)}.{pack(c)}.",
    "jwk": jwk,
    "jku": lambda h, c, k: embedded(h, c, "jku", "https://evil.example/keys"),
    "x5u": lambda h, c, k: embedded(h, c, "x5u", "https://evil.example/cert"),
    "x5c": lambda h, c, k: embedded(h, c, "x5c", ["MIIB"]),
    "kid of a file": lambda h, c, k: sign({**h, "kid": "../../dev/null"}, c, own_key()),
    "kid of a query": lambda h, c, k: sign({**h, "kid": "' or 1=1 --"}, c, own_key()),
}

# By the installation itself, so that nothing but the rule in question is broken.
BROKEN: dict[str, Forger] = {
    "wrong kid": lambda h, c, k: sign({**h, "kid": "0" * 16}, c, k),
    "kid a number": lambda h, c, k: raw_signed({**h, "kid": 1}, c, k),
    "no kid": lambda h, c, k: sign({n: h[n] for n in h if n != "kid"}, c, k),
    "typ JWT": lambda h, c, k: sign({**h, "typ": "JWT"}, c, k),
    "typ of a DPoP proof": lambda h, c, k: sign({**h, "typ": "dpop+jwt"}, c, k),
    "typ null": lambda h, c, k: raw_signed({**h, "typ": None}, c, k),
    "jku besides": lambda h, c, k: sign({**h, "jku": "https://evil.example"}, c, k),
    "crit": lambda h, c, k: raw_signed({**h, "crit": ["b64"], "b64": False}, c, k),
    "a header that is a list": lambda h, c, k: raw_signed([h], c, k),
    "another issuer": lambda h, c, k: sign(h, {**c, "iss": "https://evil.example"}, k),
    "issuer a list": lambda h, c, k: raw_signed(h, {**c, "iss": [c["iss"]]}, k),
    "another audience": lambda h, c, k: sign(h, {**c, "aud": "another-api"}, k),
    "audience a list": lambda h, c, k: sign(h, {**c, "aud": [c["aud"], "another-api"]}, k),
    "audience a list of one": lambda h, c, k: sign(h, {**c, "aud": [c["aud"]]}, k),
    **{
        f"no {name}": lambda h, c, k, name=name: sign(h, {n: c[n] for n in c if n != name}, k)
        for name in ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "knd")
    },
    "exp a string": lambda h, c, k: raw_signed(h, {**c, "exp": str(c["exp"])}, k),
    "exp a fraction": lambda h, c, k: raw_signed(h, {**c, "exp": c["exp"] + 0.5}, k),
    "exp true": lambda h, c, k: raw_signed(h, {**c, "exp": True}, k),
    "exp null": lambda h, c, k: raw_signed(h, {**c, "exp": None}, k),
    "exp a list": lambda h, c, k: raw_signed(h, {**c, "exp": [c["exp"]]}, k),
    "exp infinite": lambda h, c, k: raw_signed(h, {**c, "exp": float("inf")}, k),
    "nbf a string": lambda h, c, k: raw_signed(h, {**c, "nbf": "0"}, k),
    "over": lambda h, c, k: sign(h, {**c, "exp": int(time.time()) - 1}, k),
    "over for long": lambda h, c, k: sign(h, {**c, "exp": 0}, k),
    "over before all time": lambda h, c, k: sign(h, {**c, "exp": -(10**30)}, k),
    "not yet": lambda h, c, k: sign(h, {**c, "nbf": int(time.time()) + 60}, k),
    "subject a number": lambda h, c, k: raw_signed(h, {**c, "sub": 1}, k),
    "subject no id": lambda h, c, k: sign(h, {**c, "sub": "' or 1=1 --"}, k),
    "session no id": lambda h, c, k: sign(h, {**c, "sid": "\ud800"}, k),
    "session a list": lambda h, c, k: sign(h, {**c, "sid": [c["sid"]]}, k),
    "another's session": lambda h, c, k: sign(h, {**c, "sub": str(new_id())}, k),
    "an unknown session": lambda h, c, k: sign(h, {**c, "sid": str(new_id())}, k),
    "kind staff": lambda h, c, k: sign(h, {**c, "knd": "staff"}, k),
    "kind a list": lambda h, c, k: sign(h, {**c, "knd": ["citizen"]}, k),
    "kind unknown": lambda h, c, k: sign(h, {**c, "knd": "root"}, k),
    "claims that are a list": lambda h, c, k: raw_signed(h, [c], k),
    "claims that are no JSON": lambda h, c, k: raw_signed(h, b"{", k),
    "claims nested deeply": lambda h, c, k: raw_signed(h, b"[" * 1500, k),
}


def raw_signed(header: object, claims: object, key: ec.EllipticCurvePrivateKey) -> str:
    """Sign what a library refuses to sign."""
    body = f"{pack(header)}.{pack(claims)}"
    algorithm = jwt.get_algorithm_by_name("ES256")
    return f"{body}.{pack(algorithm.sign(body.encode(), key))}"


@pytest.mark.parametrize("case", [*FORGED, *BROKEN])
def test_a_forged_token_is_refused(
    client: FlaskClient, citizen: Citizen, key: ec.EllipticCurvePrivateKey, case: str
) -> None:
    header, claims = parts(citizen.token)
    token = {**FORGED, **BROKEN}[case](header, claims, key)
    assert token != citizen.token
    for method, path in (("GET", "/v1/me"), ("DELETE", "/v1/auth/sessions")):
        answer = client.open(path, method=method, headers=bearer(token))
        assert (answer.status_code, answer.json["code"]) == (401, "token-invalid")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="wudang", error="invalid_token"'


def test_the_cases_are_many() -> None:
    assert len(FORGED) + len(BROKEN) >= 60


@pytest.mark.parametrize(
    "token",
    [
        ".",
        "..",
        "...",
        "a.b.c.d.e",
        "e30.e30.e30",
        "=.=.=",
        "\xff\xfe",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "水费".encode().decode("latin-1"),
        "a" * 4097,
        "a." * 2000,
        "é.é.é",
    ],
)
def test_garbage_is_refused(client: FlaskClient, token: str) -> None:
    answer = client.get("/v1/me", headers=bearer(token))
    assert (answer.status_code, answer.json["code"]) == (401, "token-invalid")


def test_a_changed_token_is_refused_wherever_it_was_changed(
    tokens: Tokens, citizen: Citizen
) -> None:
    """Each character of the token, but for bits of base64 that mean nothing."""
    tokens.verify(citizen.token)
    for place, sign_ in enumerate(citizen.token):
        other = "B" if sign_ != "B" else "x"
        changed = citizen.token[:place] + other + citizen.token[place + 1 :]
        if place < len(citizen.token) - 1:
            with pytest.raises(TokenInvalid):
                tokens.verify(changed)


@given(st.text(max_size=300))
def test_no_text_is_a_token(text: str) -> None:
    with pytest.raises(TokenInvalid):
        SHARED.verify(text)


SHARED = Tokens(secret_env()["TOKEN_SIGNING_KEY"], "https://api.example.org")


def test_a_token_of_another_installation_is_refused(citizen: Citizen) -> None:
    with pytest.raises(TokenInvalid):
        SHARED.verify(citizen.token)


def issue(tokens: Tokens, lifetime: timedelta = LIFETIME) -> str:
    return tokens.issue(
        subject=new_id(),
        session_id=new_id(),
        kind="citizen",
        assurance="basic",
        lifetime=lifetime,
    )


def test_a_token_ends_by_business_time_also_when_it_was_seen_before() -> None:
    token = issue(SHARED)
    assert SHARED.verify(token)["knd"] == "citizen"
    with later(570):
        SHARED.verify(token)
    with later(601), pytest.raises(TokenInvalid):
        SHARED.verify(token)
    SHARED.verify(token)


def test_a_token_is_not_used_before_its_time() -> None:
    with later(60):
        token = issue(SHARED)
    with pytest.raises(TokenInvalid):
        SHARED.verify(token)


def test_a_clock_that_differs_a_little_is_forgiven() -> None:
    with later(5):
        token = issue(SHARED)
    SHARED.verify(token)


def test_remembering_tokens_does_not_fill_the_memory() -> None:
    tokens = Tokens(secret_env()["TOKEN_SIGNING_KEY"], "https://api.example.org")
    one = issue(tokens)
    for number in range(50):
        with pytest.raises(TokenInvalid):
            tokens.verify(f"{one}{number}")
    tokens.verify(one)
    assert len(tokens._cache) == 1  # noqa: SLF001 - refused ones are not kept


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["RSA", "P-384"],
)
def test_only_a_p256_key_signs(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(TypeError, match="P-256"):
        Tokens(pem.decode(), "https://api.example.org")


@pytest.mark.parametrize(
    ("has", "needs", "reaches"),
    [
        ("basic", "public", True),
        ("basic", "basic", True),
        ("basic", "verified", False),
        ("verified", "basic", True),
        ("verified", "strong", False),
        ("strong", "strong", True),
    ],
)
def test_assurance_is_an_order(has: str, needs: str, reaches: bool) -> None:  # noqa: FBT001
    who = Principal("citizen", new_id(), new_id(), assurance=has)
    assert who.reaches(needs) is reaches
