"""Tokens of other people's apps at the API: with their key, their scope and their citizen, or not.

Each bent thing stands alone: whatever else a call needs is genuine, so the bend is what is refused.
"""

from collections.abc import Callable
from time import monotonic
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask.testing import FlaskClient
from joserfc import jwk
from werkzeug.test import TestResponse

from app.core.tokens import Tokens
from app.factory import Rooms
from app.http.server import Server
from config.settings import Settings
from tests.conftest import World
from tests.core.test_tokens import BROKEN, FORGED, Json, parts, raw_signed, sign
from tests.factories import Citizen, bearer, log_in, staff_token
from tests.oauth.bent_proofs import BENT_PROOFS, parts_of_proof, prove
from tests.oauth.support import RelyingParty, make_client, open_browser, plain
from tests.payments.helpers import make_bill, new_key, order

SCOPES = ("openid", "bills.read", "payments.read", "offline_access")
ISSUER = "http://127.0.0.1:8000"
ME = "/v1/me/payables"
USERINFO = "/oauth/userinfo"
FRESH = 120
PROOF_REFUSED = 'DPoP realm="wudang", error="{}", algs="ES256 PS256 EdDSA"'


@pytest.fixture(scope="module")
def citizen(app: Server, world: World, rooms: Rooms) -> Citizen:
    return log_in(app.test_client(), world, rooms)


@pytest.fixture(scope="module")
def party(app: Server, rooms: Rooms) -> RelyingParty:
    return make_client(app, rooms, scopes=SCOPES)


@pytest.fixture(scope="module")
def given() -> Json:
    """Return where the tokens of this file are kept: these tests take longer than one lives."""
    return {}


@pytest.fixture
def tokens(app: Server, rooms: Rooms, citizen: Citizen, party: RelyingParty, given: Json) -> Json:
    """Return what the client was given for this citizen, two minutes ago at most."""
    if not given or monotonic() - given["at"] > FRESH:
        browser = open_browser(app, rooms, citizen)
        given.update(at=monotonic(), tokens=party.log_in(browser, scope=" ".join(SCOPES)))
    return dict(given["tokens"])


@pytest.fixture
def token(tokens: Json) -> str:
    return str(tokens["access_token"])


@pytest.fixture(scope="module")
def holder(party: RelyingParty) -> ec.EllipticCurvePrivateKey:
    """Return the key that the token is bound to."""
    assert party.dpop_key is not None
    key = jwk.import_key(party.dpop_key)
    assert isinstance(key, jwk.ECKey)
    return key.private_key


@pytest.fixture(scope="module")
def signer(settings: Settings) -> ec.EllipticCurvePrivateKey:
    """Return the installation's own key: what a forger does not have."""
    loaded = load_pem_private_key(settings.keys.token_signing.encode(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return loaded


def call(
    client: FlaskClient,
    token: str,
    proof: str | list[str] | None,
    path: str = ME,
    *,
    scheme: str = "DPoP",
    method: str = "GET",
) -> TestResponse:
    proofs = [proof] if isinstance(proof, str) else proof or []
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", one) for one in proofs)]
    return client.open(path, method=method, headers=headers)


def with_proof(
    client: FlaskClient, token: str, key: ec.EllipticCurvePrivateKey, path: str = ME
) -> TestResponse:
    """Use a token with a proof that is right for it, whatever the token itself is worth."""
    return call(client, token, prove(key, "GET", ISSUER + path, token), path)


def test_a_genuine_token_with_its_key_opens(
    client: FlaskClient, token: str, holder: ec.EllipticCurvePrivateKey
) -> None:
    """Without this the tests below would hold for a door that nobody can open."""
    for path in (ME, "/v1/payments", USERINFO):
        assert with_proof(client, token, holder, path).status_code == 200


@pytest.mark.parametrize("case", BENT_PROOFS)
def test_a_bent_proof_is_refused(
    client: FlaskClient, token: str, holder: ec.EllipticCurvePrivateKey, case: str
) -> None:
    for path in (ME, "/v1/payments"):
        header, claims = parts_of_proof(holder, "GET", ISSUER + path, token)
        bent = BENT_PROOFS[case](header, claims, holder)
        answer = call(client, token, bent, path)
        assert answer.status_code == 401, answer.text
        assert answer.json["code"] == "dpop-proof-invalid"
        error = "use_dpop_nonce" if "nonce" in case else "invalid_dpop_proof"
        assert answer.headers["WWW-Authenticate"] == PROOF_REFUSED.format(error)
        assert ("DPoP-Nonce" in answer.headers) is (error == "use_dpop_nonce")


def test_a_proof_is_good_once(
    client: FlaskClient, token: str, holder: ec.EllipticCurvePrivateKey
) -> None:
    proof = prove(holder, "GET", ISSUER + ME, token)
    assert call(client, token, proof).status_code == 200
    answer = call(client, token, proof)
    assert (answer.status_code, answer.json["code"]) == (401, "dpop-proof-invalid")


def test_a_proof_with_our_nonce_is_good(
    client: FlaskClient, token: str, holder: ec.EllipticCurvePrivateKey
) -> None:
    header, claims = parts_of_proof(holder, "GET", ISSUER + ME, token)
    asked = call(client, token, raw_signed(header, {**claims, "nonce": "old"}, holder))
    fresh = {**claims, "jti": str(uuid4()), "nonce": asked.headers["DPoP-Nonce"]}
    assert call(client, token, raw_signed(header, fresh, holder)).status_code == 200


def test_a_bound_token_is_no_bearer_token(
    client: FlaskClient, token: str, holder: ec.EllipticCurvePrivateKey
) -> None:
    """Also not with a genuine proof beside it: the scheme says what is claimed."""
    for proof in (None, prove(holder, "GET", ISSUER + ME, token)):
        answer = call(client, token, proof, scheme="Bearer")
        assert (answer.status_code, answer.json["code"]) == (401, "token-invalid")
        assert answer.headers["WWW-Authenticate"] == PROOF_REFUSED.format("invalid_token")


def test_a_token_without_a_key_is_no_dpop_token(
    app: Server,
    client: FlaskClient,
    rooms: Rooms,
    citizen: Citizen,
    holder: ec.EllipticCurvePrivateKey,
) -> None:
    loose = plain(app, rooms, scopes=SCOPES)
    unbound = loose.log_in(open_browser(app, rooms, citizen), scope="openid bills.read")
    for other in (unbound["access_token"], citizen.token, staff_token(rooms, "finance")):
        answer = with_proof(client, other, holder)
        assert (answer.status_code, answer.json["code"]) == (401, "token-invalid")
    answer = call(client, unbound["access_token"], None, scheme="Bearer")
    assert answer.status_code == 200


def _gone(header: Json, claims: Json, names: tuple[str, ...]) -> tuple[Json, Json]:
    return header, {name: value for name, value in claims.items() if name not in names}


# By the installation itself, so that nothing but the rule in question is broken.
BROKEN_GRANTS: dict[str, Callable[[Json, Json, ec.EllipticCurvePrivateKey], str]] = {
    "a key that is another's": lambda h, c, k: sign(h, {**c, "cnf": {"jkt": "A" * 43}}, k),
    "no key in the token": lambda h, c, k: sign(*_gone(h, c, ("cnf",)), k),
    "cnf null": lambda h, c, k: sign(h, {**c, "cnf": None}, k),
    "cnf a list": lambda h, c, k: sign(h, {**c, "cnf": [c["cnf"]]}, k),
    "cnf of a certificate": lambda h, c, k: sign(h, {**c, "cnf": {"x5t#S256": "A" * 43}}, k),
    "another client": lambda h, c, k: sign(h, {**c, "client_id": str(uuid4())}, k),
    "the city's own app": lambda h, c, k: sign(h, {**c, "client_id": "first-party"}, k),
    "client a list": lambda h, c, k: sign(h, {**c, "client_id": [c["client_id"]]}, k),
    "another grant": lambda h, c, k: sign(h, {**c, "sid": str(uuid4())}, k),
    "another citizen": lambda h, c, k: sign(h, {**c, "sub": "A" * 43}, k),
    "subject a list": lambda h, c, k: raw_signed(h, {**c, "sub": [c["sub"]]}, k),
    "kind citizen": lambda h, c, k: sign(h, {**c, "knd": "citizen"}, k),
    "kind staff": lambda h, c, k: sign(h, {**c, "knd": "staff"}, k),
    "kind integrator": lambda h, c, k: sign(h, {**c, "knd": "integrator"}, k),
    "kind delegate": lambda h, c, k: sign(h, {**c, "knd": "delegate"}, k),
    "an ID token's type": lambda h, c, k: sign({**h, "typ": "JWT"}, c, k),
    "a log-out token's type": lambda h, c, k: sign({**h, "typ": "logout+jwt"}, c, k),
    "for the client": lambda h, c, k: sign(h, {**c, "aud": c["client_id"]}, k),
    "for the issuer": lambda h, c, k: sign(h, {**c, "aud": c["iss"]}, k),
}


@pytest.mark.parametrize("case", [*FORGED, *BROKEN, *BROKEN_GRANTS])
def test_a_forged_token_of_a_client_is_refused(
    client: FlaskClient,
    token: str,
    holder: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    case: str,
) -> None:
    """Shown with a genuine proof of possession for just this token, at two operations."""
    header, claims = parts(token)
    forged = {**FORGED, **BROKEN, **BROKEN_GRANTS}[case](header, claims, signer)
    assert forged != token
    for path in (ME, USERINFO):
        answer = with_proof(client, forged, holder, path)
        assert answer.status_code == 401, answer.text
        assert answer.json["code"] in {"token-invalid", "dpop-proof-invalid"}


def test_a_scope_in_the_token_gives_nothing(
    client: FlaskClient,
    token: str,
    holder: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
) -> None:
    """Power comes from the rows: a token that says more than was granted opens no more."""
    header, claims = parts(token)
    more = sign(header, {**claims, "jti": str(uuid4()), "scope": "messages.read admin"}, signer)
    answer = with_proof(client, more, holder, "/v1/me/inbox")
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient-scope")


def test_other_tokens_are_no_access_tokens(
    client: FlaskClient, tokens: Json, holder: ec.EllipticCurvePrivateKey, rooms: Rooms
) -> None:
    log_out = rooms.deps[Tokens].sign({"iss": ISSUER, "events": {}}, typ="logout+jwt")
    others = [tokens["id_token"], tokens["refresh_token"], log_out]
    for other in others:
        for answer in (
            with_proof(client, other, holder),
            client.get(ME, headers=bearer(other)),
        ):
            assert (answer.status_code, answer.json["code"]) == (401, "token-invalid")


def test_another_clients_key_does_not_open(
    app: Server, client: FlaskClient, rooms: Rooms, token: str
) -> None:
    thief = make_client(app, rooms, scopes=SCOPES)
    assert thief.dpop_key is not None
    key = jwk.import_key(thief.dpop_key)
    assert isinstance(key, jwk.ECKey)
    answer = with_proof(client, token, key.private_key)
    assert (answer.status_code, answer.json["code"]) == (401, "dpop-proof-invalid")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me"),
        ("GET", "/v1/auth/sessions"),
        ("DELETE", "/v1/auth/sessions"),
        ("GET", "/v1/me/inbox"),
        ("POST", "/v1/payments"),
        ("GET", "/v1/ledger/trial-balance"),
    ],
)
def test_what_was_not_granted_is_not_open(
    client: FlaskClient,
    token: str,
    holder: ec.EllipticCurvePrivateKey,
    method: str,
    path: str,
) -> None:
    proof = prove(holder, method, ISSUER + path, token)
    answer = call(client, token, proof, path, method=method)
    assert answer.status_code in {403, 404}, answer.text
    if answer.status_code == 403:
        assert answer.json["code"] in {"insufficient-scope", "forbidden"}


def test_a_key_of_one_client_is_no_key_of_another(
    app: Server, client: FlaskClient, world: World, rooms: Rooms
) -> None:
    """Both may begin payments for the citizen; neither is given the other's answer."""
    someone = log_in(app.test_client(), world, rooms)
    browser = open_browser(app, rooms, someone)
    wanted = {"scope": "openid payments.write"}
    body, key = order(make_bill(client, world, someone)), new_key()
    answers = []
    for _ in range(2):
        party = plain(app, rooms, scopes=("openid", "payments.write"))
        token = party.log_in(browser, **wanted)["access_token"]
        headers = {**bearer(token), "Idempotency-Key": key}
        answers.append(client.post("/v1/payments", json=body, headers=headers))
        again = client.post("/v1/payments", json=body, headers=headers)
        assert again.data == answers[-1].data or again.status_code == 409
    first, second = answers
    assert first.status_code == 201, first.text
    assert (second.status_code, second.json["code"]) == (409, "payment-in-progress")
    assert "Idempotent-Replayed" not in second.headers


def test_a_grant_that_was_revoked_is_over_for_the_token(
    app: Server, client: FlaskClient, rooms: Rooms, world: World
) -> None:
    someone = log_in(app.test_client(), world, rooms)
    party = plain(app, rooms, scopes=SCOPES)
    given = party.log_in(open_browser(app, rooms, someone), scope="openid bills.read")
    assert party.post("/oauth/revoke", {"token": given["access_token"]}).status_code == 200
    answer = client.get("/v1/payments/" + str(UUID(int=1)), headers=bearer(given["access_token"]))
    assert answer.status_code in {401, 403}


@pytest.mark.promise("P38")
def test_how_many_were_tried(shows: Callable[[str], None]) -> None:
    """Each of them is a case of a test above, tried at two operations."""
    tokens = len({*FORGED, *BROKEN, *BROKEN_GRANTS})
    first_party = len({*FORGED, *BROKEN})
    proofs = len(BENT_PROOFS)
    assert tokens + first_party + proofs >= 150
    shows(
        f"{first_party} forged first-party tokens, {tokens} forged tokens of clients and "
        f"{proofs} bent DPoP proofs, each at 2 operations: 0 accepted, 0 x 5xx"
    )
