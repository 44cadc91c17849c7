"""Refresh tokens (F07): stable where a key binds them, rotated where nothing does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from app.factory import Rooms
from app.http.server import Server
from app.oauth.values import GrantType
from tests.factories import Citizen, later, run_jobs
from tests.oauth.support import GONE, make_client, make_key, native, open_browser, plain

Shows = Callable[[str], None]


def test_a_fapi_client_keeps_its_token(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp = make_client(app, rooms)
    tokens = rp.log_in(open_browser(app, rooms, citizen), scope="openid offline_access")
    for days in (0, 30, 89):
        with later(days * 86_400):
            answer = rp.refresh(tokens["refresh_token"])
            assert answer.status_code == 200, (days, answer.text)
            assert "refresh_token" not in answer.json
    with later(90 * 86_400 + 1):
        assert rp.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_a_bound_token_needs_its_key(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp, other = make_client(app, rooms), make_client(app, rooms)
    token = rp.log_in(open_browser(app, rooms, citizen))["refresh_token"]
    stolen = rp.refresh(token, proof=rp.proof("/oauth/token", key=make_key()))
    assert (stolen.status_code, stolen.json["error"]) == (400, "invalid_grant")
    assert rp.refresh(token, proof=GONE).json["error"] == "invalid_dpop_proof"
    assert other.refresh(token).json["error"] == "invalid_grant"
    assert rp.refresh(token).status_code == 200


def test_a_confidential_client_keeps_its_token(app: Server, rooms: Rooms, citizen: Citizen) -> None:
    rp, other = plain(app, rooms), plain(app, rooms)
    token = rp.log_in(open_browser(app, rooms, citizen))["refresh_token"]
    assert other.refresh(token).json["error"] == "invalid_grant"
    assert [rp.refresh(token).status_code for _ in range(3)] == [200] * 3


def test_scopes_may_become_fewer_and_never_more(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = plain(app, rooms)
    tokens = rp.log_in(open_browser(app, rooms, citizen), scope="openid phone")
    less = rp.refresh(tokens["refresh_token"], scope="openid").json
    assert less["scope"] == "openid"
    assert set(rp.call(less["access_token"]).json) == {"sub"}
    for asked in ("openid profile", "openid phone profile", "everything"):
        answer = rp.refresh(tokens["refresh_token"], scope=asked)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")
    assert rp.refresh(tokens["refresh_token"]).json["scope"] == "openid phone"


def test_a_public_client_rotates_and_a_copy_ends_the_family(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = native(app, rooms)
    first = rp.log_in(open_browser(app, rooms, citizen))["refresh_token"]
    second = rp.refresh(first).json["refresh_token"]
    again = rp.refresh(first).json["refresh_token"]  # its answer was lost: the parent still counts
    third = rp.refresh(again).json
    assert len({first, second, again, third["refresh_token"]}) == 4
    assert rp.call(third["access_token"]).status_code == 200
    assert (
        rp.refresh(first).json["error"] == "invalid_grant"
    )  # the grandparent: somebody has a copy
    for token in (third["refresh_token"], again, second):
        assert rp.refresh(token).json["error"] == "invalid_grant"
    assert not rp.is_active(third["access_token"])


@pytest.mark.promise("P40")
def test_twenty_parallel_refreshes_leave_one_branch(
    app: Server, rooms: Rooms, citizen: Citizen, shows: Shows
) -> None:
    rp = native(app, rooms)
    token = rp.log_in(open_browser(app, rooms, citizen))["refresh_token"]
    fields = {"grant_type": "refresh_token", "refresh_token": token, "client_id": rp.client_id}

    def refresh(_: int) -> tuple[int, str]:
        answer = app.test_client().post("/oauth/token", data=fields)
        return answer.status_code, answer.json.get("refresh_token", "")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(refresh, range(20)))
    assert {status for status, _ in answers} == {200}
    with rooms.units.open(actor="test", read_only=True) as uow:
        live = text(
            "select count(*) filter (where t.state = 'current') from grant_tokens t "
            "join grants g on g.id = t.grant_id where g.client_id = :id"
        )
        assert uow.scalar(live, {"id": rp.client_id}) == 1
    shows("20 parallel refreshes of one token: 20 answers, 1 live branch, 0 x 5xx")


def test_a_grant_ends_with_its_session_unless_it_was_given_for_longer(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    browser = open_browser(app, rooms, citizen)
    short, long = plain(app, rooms), plain(app, rooms)
    bound = short.log_in(browser)
    kept = long.log_in(browser, scope="openid offline_access")
    ended = app.test_client().delete(
        f"/v1/auth/sessions/{citizen.session_id}", headers=citizen.auth
    )
    assert ended.status_code == 204
    # Before any job has run: whoever reads a token asks for the session.
    assert short.refresh(bound["refresh_token"]).json["error"] == "invalid_grant"
    assert not short.is_active(bound["access_token"])
    assert long.refresh(kept["refresh_token"]).status_code == 200
    run_jobs(rooms)
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = text("select status, is_offline from grants where citizen_id = :id")
        found = {tuple(row) for row in uow.execute(rows, {"id": UUID(citizen.id)})}
    assert found == {("ended", False), ("active", True)}


def test_no_refresh_token_for_clients_without_that_grant(
    app: Server, rooms: Rooms, citizen: Citizen
) -> None:
    rp = plain(app, rooms, grant_types=(GrantType.CODE,))
    assert "refresh_token" not in rp.log_in(open_browser(app, rooms, citizen))
