"""Staff and integrators as the command line makes them."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text

from app import cli
from app.core.crypto import digest
from app.core.tokens import TokenInvalid
from app.factory import Rooms, build, create_app
from app.http.authentication import Authenticator
from app.http.server import Server
from config.settings import Settings


@pytest.fixture(scope="session")
def commands(settings: Settings, rooms: Rooms) -> Server:
    application = create_app(settings, rooms)
    cli.register(application, settings, rooms)
    return application


def test_staff_create_prints_a_token_that_works(commands: Server, rooms: Rooms) -> None:
    result = commands.test_cli_runner().invoke(
        args=["staff", "create", "--role", "auditor", "--json"]
    )
    assert result.exit_code == 0, result.output
    made = json.loads(result.output)
    assert set(made) == {"id", "role", "department", "access_token"}
    who = rooms.deps[Authenticator].authenticate(made["access_token"], fresh=True)
    assert (who.kind, str(who.id)) == ("staff", made["id"])
    reads = {"ledger.read", "payments.read", "reconciliation.read", "audit.read"}
    assert who.permissions == {"self", *reads}
    # The three administrators are kept apart: nobody who reads the books may change anything.
    assert not any(name.endswith((".operate", ".manage")) for name in who.permissions)


def test_a_department_operator_acts_for_a_department(commands: Server, rooms: Rooms) -> None:
    runner = commands.test_cli_runner()
    refused = runner.invoke(args=["staff", "create", "--role", "department-operator", "--json"])
    assert refused.exit_code == 2
    made = runner.invoke(
        args=["staff", "create", "--role", "department-operator", "--department", "water", "--json"]
    )
    token = json.loads(made.output)["access_token"]
    assert rooms.deps[Authenticator].authenticate(token, fresh=True).department == "water"


def test_outside_the_sandbox_no_token_is_printed_and_none_accepted(
    settings: Settings, rooms: Rooms, commands: Server
) -> None:
    made = commands.test_cli_runner().invoke(
        args=["staff", "create", "--role", "finance", "--json"]
    )
    token = json.loads(made.output)["access_token"]
    real = build(replace(settings, profile="production"))
    application = create_app(replace(settings, profile="production"), real)
    cli.register(application, replace(settings, profile="production"), real)
    try:
        with pytest.raises(TokenInvalid):
            real.deps[Authenticator].authenticate(token, fresh=True)
        result = application.test_cli_runner().invoke(
            args=["staff", "create", "--role", "finance", "--json"]
        )
        assert "access_token" not in json.loads(result.output)
    finally:
        real.close()


def test_an_integrators_secret_is_shown_once_and_kept_as_a_digest(
    commands: Server, rooms: Rooms
) -> None:
    result = commands.test_cli_runner().invoke(
        args=["integrators", "create", "--name", "map", "--scopes", "b.read,a.read", "--json"]
    )
    made = json.loads(result.output)
    assert made["scopes"] == ["a.read", "b.read"]
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = uow.execute(
            text(
                "select c.*, s.digest from clients c "
                "join client_secrets s on s.client_id = c.id where c.id = :id"
            ),
            {"id": made["id"]},
        ).one()
    assert bytes(row.digest) == digest(made["secret"])
    assert (row.status, row.profile, row.auth_method) == ("active", "plain", "client_secret_basic")
    assert row.grant_types == ["client_credentials"]
    assert made["secret"] not in str(tuple(row))


def test_an_integrators_token_speaks_for_its_scopes_until_it_is_ended(
    commands: Server, rooms: Rooms
) -> None:
    result = commands.test_cli_runner().invoke(
        args=["integrators", "create", "--name", "tour", "--scopes", "services.read", "--json"]
    )
    made = json.loads(result.output)
    given = commands.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(made["id"], made["secret"]),
    )
    token = given.json["access_token"]
    authenticator = rooms.deps[Authenticator]
    assert authenticator.authenticate(token, fresh=True).permissions == {"services.read"}
    answer = commands.test_client().get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update clients set status = 'suspended' where id = :id"), {"id": made["id"]}
        )
    with pytest.raises(TokenInvalid):
        authenticator.authenticate(token, fresh=True)


def test_an_integrators_name_is_its_own(commands: Server, rooms: Rooms) -> None:
    runner = commands.test_cli_runner()
    args = ["integrators", "create", "--name", "bus", "--json"]
    assert runner.invoke(args=args).exit_code == 0
    again = runner.invoke(args=args)
    assert (again.exit_code, again.output) == (1, "Error: there is an integrator 'bus'\n")
    with rooms.units.open(actor="test", read_only=True) as uow:
        named = text("select count(*) from clients where name = 'bus'")
        assert uow.scalar(named) == 1
