"""Clients as staff registers and changes them; nobody gets the plain profile by default."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import now
from app.factory import Rooms
from app.http.server import Server
from app.oauth.values import ClientStatus
from tests.factories import bearer, later, staff_token
from tests.oauth.support import GONE, bent, make_client, make_key, open_browser, plain, public

CLIENTS = "/v1/oauth/clients"


@pytest.fixture
def staff(rooms: Rooms) -> dict[str, str]:
    return bearer(staff_token(rooms, "security-admin"))


def described(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return bent(
        {
            "name": f"武当文旅 {uuid4().hex[:8]}",
            "redirect_uris": ["https://rp.example/cb"],
            "jwks": {"keys": [public(make_key())]},
            "scopes": [{"scope": "openid"}],
        },
        **changes,
    )


def register(client: FlaskClient, staff: dict[str, str], **changes: Any) -> TestResponse:  # noqa: ANN401
    return client.post(CLIENTS, json=described(**changes), headers=staff)


def test_a_client_is_fapi_unless_staff_says_otherwise(
    client: FlaskClient, staff: dict[str, str]
) -> None:
    before, made = register(client, staff), register(client, staff)
    assert made.status_code == 201, made.text
    shown = made.json
    assert (shown["profile"], shown["auth_method"]) == ("fapi", "private_key_jwt")
    assert (shown["status"], shown["secret"]) == ("draft", None)
    assert shown["sector"] == "rp.example"
    assert client.get(f"{CLIENTS}/{shown['id']}", headers=staff).json == shown
    # Newest first; those that other tests have made at a later time come before.
    listed = client.get(f"{CLIENTS}?limit=100", headers=staff).json["items"]
    place = listed.index(shown)
    assert listed[place + 1] == before.json


def test_a_secret_is_shown_once_and_replaced_with_an_overlap(
    app: Server, client: FlaskClient, rooms: Rooms, staff: dict[str, str]
) -> None:
    made = register(
        client,
        staff,
        profile="plain",
        auth_method="client_secret_basic",
        jwks=None,
        grant_types=["client_credentials"],
        redirect_uris=[],
    )
    assert made.status_code == 201, made.text
    one, first = made.json["id"], made.json["secret"]
    for status in ("sandbox", "active"):
        client.patch(f"{CLIENTS}/{one}", json={"status": status}, headers=staff)
    assert client.get(f"{CLIENTS}/{one}", headers=staff).json["secret"] is None

    def works(secret: str) -> bool:
        form = {"grant_type": "client_credentials"}
        return client.post("/oauth/token", data=form, auth=(one, secret)).status_code == 200

    assert works(first)
    second = client.post(f"{CLIENTS}/{one}/secrets", headers=staff).json["secret"]
    assert works(first)
    assert works(second)
    with later(7 * 86_400 + 1):
        assert not works(first)
        assert works(second)
    third = client.post(f"{CLIENTS}/{one}/secrets", headers=staff).json["secret"]
    assert [works(secret) for secret in (first, second, third)] == [False, True, True]
    with rooms.units.open(actor="test", read_only=True) as uow:
        kept = uow.execute(text("select * from client_secrets where client_id = :id"), {"id": one})
        assert first not in str(kept.all())


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"profile": "fapi", "auth_method": "client_secret_basic"}, "/auth_method"),
        ({"auth_method": "none"}, "/auth_method"),
        ({"jwks": None}, "/jwks"),
        ({"jwks_uri": "https://rp.example/jwks"}, "/jwks"),
        ({"jwks": None, "jwks_uri": "http://rp.example/jwks"}, "/jwks_uri"),
        ({"jwks": {"keys": [make_key()]}}, "/jwks"),
        ({"jwks": {"keys": [public(make_key("RSA1024"))]}}, "/jwks"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "/jwks"),
        ({"redirect_uris": []}, "/redirect_uris"),
        ({"redirect_uris": ["http://rp.example/cb"]}, "/redirect_uris"),
        ({"redirect_uris": ["http://localhost/cb"]}, "/redirect_uris"),
        ({"redirect_uris": ["https://rp.example/cb#x"]}, "/redirect_uris"),
        ({"redirect_uris": ["https://*.example/cb"]}, "/redirect_uris"),
        ({"redirect_uris": ["https://a@rp.example/cb"]}, "/redirect_uris"),
        ({"redirect_uris": ["https://[rp.example/cb"]}, "/redirect_uris"),
        ({"redirect_uris": ["https://rp.example/a/../cb"]}, "/redirect_uris"),
        ({"redirect_uris": ["https://a.example/cb", "https://b.example/cb"]}, "/sector"),
        ({"post_logout_uris": ["http://rp.example/"]}, "/post_logout_uris"),
        ({"backchannel_logout_uri": "http://rp.example/out"}, "/backchannel_logout_uri"),
        ({"grant_types": ["refresh_token"]}, "/grant_types"),
        ({"scopes": [{"scope": "openid"}, {"scope": "openid"}]}, "/scopes"),
    ],
)
def test_a_client_that_contradicts_itself_is_refused(
    client: FlaskClient, staff: dict[str, str], changes: dict[str, Any], pointer: str
) -> None:
    answer = register(client, staff, **changes)
    assert (answer.status_code, answer.json["code"]) == (422, "client-invalid"), answer.text
    assert pointer in {fault["pointer"] for fault in answer.json["errors"]}


def test_a_public_client_cannot_act_in_its_own_name(
    client: FlaskClient, staff: dict[str, str]
) -> None:
    answer = register(
        client,
        staff,
        profile="plain",
        auth_method="none",
        jwks=None,
        grant_types=["authorization_code", "client_credentials"],
    )
    assert answer.json["errors"][0]["pointer"] == "/grant_types"


def test_a_name_is_its_own(client: FlaskClient, staff: dict[str, str]) -> None:
    first, second = register(client, staff).json, register(client, staff).json
    again = register(client, staff, name=first["name"])
    assert (again.status_code, again.json["code"]) == (409, "client-exists")
    taken = client.patch(f"{CLIENTS}/{second['id']}", json={"name": first["name"]}, headers=staff)
    assert (taken.status_code, taken.json["code"]) == (409, "client-exists")
    assert client.get(f"{CLIENTS}/{second['id']}", headers=staff).json["name"] == second["name"]


def test_only_the_security_administrator_sees_clients(client: FlaskClient, rooms: Rooms) -> None:
    for role in ("auditor", "finance", "system-admin"):
        header = bearer(staff_token(rooms, role))
        for answer in (
            client.get(CLIENTS, headers=header),
            client.post(CLIENTS, json=described(), headers=header),
            client.patch(f"{CLIENTS}/{uuid4()}", json={}, headers=header),
        ):
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_states_go_forward_and_bite_at_once(
    app: Server, client: FlaskClient, staff: dict[str, str], rooms: Rooms
) -> None:
    rp = plain(app, rooms, scopes=("openid", "map.read"), status=ClientStatus.ACTIVE)
    path = f"{CLIENTS}/{rp.client_id}"
    form = {"grant_type": "client_credentials"}
    token = rp.post("/oauth/token", form).json["access_token"]
    assert rp.is_active(token)
    for status in ("draft", "sandbox"):
        answer = client.patch(path, json={"status": status}, headers=staff)
        assert (answer.status_code, answer.json["code"]) == (409, "illegal-transition")
    assert client.patch(path, json={"status": "suspended"}, headers=staff).status_code == 200
    assert rp.post("/oauth/token", form).json["error"] == "invalid_client"
    assert client.patch(path, json={"status": "active"}, headers=staff).status_code == 200
    assert rp.is_active(token)
    assert client.patch(path, json={"status": "retired"}, headers=staff).status_code == 200
    assert client.patch(path, json={"status": "active"}, headers=staff).status_code == 409


def test_a_scope_that_ends_bites_at_once(
    app: Server,
    client: FlaskClient,
    staff: dict[str, str],
    rooms: Rooms,
    citizen: Any,  # noqa: ANN401
) -> None:
    rp = plain(app, rooms)
    tokens = rp.log_in(open_browser(app, rooms, citizen), scope="openid phone")
    scopes = [
        {"scope": "openid"},
        {"scope": "phone", "expires_at": f"{now():%Y-%m-%dT%H:%M:%S.000Z}"},
    ]
    path = f"{CLIENTS}/{rp.client_id}"
    answer = client.patch(path, json={"scopes": scopes}, headers=staff)
    assert answer.status_code == 200, answer.text
    shown = rp.post("/oauth/introspect", {"token": tokens["access_token"]}).json
    assert shown["scope"] == "openid"
    with later(2):
        assert set(rp.call(tokens["access_token"]).json) == {"sub"}


def test_keys_roll_over_side_by_side(
    app: Server, client: FlaskClient, staff: dict[str, str], rooms: Rooms
) -> None:
    rp = make_client(app, rooms)
    assert rp.key is not None
    old, new = rp.key, make_key()
    path = f"{CLIENTS}/{rp.client_id}"
    form = {"grant_type": "client_credentials"}
    for published, works in (([old, new], [old, new]), ([new], [new])):
        keys = {"keys": [public(key) for key in published]}
        assert client.patch(path, json={"jwks": keys}, headers=staff).status_code == 200
        for key in (old, new):
            rp.key = key
            answer = rp.post("/oauth/token", form)
            assert (answer.status_code == 200) is (key in works)


def test_unknown_members_and_clients(client: FlaskClient, staff: dict[str, str]) -> None:
    assert register(client, staff, status="active").status_code == 422
    assert register(client, staff, name=GONE).status_code == 422
    assert register(client, staff, id=str(uuid4())).status_code == 422
    missing = f"{CLIENTS}/{uuid4()}"
    for answer in (
        client.get(missing, headers=staff),
        client.patch(missing, json={"name": "x"}, headers=staff),
        client.post(f"{missing}/secrets", headers=staff),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "client-not-found")
    fapi = register(client, staff).json["id"]
    answer = client.post(f"{CLIENTS}/{fapi}/secrets", headers=staff)
    assert (answer.status_code, answer.json["code"]) == (422, "client-invalid")
