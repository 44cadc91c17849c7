"""What ends, ends at once and on every worker: two processes, the tokens of before.

What writes asks the database each time; what reads may use what was read a second ago.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.tokens import Tokens
from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, bearer, later, log_in, staff_token
from tests.identity.support import log_in_quickly
from tests.identity.ways_in import GOOD
from tests.live import Live, at_once, serve

SECOND = 1.0
DAY = 86_400
THREADS = 4
Act = Callable[[Live, Rooms, Citizen], int]


@pytest.fixture(scope="module")
def live(world: World) -> Iterator[Live]:
    """Return two processes that refuse nobody for being crowded: every answer is about tokens."""
    with serve(world, WEB_THREADS="64") as server:
        yield server


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return somebody who has logged in two minutes ago, so that another code may be sent."""
    with later(-120):
        return log_in(client, world, rooms)


def log_out(live: Live, _: Rooms, citizen: Citizen) -> int:
    path = f"/v1/auth/sessions/{citizen.session_id}"
    return live.call("DELETE", path, headers=citizen.auth).status


def log_out_everywhere(live: Live, _: Rooms, citizen: Citizen) -> int:
    path = "/v1/auth/sessions?including_current=true"
    return live.call("DELETE", path, headers=citizen.auth).status


def lock(live: Live, rooms: Rooms, citizen: Citizen) -> int:
    guard = bearer(staff_token(rooms, "security-admin"))
    path = f"/v1/identity/citizens/{citizen.id}/lock"
    return live.post(path, {"reason": "takeover-suspected"}, guard).status


def change_password(live: Live, rooms: Rooms, citizen: Citizen) -> int:
    """Set a password in another session of the same citizen."""
    other = log_in_quickly(rooms, citizen.phone)
    headers = {**bearer(other.access_token), "Content-Type": "application/json"}
    body = json.dumps({"password": GOOD}).encode()
    return live.call("PUT", "/v1/me/password", body=body, headers=headers).status


def copy_a_refresh_token(live: Live, _: Rooms, citizen: Citizen) -> int:
    """Redeem twice, then show the first token again; return 204 once the family has ended."""
    used = citizen.refresh
    for _step in range(2):
        answer = live.post("/v1/auth/sessions/refresh", {"refresh_token": used}, {})
        used = answer.json["refresh_token"]
    again = live.post("/v1/auth/sessions/refresh", {"refresh_token": citizen.refresh}, {})
    last = live.post("/v1/auth/sessions/refresh", {"refresh_token": used}, {})
    assert (again.status, last.status) == (401, 401)
    return 204


ACTS = {
    "logout": log_out,
    "logout everywhere": log_out_everywhere,
    "password set": change_password,
    "lock": lock,
    "refresh token copied": copy_a_refresh_token,
}


def read(live: Live, headers: dict[str, str], path: str = "/v1/me") -> int:
    return live.call("GET", path, headers=headers).status


def write(live: Live, headers: dict[str, str]) -> int:
    """Call something that would change a row."""
    return live.post("/v1/me/verifications", {"name": "张伟", "resident_id": "x"}, headers).status


def last_success(
    live: Live, headers: dict[str, str], act: Callable[[], None], path: str = "/v1/me"
) -> tuple[float, int]:
    """Read with a token all the while, act, and go on for two seconds.

    Return how long after the act's answer the last reading that succeeded began, and how many
    readings were made after it.
    """
    stop, seen = threading.Event(), []

    def hammer() -> None:
        while not stop.is_set():
            began = time.monotonic()
            seen.append((began, read(live, headers, path)))

    threads = [threading.Thread(target=hammer) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    act()
    done = time.monotonic()
    time.sleep(2 * SECOND)
    stop.set()
    for thread in threads:
        thread.join()
    after = [(began - done, status) for began, status in seen if began > done]
    assert {status for _, status in seen} == {200, 401}
    return max([began for began, status in after if status == 200], default=0.0), len(after)


@pytest.mark.promise("P39")
@pytest.mark.parametrize("what", ACTS)
def test_nothing_is_written_with_a_token_of_before(
    live: Live,
    rooms: Rooms,
    citizen: Citizen,
    what: str,
    shows: Callable[[str], None],
) -> None:
    # Both processes know the session well before it ends.
    assert set(at_once([lambda: read(live, citizen.auth)] * 8)) == {200}
    assert set(at_once([lambda: write(live, citizen.auth)] * 8)) == {422}
    assert ACTS[what](live, rooms, citizen) == 204
    found = at_once([lambda: write(live, citizen.auth)] * 16)
    assert set(found) == {401}
    shows(f"{what}: 16 writes at once with the token of before, on both workers: 0 accepted")


@pytest.mark.promise("P39")
@pytest.mark.timed
@pytest.mark.parametrize("what", ACTS)
def test_reading_ends_within_a_second(
    live: Live,
    rooms: Rooms,
    citizen: Citizen,
    what: str,
    shows: Callable[[str], None],
) -> None:
    def act() -> None:
        assert ACTS[what](live, rooms, citizen) == 204

    last, readings = last_success(live, citizen.auth, act)
    assert last <= SECOND
    shows(f"{what}: the last of {readings} reads let in began {1000 * last:.0f} ms after it")


@pytest.mark.promise("P39")
@pytest.mark.timed
def test_staff_who_lost_their_role_read_nothing_more(
    live: Live, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    token, guard = staff_token(rooms, "finance"), bearer(staff_token(rooms, "security-admin"))
    path = f"/v1/staff/members/{rooms.deps[Tokens].verify(token)['sub']}/suspension"

    def act() -> None:
        assert live.post(path, {}, guard).status == 204

    last, readings = last_success(live, bearer(token), act, "/v1/ledger/trial-balance")
    assert last <= SECOND
    shows(f"suspended: the last of {readings} reads let in began {1000 * last:.0f} ms after it")


@pytest.mark.promise("P36")
def test_a_copied_refresh_token_ends_the_family_on_every_worker(
    live: Live, rooms: Rooms, citizen: Citizen, shows: Callable[[str], None]
) -> None:
    first = citizen.refresh
    second = live.post("/v1/auth/sessions/refresh", {"refresh_token": first}, {}).json
    third = live.post(
        "/v1/auth/sessions/refresh", {"refresh_token": second["refresh_token"]}, {}
    ).json
    newest = bearer(third["access_token"])
    assert set(at_once([lambda: read(live, newest)] * 8)) == {200}

    def redeem(token: str) -> int:
        return live.post("/v1/auth/sessions/refresh", {"refresh_token": token}, {}).status

    family = [first, second["refresh_token"], third["refresh_token"]]
    assert redeem(first) == 401
    found = at_once([lambda token=token: redeem(token) for token in family * 6])
    assert found == [401] * 18
    found = at_once([lambda: write(live, newest)] * 16)
    assert found == [401] * 16
    with rooms.units.open(actor="test", read_only=True) as uow:
        causes = uow.scalars(
            text("select cause from event_log where entity_id = :id and to_state = 'ended'"),
            {"id": citizen.session_id},
        ).all()
    assert causes == ["refresh-token-reused"]
    shows("R1, R2, R3, then R1 again: 18 redeems and 16 calls on both workers: 0 accepted")


@pytest.mark.promise("P37")
def test_twenty_parallel_redeems_leave_one_branch(
    live: Live, rooms: Rooms, citizen: Citizen, shows: Callable[[str], None]
) -> None:
    def redeem(token: str) -> tuple[int, str]:
        answer = live.post("/v1/auth/sessions/refresh", {"refresh_token": token}, {})
        return answer.status, str(answer.json.get("refresh_token"))

    found = at_once([lambda: redeem(citizen.refresh)] * 20)
    assert {status for status, _ in found} == {200}
    with rooms.units.open(actor="test", read_only=True) as uow:
        states = uow.execute(
            text("select state, count(*) from refresh_tokens where session_id = :id group by 1"),
            {"id": citizen.session_id},
        ).all()
    assert sorted(map(tuple, states)) == [("current", 1), ("parent", 1), ("void", 19)]
    # The answer with the only living child was lost: the parent gives another one.
    status, child = redeem(citizen.refresh)
    assert status == 200
    assert redeem(child)[0] == 200
    shows("20 parallel redeems of one token: 20 answers, 1 living branch, 0 logged out, 0 x 5xx")
    shows("the answer lost: redeemed again, and its child goes on")


@pytest.mark.promise("P39")
def test_a_session_ends_when_it_idles_and_when_it_is_old(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    def refresh(token: str) -> tuple[int, str]:
        answer = client.post("/v1/auth/sessions/refresh", json={"refresh_token": token})
        return answer.status_code, str(answer.json.get("refresh_token"))

    idle, old = log_in(client, world, rooms), log_in(client, world, rooms)
    with later(14 * DAY + 1):
        assert refresh(idle.refresh)[0] == 401
    token = old.refresh
    for days in (13, 26, 29):
        with later(days * DAY):
            status, token = refresh(token)
            assert status == 200
    with later(30 * DAY + 1):
        assert refresh(token)[0] == 401
    shows("a session idle for 14 days, and one in use that is 30 days old: 0 refreshed")
