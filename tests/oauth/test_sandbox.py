"""In a sandbox a client makes itself; in production that address does not exist."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app import cli
from app.factory import Rooms, build, create_app
from app.http.openapi import document
from app.http.server import Server
from app.oauth.service import RequestLog
from app.oauth.values import AuthMethod
from config.settings import Settings
from tests.factories import Citizen
from tests.oauth.support import RelyingParty, make_key, open_browser, public

PLACE = "/v1/sandbox/clients"


def named() -> str:
    return f"十堰智慧停车 {uuid4().hex[:8]}"


def clients_called(rooms: Rooms, name: str) -> list[Any]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = text("select * from clients where name = :name")
        return list(uow.execute(found, {"name": name}).all())


def as_party(app: Server, made: dict[str, Any]) -> RelyingParty:
    """Return the client that was made, with nothing but what its developer was given."""
    return RelyingParty(
        http=app.test_client(),
        client_id=made["client_id"],
        issuer=made["issuer"],
        secret=None,
        auth_method=AuthMethod.KEY,
        key=made["private_key"],
        dpop_key=make_key(),
        redirect_uri=(made["redirect_uris"] or [""])[0],
    )


@pytest.fixture(scope="module")
def production(settings: Settings) -> Iterator[tuple[Server, Rooms]]:
    """Return the same house as it is in production."""
    real = replace(settings, profile="production")
    rooms = build(real)
    app = create_app(real, rooms)
    cli.register(app, real, rooms)
    yield app, rooms
    rooms.close()


def test_one_call_makes_what_the_first_call_needs(
    app: Server, client: FlaskClient, rooms: Rooms
) -> None:
    name = named()
    answer = client.post(PLACE, json={"name": name, "scopes": ["map.read"]})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json
    assert made["scopes"] == ["map.read", "requests.read"]
    assert made["redirect_uris"] == []
    rp = as_party(app, made)
    token = rp.post("/oauth/token", {"grant_type": "client_credentials"}).json["access_token"]
    rooms.deps[RequestLog].flush()
    log = rp.call(token, "/v1/oauth/clients/me/requests")
    assert [one["operation"] for one in log.json["items"]] == ["POST /oauth/token"]
    (row,) = clients_called(rooms, name)
    assert (row.status, row.profile, row.auth_method) == ("sandbox", "fapi", "private_key_jwt")
    assert row.jwks == {"keys": [public(made["private_key"])]}
    assert made["private_key"]["d"] not in str(tuple(row))


def test_with_a_citizens_scope_it_may_ask_citizens(
    app: Server, client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    wanted = {"name": named(), "scopes": ["openid", "bills.read"]}
    rp = as_party(app, client.post(PLACE, json=wanted).json)
    assert rp.redirect_uri == "http://127.0.0.1/callback"
    rp.redirect_uri = "http://127.0.0.1:4000/callback"
    tokens = rp.log_in(open_browser(app, rooms, citizen), scope="openid bills.read")
    assert rp.call(tokens["access_token"], "/v1/me/payables").status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uris": ["http://rp.example/cb"]}, "client-invalid"),
        ({"redirect_uris": ["https://a.example/cb", "https://b.example/cb"]}, "client-invalid"),
        ({"scopes": ["Not A Scope"]}, "invalid-input"),
        ({"name": ""}, "invalid-input"),
        ({"status": "active"}, "invalid-input"),
    ],
)
def test_it_is_held_to_the_rules_of_staffs_own(
    client: FlaskClient, rooms: Rooms, changes: dict[str, Any], code: str
) -> None:
    name = named()
    answer = client.post(PLACE, json={"name": name, **changes})
    assert (answer.status_code, answer.json["code"]) == (422, code), answer.text
    assert clients_called(rooms, name) == []


def test_a_name_is_taken_once(client: FlaskClient, rooms: Rooms) -> None:
    name = named()
    assert client.post(PLACE, json={"name": name}).status_code == 201
    again = client.post(PLACE, json={"name": name})
    assert (again.status_code, again.json["code"]) == (409, "client-exists")
    assert len(clients_called(rooms, name)) == 1


def test_in_production_there_is_no_such_address(
    client: FlaskClient, rooms: Rooms, production: tuple[Server, Rooms]
) -> None:
    app, _ = production
    name = named()
    answer = app.test_client().post(PLACE, json={"name": name})
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")
    assert PLACE not in {rule.rule for rule in app.url_map.iter_rules()}
    assert PLACE not in document(app.extensions["api"])["paths"]
    assert clients_called(rooms, name) == []
    assert client.post(PLACE, json={"name": name}).status_code == 201, "the same body is good"


def test_the_command_prints_what_the_call_answers(app: Server, rooms: Rooms) -> None:
    application = create_app(rooms.settings, rooms)
    cli.register(application, rooms.settings, rooms)
    name = named()
    args = ["integrators", "new", "--name", name, "--scope", "map.read", "--scope", "b.read"]
    result = application.test_cli_runner().invoke(args=args)
    assert result.exit_code == 0, result.output
    made = json.loads(result.output)
    assert (made["name"], made["scopes"]) == (name, ["b.read", "map.read", "requests.read"])
    rp = as_party(app, made)
    form = {"grant_type": "client_credentials", "scope": "b.read"}
    assert rp.post("/oauth/token", form).json["scope"] == "b.read"
    again = application.test_cli_runner().invoke(args=args)
    assert again.exit_code == 1
    assert "There is a client of this name" in again.output
    wrong = [*args[:3], f"{name} 2", "--redirect-uri", "http://rp.example/cb"]
    refused = application.test_cli_runner().invoke(args=wrong)
    assert refused.exit_code == 1
    assert "/redirect_uris" in refused.output


def test_the_command_refuses_in_production_and_says_why(
    rooms: Rooms, production: tuple[Server, Rooms]
) -> None:
    name = named()
    runner = production[0].test_cli_runner()
    result = runner.invoke(args=["integrators", "new", "--name", name])
    assert result.exit_code == 1
    assert result.output == (
        "Error: This is possible in a sandbox only. "
        "The city's staff registers clients here (POST /v1/oauth/clients).\n"
    )
    assert clients_called(rooms, name) == []
