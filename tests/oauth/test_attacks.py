"""P40: forged and bent requests, each refused with its exact error; none accepted, none a 5xx."""

import base64
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import jwt
import pytest
from flask.testing import FlaskClient
from joserfc import jwk
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core import jose
from app.core.clock import now
from app.factory import Rooms
from app.http.server import Server
from app.oauth.values import ClientStatus, GrantType
from tests.factories import Citizen, later
from tests.oauth.support import (
    ASSERTION_TYPE,
    CALLBACK,
    GONE,
    RelyingParty,
    b64,
    make_client,
    make_key,
    native,
    open_browser,
    plain,
    public,
)

Shows = Callable[[str], None]
Attempt = tuple[str, Callable[[], TestResponse]]
BAD_REQUEST = (400, "invalid_request")
TWICE, NAN = b'{"sub": "a", "sub": "b"}', b'{"exp": NaN}'
pytestmark = pytest.mark.promise("P40")


def refused(attempts: Iterable[Attempt], status: int, error: str) -> int:
    """Make each attempt, and return how many were refused in exactly this way: all of them."""
    wrong, count = [], 0
    for name, attempt in attempts:
        answer = attempt()
        count += 1
        said = answer.json.get("error") if answer.is_json else answer.text[:80]
        if (answer.status_code, said) != (status, error):
            wrong.append((name, answer.status_code, answer.get_data(as_text=True)[:200]))
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Location" not in answer.headers
    assert wrong == []
    return count


def raw_jwt(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"x") -> str:
    """Return a compact token with whatever parts one likes."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(b64(part) for part in parts)


def good_claims(rp: RelyingParty) -> dict[str, Any]:
    moment = int(now().timestamp())
    return {
        "iss": rp.client_id,
        "sub": rp.client_id,
        "aud": rp.issuer,
        "jti": str(uuid4()),
        "iat": moment,
        "exp": moment + 50,
    }


def with_rs256(rp: RelyingParty, rsa_key: Mapping[str, Any]) -> str:
    pem = jwk.RSAKey.import_key(dict(rsa_key)).as_pem(private=True)
    return jwt.encode(good_claims(rp), pem, algorithm="RS256", headers={"kid": rsa_key["kid"]})


def with_hmac(rp: RelyingParty) -> str:
    """Return the classic confusion: the public key taken for a shared secret."""
    assert rp.key is not None
    secret = json.dumps(public(rp.key)).encode()
    head = {"alg": "HS256", "kid": rp.key["kid"], "typ": "JWT"}
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(good_claims(rp)).encode())}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), 'sha256'))}"


def bent_assertions(rp: RelyingParty, other: RelyingParty) -> dict[str, str]:
    """Return every client assertion that proves nothing."""
    moment = int(now().timestamp())
    stranger = make_key()
    assert rp.key is not None
    head = {"alg": "ES256", "kid": rp.key["kid"], "typ": "JWT"}
    good = rp.assertion()
    first, second, third = good.split(".")
    return {
        "another issuer": rp.assertion(iss=other.client_id),
        "another subject": rp.assertion(sub=other.client_id),
        "no issuer": rp.assertion(iss=GONE),
        "no audience": rp.assertion(aud=GONE),
        "the token endpoint as audience": rp.assertion(aud=f"{rp.issuer}/oauth/token"),
        "the PAR endpoint as audience": rp.assertion(aud=f"{rp.issuer}/oauth/par"),
        "a list as audience": rp.assertion(aud=[rp.issuer]),
        "two audiences": rp.assertion(aud=[rp.issuer, "https://evil.example"]),
        "a slash too many": rp.assertion(aud=f"{rp.issuer}/"),
        "no jti": rp.assertion(jti=GONE),
        "an empty jti": rp.assertion(jti=""),
        "a number as jti": rp.assertion(jti=7),
        "an endless jti": rp.assertion(jti="x" * 300),
        "half a character as jti": rp.assertion(jti="\ud800"),
        "no end": rp.assertion(exp=GONE),
        "over": rp.assertion(exp=moment - 1),
        "a text as end": rp.assertion(exp=str(moment + 30)),
        "a fraction as end": rp.assertion(exp=moment + 30.5),
        "a truth as end": rp.assertion(exp=True),
        "an end too far": rp.assertion(exp=moment + 90),
        "an end next year": rp.assertion(exp=moment + 10**7),
        "an end beyond the calendar": rp.assertion(exp=10**18),
        "61 seconds long": rp.assertion(iat=moment - 5, exp=moment + 57),
        # Far enough ahead to be so still when the last of these is sent, on a slow machine too.
        "no iat, three minutes ahead": rp.assertion(iat=GONE, exp=moment + 180),
        "issued in two minutes": rp.assertion(iat=moment + 120, exp=moment + 170),
        "not before two minutes": rp.assertion(nbf=moment + 120),
        "a text as iat": rp.assertion(iat="now"),
        "a stranger's key": rp.assertion(key=stranger, header={"kid": rp.key["kid"]}),
        "an unknown kid": rp.assertion(header={"kid": "nobody"}),
        "another type": rp.assertion(header={"typ": "at+jwt"}),
        "a proof's type": rp.assertion(header={"typ": "dpop+jwt"}),
        "its own key along": rp.assertion(
            header={"jwk": public(stranger)}, key={**stranger, "kid": rp.key["kid"]}
        ),
        "a place to fetch keys": rp.assertion(header={"jku": "https://evil.example/jwks"}),
        "a certificate": rp.assertion(header={"x5c": ["MIIB"]}),
        "a certificate's place": rp.assertion(header={"x5u": "https://evil.example/x5u"}),
        "critical": raw_jwt({**head, "crit": ["b64"], "b64": False}, good_claims(rp)),
        "none": raw_jwt({**head, "alg": "none"}, good_claims(rp)),
        "None": raw_jwt({**head, "alg": "None"}, good_claims(rp)),
        "no algorithm": raw_jwt({"kid": rp.key["kid"]}, good_claims(rp)),
        "a list of algorithms": raw_jwt({**head, "alg": ["ES256"]}, good_claims(rp)),
        "RS256": with_rs256(rp, make_key("PS256")),
        "HS256 with the public key": with_hmac(rp),
        "ES384": raw_jwt({**head, "alg": "ES384"}, good_claims(rp), b"x" * 96),
        "a signature of zeros": f"{first}.{second}.{b64(bytes(64))}",
        "no signature": f"{first}.{second}.",
        "half a signature": f"{first}.{second}.{third[:40]}",
        "other claims under it": f"{first}.{b64(json.dumps(good_claims(rp)).encode())}.{third}",
        "two parts": f"{first}.{second}",
        "four parts": f"{good}.{third}",
        "five parts, encrypted": f"{first}.{second}.{third}.{third}.{third}",
        "no JSON": f"{first}.{b64(b'nothing')}.{third}",
        "a list": f"{first}.{b64(b'[]')}.{third}",
        "a member twice": f"{first}.{b64(TWICE)}.{third}",
        "NaN": f"{first}.{b64(NAN)}.{third}",
        "nested too deeply": f"{first}.{b64(b'[' * 5000)}.{third}",
        "not ASCII": f"{first}.é.{third}",
        "padding": f"{first}=.{second}.{third}",
        "too long": f"{first}.{'A' * 9000}.{third}",
        "nothing": "x",
        "another client's": other.assertion(),
    }


def test_bent_assertions(app: Server, rooms: Rooms, shows: Shows) -> None:
    rp, other = make_client(app, rooms), make_client(app, rooms)

    def send(path: str, assertion: str) -> Callable[[], TestResponse]:
        fields = {
            "client_id": rp.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
            "grant_type": "client_credentials",
        }
        return lambda: rp.http.post(path, data=fields, headers={"DPoP": rp.proof(path)})

    made = bent_assertions(rp, other)
    count = 0
    for path in ("/oauth/par", "/oauth/token"):
        attempts = [(name, send(path, assertion)) for name, assertion in made.items()]
        count += refused(attempts, 401, "invalid_client")
    used = rp.assertion()
    assert send("/oauth/token", used)().status_code == 200
    count += refused([("twice", send("/oauth/token", used))], 401, "invalid_client")
    count += refused([("elsewhere", send("/oauth/par", used))], 401, "invalid_client")
    shows(f"{count} bent client assertions: 0 accepted, 0 x 5xx")


def test_clocks_that_are_a_little_ahead(app: Server, rooms: Rooms) -> None:
    """F06: 10 seconds are forgiven, 60 are not."""
    rp = make_client(app, rooms)
    for ahead, is_good in ((0, True), (9, True), (60, False), (3600, False)):
        moment = int(now().timestamp())
        claims = {"iat": moment + ahead, "nbf": moment + ahead, "exp": moment + ahead + 55}
        fields = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": rp.assertion(**claims),
            "grant_type": "client_credentials",
        }
        proof = rp.proof("/oauth/token")
        answer = rp.http.post("/oauth/token", data=fields, headers={"DPoP": proof})
        assert (answer.status_code == 200) is is_good, (ahead, answer.text)
        proof = rp.proof("/oauth/token", iat=moment + ahead)
        answer = rp.post("/oauth/token", {"grant_type": "client_credentials"}, proof)
        assert (answer.status_code == 200) is is_good, (ahead, answer.text)


def bent_proofs(rp: RelyingParty) -> dict[str, str]:
    """Return every proof of possession that proves nothing at the token endpoint."""
    path, moment = "/oauth/token", int(now().timestamp())
    assert rp.dpop_key is not None
    shown = {k: v for k, v in public(rp.dpop_key).items() if k not in {"kid", "alg"}}
    good = rp.proof(path)
    first, second, third = good.split(".")
    weak, other_curve = make_key("RSA1024"), make_key("P-384")
    secret = {"kty": "oct", "k": b64(b"0" * 32)}
    return {
        "another method": rp.proof(path, method="GET"),
        "a small method": rp.proof(path, htm="post"),
        "no method": rp.proof(path, htm=GONE),
        "another path": rp.proof("/oauth/par"),
        "another host": rp.proof(path, htu="https://evil.example/oauth/token"),
        "another scheme": rp.proof(path, htu=f"{rp.issuer}{path}".replace("http:", "https:")),
        "another port": rp.proof(path, htu="http://127.0.0.1:1/oauth/token"),
        "a user before the host": rp.proof(path, htu="http://a@127.0.0.1:8000/oauth/token"),
        "no address": rp.proof(path, htu=GONE),
        "a number as address": rp.proof(path, htu=8000),
        "a broken address": rp.proof(path, htu="http://[::1/oauth/token"),
        "no jti": rp.proof(path, jti=GONE),
        "an empty jti": rp.proof(path, jti=""),
        "a number as jti": rp.proof(path, jti=1),
        "an endless jti": rp.proof(path, jti="x" * 257),
        "half a character as jti": rp.proof(path, jti="\udc00"),
        "no time": rp.proof(path, iat=GONE),
        "a text as time": rp.proof(path, iat=str(moment)),
        "a fraction as time": rp.proof(path, iat=moment + 0.5),
        "made a minute ago": rp.proof(path, iat=moment - 62),
        "made in two minutes": rp.proof(path, iat=moment + 120),
        "a type too plain": rp.proof(path, header={"typ": "JWT"}),
        "no type": rp.proof(path, header={"typ": GONE}),
        "no key": rp.proof(path, header={"jwk": GONE}),
        "a text as key": raw_jwt({"typ": "dpop+jwt", "alg": "ES256", "jwk": "x"}, {}),
        "a private key": rp.proof(path, header={"jwk": {**shown, "d": rp.dpop_key["d"]}}),
        "somebody else's key": rp.proof(path, header={"jwk": jwk_of(make_key())}),
        "a shared secret": raw_jwt({"typ": "dpop+jwt", "alg": "HS256", "jwk": secret}, {}),
        "a weak key": raw_jwt({"typ": "dpop+jwt", "alg": "PS256", "jwk": jwk_of(weak)}, {}),
        "another curve": raw_jwt(
            {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk_of(other_curve)}, {}
        ),
        "half a key": rp.proof(path, header={"jwk": {k: v for k, v in shown.items() if k != "y"}}),
        "a point off the curve": rp.proof(path, header={"jwk": {**shown, "y": shown["x"]}}),
        "no algorithm": raw_jwt({"typ": "dpop+jwt", "jwk": shown}, {}),
        "none": raw_jwt({"typ": "dpop+jwt", "alg": "none", "jwk": shown}, {}),
        "another algorithm": raw_jwt({"typ": "dpop+jwt", "alg": "RS256", "jwk": shown}, {}),
        "a key's name": rp.proof(path, header={"kid": "1"}),
        "a place to fetch keys": rp.proof(path, header={"jku": "https://evil.example"}),
        "critical": raw_jwt({"typ": "dpop+jwt", "alg": "ES256", "jwk": shown, "crit": ["x"]}, {}),
        "a signature of zeros": f"{first}.{second}.{b64(bytes(64))}",
        "no signature": f"{first}.{second}.",
        "claims of another": f"{first}.{rp.proof('/oauth/par').split('.')[1]}.{third}",
        "two proofs": f"{good},{rp.proof(path)}",
        "nothing": "x",
    }


def jwk_of(key: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in public(key).items() if k not in {"kid", "alg"}}


def test_bent_proofs_of_possession(app: Server, rooms: Rooms, shows: Shows) -> None:
    rp = make_client(app, rooms)
    form = {"grant_type": "client_credentials"}

    def send(proof: str) -> Callable[[], TestResponse]:
        return lambda: rp.post("/oauth/token", form, proof)

    made = bent_proofs(rp)
    count = refused([(n, send(p)) for n, p in made.items()], 400, "invalid_dpop_proof")
    with_nonce = rp.proof("/oauth/token", nonce="made up")  # good but for that, and so fresh
    count += refused([("a made-up nonce", send(with_nonce))], 400, "use_dpop_nonce")
    used = rp.proof("/oauth/token")
    assert send(used)().status_code == 200
    count += refused([("twice", send(used)), ("none", send(GONE))], 400, "invalid_dpop_proof")
    shows(f"{count} bent proofs of possession: 0 accepted, 0 x 5xx")


def test_a_client_that_needs_nonces_is_given_one(app: Server, rooms: Rooms) -> None:
    rp = make_client(app, rooms, needs_nonce=True)
    form = {"grant_type": "client_credentials"}
    first = rp.post("/oauth/token", form)
    assert (first.status_code, first.json["error"]) == (400, "use_dpop_nonce")
    nonce = first.headers["DPoP-Nonce"]
    assert rp.post("/oauth/token", form, rp.proof("/oauth/token", nonce=nonce)).status_code == 200
    with later(301):
        over = rp.post("/oauth/token", form, rp.proof("/oauth/token", nonce=nonce))
        assert (over.status_code, over.json["error"]) == (400, "use_dpop_nonce")


BENT_REQUESTS: dict[str, tuple[dict[str, Any], str]] = {
    "no response_type": ({"response_type": GONE}, "invalid_request"),
    "implicit": ({"response_type": "token"}, "unsupported_response_type"),
    "id_token": ({"response_type": "id_token"}, "unsupported_response_type"),
    "hybrid": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "none": ({"response_type": "none"}, "unsupported_response_type"),
    "a fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "a form": ({"response_mode": "form_post"}, "invalid_request"),
    "jarm": ({"response_mode": "jwt"}, "invalid_request"),
    "no challenge": ({"code_challenge": GONE}, "invalid_request"),
    "a short challenge": ({"code_challenge": "abc"}, "invalid_request"),
    "a long challenge": ({"code_challenge": "a" * 44}, "invalid_request"),
    "a challenge with padding": ({"code_challenge": "a" * 42 + "="}, "invalid_request"),
    "no method": ({"code_challenge_method": GONE}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "s256 in small": ({"code_challenge_method": "s256"}, "invalid_request"),
    "no scope": ({"scope": GONE}, "invalid_scope"),
    "an unknown scope": ({"scope": "openid everything"}, "invalid_scope"),
    "a scope not granted": ({"scope": "openid bills.read"}, "invalid_scope"),
    "a system's scope": ({"scope": "openid staff.manage"}, "invalid_scope"),
    "prompt none and login": ({"prompt": "none login"}, "invalid_request"),
    "an unknown prompt": ({"prompt": "shout"}, "invalid_request"),
    "a negative age": ({"max_age": "-1"}, "invalid_request"),
    "a word as age": ({"max_age": "soon"}, "invalid_request"),
    "an endless age": ({"max_age": "9" * 30}, "invalid_request"),
    "a signed request": ({"request": "a.b.c"}, "request_not_supported"),
    "a registration": ({"registration": "{}"}, "registration_not_supported"),
    "an endless state": ({"state": "x" * 1001}, "invalid_request"),
    "a state over lines": ({"state": "a\r\nSet-Cookie: x=1"}, "invalid_request"),
    "an endless nonce": ({"nonce": "x" * 256}, "invalid_request"),
    "claims that are no JSON": ({"claims": "{"}, "invalid_request"),
    "claims that are a list": ({"claims": "[]"}, "invalid_request"),
    "claims of another form": ({"claims": '{"id_token": 7}'}, "invalid_request"),
    "claims twice": ({"claims": '{"id_token": {}, "id_token": {}}'}, "invalid_request"),
    "an unknown level": (
        {"claims": '{"id_token": {"acr": {"essential": true, "value": "divine"}}}'},
        "invalid_request",
    ),
    "a level of another kind": (
        {"claims": '{"id_token": {"acr": {"essential": true, "values": [1]}}}'},
        "invalid_request",
    ),
    "nested too deeply": ({"claims": "[" * 3000}, "invalid_request"),
    "a hint that is no token": ({"id_token_hint": "x"}, "invalid_request"),
    "a thumbprint that is none": ({"dpop_jkt": "x"}, "invalid_request"),
    "details that are no JSON": ({"authorization_details": "{"}, "invalid_request"),
    "details that are no list": ({"authorization_details": "{}"}, "invalid_authorization_details"),
    "no details": ({"authorization_details": "[]"}, "invalid_authorization_details"),
    "details of no type": ({"authorization_details": "[{}]"}, "invalid_authorization_details"),
    "details of another type": (
        {"authorization_details": '[{"type": "root"}]'},
        "invalid_authorization_details",
    ),
    "a payment without an amount": (
        {"authorization_details": '[{"type": "payment", "payee": "water"}]'},
        "invalid_authorization_details",
    ),
    "a payment of nothing": (
        {"authorization_details": '[{"type": "payment", "payee": "water", "amount": 0}]'},
        "invalid_authorization_details",
    ),
    "endless details": (
        {
            "authorization_details": json.dumps(
                [{"type": "payment", "payee": "水" * 100, "amount": 1}] * 5
            )
        },
        "invalid_authorization_details",
    ),
    "a payment with more": (
        {"authorization_details": '[{"type": "payment", "payee": "w", "amount": 1, "to": "me"}]'},
        "invalid_authorization_details",
    ),
}


def test_bent_requests_are_refused_when_pushed_and_sent_back_when_not(
    app: Server, rooms: Rooms, citizen: Citizen, shows: Shows
) -> None:
    rp, simple = make_client(app, rooms), plain(app, rooms)
    browser = open_browser(app, rooms, citizen)
    by_error: dict[str, list[Attempt]] = {}
    for name, (changes, error) in BENT_REQUESTS.items():
        by_error.setdefault(error, []).append((name, lambda c=changes: rp.push(**c)))
    count = sum(refused(attempts, 400, error) for error, attempts in by_error.items())
    for name, (changes, error) in BENT_REQUESTS.items():
        answer = browser.go(f"/oauth/authorize?{urlencode(simple.parameters(**changes))}")
        location = answer.headers["Location"]
        assert location.startswith(f"{CALLBACK}?error={error}&"), (name, location)
        assert f"iss={quote(simple.issuer, safe='')}" in location
        assert "code=" not in location
        assert "\n" not in location
        count += 1
    with rooms.units.open(actor="test", read_only=True) as uow:
        made = text("select count(*) from pushed_requests where client_id = :id")
        assert uow.scalar(made, {"id": rp.client_id}) == 0
    shows(f"{count} bent authorization requests: 0 accepted, 0 x 5xx")


BENT_REDIRECTS = (
    "https://rp.example/callback/",
    "https://rp.example/callback?x=1",
    "https://rp.example/callback#x",
    "https://rp.example/callbacK",
    "https://rp.example/callback%2f",
    "https://rp.example/./callback",
    "https://rp.example/a/../callback",
    "https://rp.example:443/callback",
    "https://rp.example:8443/callback",
    "https://RP.example/callback",
    "https://rp.example./callback",
    "https://rp.example@evil.example/callback",
    "https://user@rp.example/callback",
    "https://rp.example.evil.example/callback",
    "https://evil.example/callback",
    "https://evil.example/https://rp.example/callback",
    "http://rp.example/callback",
    "//rp.example/callback",
    "/callback",
    "javascript:alert(1)//https://rp.example/callback",
    "data:text/html,hello",
    "https://rp.example\\@evil.example/callback",
    "https://rp.example/callback\r\nLocation: https://evil.example",
    "https://rp.example/callback ",
    " https://rp.example/callback",
    "https://rp.example/callback\x00",
    "https://rp.exаmple/callback",
    "https://127.0.0.1/callback",
    "http://127.0.0.1:80/callback",
    "http://localhost/callback",
    "urn:ietf:wg:oauth:2.0:oob",
    "*",
)


def test_no_address_but_the_registered_one_is_answered(
    app: Server, rooms: Rooms, citizen: Citizen, shows: Shows
) -> None:
    """F12: whatever the address, nobody is sent there: not with a code, not with an error."""
    rp, simple = make_client(app, rooms), plain(app, rooms)
    browser = open_browser(app, rooms, citizen)
    attempts: list[Attempt] = []
    for url in (*BENT_REDIRECTS, GONE):
        query = urlencode(simple.parameters(redirect_uri=url))
        broken = urlencode(simple.parameters(redirect_uri=url, scope="nothing"))
        attempts += [
            (f"pushed {url}", lambda u=url: rp.push(redirect_uri=u)),
            (f"asked {url}", lambda q=query: browser.go(f"/oauth/authorize?{q}")),
            (f"failed {url}", lambda q=broken: browser.go(f"/oauth/authorize?{q}")),
        ]
    count = refused(attempts, *BAD_REQUEST)
    shows(f"{count} bent redirect addresses: nobody was sent anywhere")


def test_a_loopback_address_may_change_its_port_and_nothing_else(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = native(app, rooms, redirect_uris=("http://127.0.0.1/cb", "http://[::1]/cb"), sector="app")
    browser = open_browser(app, rooms, citizen)
    for url, is_good in (
        ("http://127.0.0.1:1234/cb", True),
        ("http://[::1]:1234/cb", True),
        ("http://127.0.0.1:1234/cb2", False),
        ("http://127.0.0.1:1234/cb?x=1", False),
        ("http://127.0.0.2:1234/cb", False),
        ("http://127.0.0.1:1234@evil.example/cb", False),
        ("http://localhost:1234/cb", False),
        ("https://127.0.0.1:1234/cb", False),
        ("http://127.0.0.1:99999/cb", False),
    ):
        answer = browser.go(f"/oauth/authorize?{urlencode(rp.parameters(redirect_uri=url))}")
        assert (answer.status_code == 303) is is_good, url


def test_what_was_pushed_is_good_once_for_one_client(
    app: Server, rooms: Rooms, citizen: Citizen, shows: Shows
) -> None:
    """F02."""
    rp, other = make_client(app, rooms), make_client(app, rooms)
    browser = open_browser(app, rooms, citizen)

    def go(client_id: str, uri: str) -> Callable[[], TestResponse]:
        query = urlencode({"client_id": client_id, "request_uri": uri})
        return lambda: browser.go(f"/oauth/authorize?{query}")

    pushed = rp.push()
    assert (pushed.status_code, pushed.json["expires_in"]) == (201, 90)
    uri = pushed.json["request_uri"]
    count = refused([("another client", go(other.client_id, uri))], 400, "invalid_request_uri")
    assert go(rp.client_id, uri)().status_code == 303
    known = "urn:ietf:params:oauth:request_uri:"
    attempts = [("twice", go(rp.client_id, uri)), ("made up", go(rp.client_id, f"{known}abc"))]
    count += refused(attempts, 400, "invalid_request_uri")
    late = rp.push().json["request_uri"]
    with later(91):
        count += refused([("late", go(rp.client_id, late))], 400, "invalid_request_uri")
    foreign = [
        ("a place to fetch", go(rp.client_id, "https://rp.example/request.jwt")),
        ("inside us", go(rp.client_id, "http://127.0.0.1/request.jwt")),
        ("no client", go("", uri)),
        ("no such client", go(str(uuid4()), uri)),
        ("not even an id", go("x' or 1=1 --", uri)),
    ]
    count += refused(foreign, *BAD_REQUEST)
    count += refused([("pushed itself", lambda: rp.push(request_uri=uri))], *BAD_REQUEST)
    bare = browser.go(f"/oauth/authorize?{urlencode(rp.parameters())}")
    assert bare.headers["Location"].startswith(f"{CALLBACK}?error=invalid_request&")
    assert rp.http.get("/oauth/par").status_code == 405
    shows(f"{count + 2} misuses of pushed requests: 0 accepted, 0 x 5xx")


def test_bent_redemptions_of_codes(
    app: Server, rooms: Rooms, citizen: Citizen, shows: Shows
) -> None:
    """F03: a code is bound to client, address, verifier and key; time and use end it."""
    rp, other = make_client(app, rooms), make_client(app, rooms)
    browser = open_browser(app, rooms, citizen)
    count = 0

    def code() -> str:
        return rp.authorize(browser)["code"]

    kept = code()
    wrong: list[Attempt] = [
        ("another client", lambda: other.redeem(kept, code_verifier=rp.verifier)),
        ("another address", lambda: rp.redeem(kept, redirect_uri="https://rp.example/other")),
        ("no address", lambda: rp.redeem(kept, redirect_uri=GONE)),
        ("another verifier", lambda: rp.redeem(kept, code_verifier="a" * 43)),
        ("a short verifier", lambda: rp.redeem(kept, code_verifier="a")),
        ("an endless verifier", lambda: rp.redeem(kept, code_verifier="a" * 129)),
        ("the challenge as verifier", lambda: rp.redeem(kept, code_verifier=rp.challenge)),
        ("an odd verifier", lambda: rp.redeem(kept, code_verifier="ä" * 43)),
        ("another key", lambda: rp.redeem(kept, proof=rp.proof("/oauth/token", key=make_key()))),
        ("another code", lambda: rp.redeem("x" * 43)),
        ("a refresh token's place", lambda: rp.refresh(kept)),
    ]
    count += refused(wrong, 400, "invalid_grant")
    missing: list[Attempt] = [
        ("no verifier", lambda: rp.redeem(kept, code_verifier=GONE)),
        ("no code", lambda: rp.redeem(GONE)),
        ("no grant type", lambda: rp.redeem(kept, grant_type=GONE)),
    ]
    count += refused(missing, *BAD_REQUEST)
    kinds: list[Attempt] = [
        ("a password", lambda: rp.redeem(kept, grant_type="password")),
        (
            "an assertion",
            lambda: rp.redeem(kept, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ),
    ]
    count += refused(kinds, 400, "unsupported_grant_type")
    assert rp.redeem(kept).status_code == 200  # nothing of that has used it up
    late = code()
    with later(61):
        count += refused([("late", lambda: rp.redeem(late))], 400, "invalid_grant")
    shows(f"{count} bent redemptions of codes: 0 accepted, 0 x 5xx")


def test_bent_ways_to_prove_a_plain_client(app: Server, rooms: Rooms, shows: Shows) -> None:
    rp, other = plain(app, rooms), plain(app, rooms)
    fapi = make_client(app, rooms)
    form = {"grant_type": "client_credentials"}
    http: FlaskClient = rp.http

    def basic(text: str) -> Callable[[], TestResponse]:
        pair = base64.b64encode(text.encode()).decode()
        return lambda: http.post(
            "/oauth/token", data=form, headers={"Authorization": f"Basic {pair}"}
        )

    def header(value: str) -> Callable[[], TestResponse]:
        return lambda: http.post("/oauth/token", data=form, headers={"Authorization": value})

    def posted(**fields: Any) -> Callable[[], TestResponse]:  # noqa: ANN401
        return lambda: http.post("/oauth/token", data={**form, **fields})

    attempts: list[Attempt] = [
        ("no secret", basic(f"{rp.client_id}:")),
        ("another secret", basic(f"{rp.client_id}:x")),
        ("another's secret", basic(f"{rp.client_id}:{other.secret}")),
        ("a secret with more", basic(f"{rp.client_id}:{rp.secret}x")),
        ("nobody", basic(f":{rp.secret}")),
        ("no colon", basic(rp.client_id)),
        ("no such client", basic(f"{uuid4()}:{rp.secret}")),
        ("a name in capitals", basic(f"{rp.client_id.upper()}:{rp.secret}")),
        ("no base64", header("Basic !!!")),
        ("no UTF-8", header("Basic //79")),
        ("a bearer", header(f"Bearer {rp.secret}")),
        ("nothing", posted()),
        ("a name alone", posted(client_id=rp.client_id)),
        ("in the form", posted(client_id=rp.client_id, client_secret=rp.secret)),
        ("a secret for a key", posted(client_id=fapi.client_id, client_secret="x")),
        ("a name for a key", posted(client_id=fapi.client_id)),
        ("an assertion of no type", posted(client_assertion=fapi.assertion())),
        ("another type", posted(client_assertion=fapi.assertion(), client_assertion_type="saml")),
        (
            "another name beside",
            posted(
                client_id=rp.client_id,
                client_assertion=fapi.assertion(),
                client_assertion_type=ASSERTION_TYPE,
            ),
        ),
    ]
    count = refused(attempts, 401, "invalid_client")
    pair = base64.b64encode(f"{rp.client_id}:{rp.secret}".encode()).decode()
    both = {"client_assertion": fapi.assertion(), "client_assertion_type": ASSERTION_TYPE}
    mixed: list[Attempt] = [
        (
            "two ways",
            lambda: http.post(
                "/oauth/token", data={**form, **both}, headers={"Authorization": f"Basic {pair}"}
            ),
        ),
        (
            "twice the same field",
            lambda: http.post(
                "/oauth/token",
                data=f"grant_type=client_credentials&client_id={rp.client_id}&client_id=x",
                content_type="application/x-www-form-urlencoded",
            ),
        ),
        ("in the query", lambda: http.post("/oauth/token?client_id=x", data=form)),
        (
            "no UTF-8",
            lambda: http.post(
                "/oauth/token",
                data=b"grant_type=%ff%fe",
                content_type="application/x-www-form-urlencoded",
            ),
        ),
    ]
    count += refused(mixed, *BAD_REQUEST)
    count += refused(
        [("JSON", lambda: http.post("/oauth/token", json=form))], 415, "invalid_request"
    )
    for status in (ClientStatus.DRAFT, ClientStatus.SUSPENDED, ClientStatus.RETIRED):
        gone = plain(app, rooms)
        with rooms.units.open(actor="test") as uow:
            uow.execute(
                text("update clients set status = :s where id = :id"),
                {"s": status, "id": gone.client_id},
            )
        attempts = [(status, lambda g=gone: g.post("/oauth/token", form))]
        count += refused(attempts, 401, "invalid_client")
    shows(f"{count} bent proofs of a plain client: 0 accepted, 0 x 5xx")


def test_grants_that_a_client_was_not_given(app: Server, rooms: Rooms, shows: Shows) -> None:
    rp = plain(app, rooms, grant_types=(GrantType.CODE,))
    kinds = [str(kind) for kind in GrantType if kind is not GrantType.CODE]
    attempts: list[Attempt] = [
        (kind, lambda k=kind: rp.post("/oauth/token", {"grant_type": k})) for kind in kinds
    ]
    attempts.append(("device", lambda: rp.post("/oauth/device_authorization", {"scope": "openid"})))
    count = refused(attempts, 400, "unauthorized_client")
    own = plain(app, rooms, scopes=("openid", "map.read"))
    scopes: list[Attempt] = [
        (s, lambda x=s: own.post("/oauth/token", {"grant_type": "client_credentials", "scope": x}))
        for s in ("openid", "map.write", "map.read openid", "MAP.READ", "map.read,map.write", " ")
    ]
    count += refused(scopes, 400, "invalid_scope")
    shows(f"{count} grants and scopes that were not given: 0 accepted, 0 x 5xx")


def test_a_challenge_is_the_sha256_of_its_verifier(app: Server, rooms: Rooms) -> None:
    """The tests above would also hold for a provider that refuses every verifier."""
    rp = make_client(app, rooms)
    assert rp.challenge == b64(sha256(rp.verifier.encode()).digest())
    assert jose.thumbprint(public(make_key())) != jose.thumbprint(public(make_key()))
