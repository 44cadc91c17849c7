"""The first administrators, from the command line and once."""

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import cli
from app.cli.staff import DOCUMENT
from app.factory import Rooms, create_app
from app.http.server import Server
from config.settings import Settings
from tests.factories import later
from tests.staff.support import accept, count, join, log_in, run

HOURS = 3600


@pytest.fixture(scope="session")
def commands(settings: Settings, rooms: Rooms) -> Server:
    application = create_app(settings, rooms)
    cli.register(application, settings, rooms)
    return application


@pytest.fixture
def nobody(rooms: Rooms) -> None:
    """Let there be no security administrator whose account is open or invited."""
    run(
        rooms,
        "update staff set status = 'suspended' where status in ('active', 'invited') and id in "
        "(select staff_id from staff_roles where role = 'security-admin')",
    )


def bootstrap(commands: Server) -> tuple[int, list[dict[str, str]]]:
    result = commands.test_cli_runner().invoke(args=["staff", "bootstrap", "--json"])
    lines = result.output.splitlines() if result.exit_code == 0 else []
    return result.exit_code, [json.loads(line) for line in lines]


@pytest.mark.usefixtures("nobody")
def test_bootstrap_invites_two_security_administrators_once(
    commands: Server, client: FlaskClient, rooms: Rooms
) -> None:
    code, invited = bootstrap(commands)
    assert (code, len(invited)) == (0, 2)
    assert bootstrap(commands) == (1, [])
    tokens = {entry["token"] for entry in invited}
    kept = run(rooms, "select string_agg(t::text, ' ') from staff_invitations t")[0]
    assert not any(token in kept for token in tokens)
    for entry in invited:
        member = log_in(client, rooms, accept(client, rooms, entry["id"], entry["token"]))
        me = client.get("/v1/staff/me", headers=member.auth).json
        assert me["roles"] == ["security-admin"]
    assert bootstrap(commands) == (1, [])


@pytest.mark.usefixtures("nobody")
def test_an_invitation_that_was_not_taken_makes_room_for_another(
    commands: Server, client: FlaskClient, rooms: Rooms
) -> None:
    _, first = bootstrap(commands)
    with later(73 * HOURS):
        code, again = bootstrap(commands)
    assert (code, len(again)) == (0, 2)
    for entry in first:
        assert run(rooms, "select status from staff where id = :id", id=entry["id"])[0] == "ended"
        assert client.post("/v1/staff/openings", json={"token": entry["token"]}).status_code == 401


@pytest.mark.usefixtures("nobody")
def test_with_one_left_the_other_is_invited(
    commands: Server, client: FlaskClient, rooms: Rooms
) -> None:
    join(client, rooms, "security-admin")
    code, invited = bootstrap(commands)
    assert (code, len(invited)) == (0, 1)
    assert bootstrap(commands)[0] == 1


@pytest.mark.usefixtures("nobody")
def test_bootstrap_is_in_the_record(commands: Server, rooms: Rooms) -> None:
    before = count(rooms, "select count(*) from event_log where entity = 'staff'")
    _, invited = bootstrap(commands)
    assert count(rooms, "select count(*) from event_log where entity = 'staff'") == before + 2
    for entry in invited:
        row = run(rooms, "select actor from event_log where entity_id = :id", id=entry["id"])
        assert row.actor == "command-line"


def test_the_page_of_roles_is_checked(
    commands: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = commands.test_cli_runner()
    assert runner.invoke(args=["staff", "roles", "--check"]).exit_code == 0
    written = DOCUMENT.read_text(encoding="utf-8")
    page = tmp_path / "roles.md"  # the page itself is read by tests of other processes
    monkeypatch.setattr("app.cli.staff.DOCUMENT", page)
    page.write_text(written, encoding="utf-8")
    assert runner.invoke(args=["staff", "roles", "--check"]).exit_code == 0
    page.write_text(written.replace("`audit.read`", "`audit.write`"), encoding="utf-8")
    assert runner.invoke(args=["staff", "roles", "--check"]).exit_code == 1
