"""What ends a session ends it on every worker: two processes, as deployed."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from sqlalchemy import text

from app.factory import Rooms
from app.identity import service
from app.identity.values import SignedIn
from tests.conftest import World
from tests.factories import bearer, staff_token
from tests.identity.support import count, deps_of, log_in_quickly
from tests.identity.ways_in import GOOD
from tests.live import Answer, Live, at_once, serve

ASKED = 24
"""Calls on connections of their own: both processes answer some of them."""


@pytest.fixture(scope="module")
def live(world: World, rooms: Rooms) -> Iterator[Live]:
    with serve(world) as server:
        yield server


def refresh(live: Live, token: str) -> Answer:
    return live.post("/v1/auth/sessions/refresh", {"refresh_token": token}, {})


def me(live: Live, token: str) -> Answer:
    return live.call("GET", "/v1/me", headers=bearer(token))


def seconds_until_refused(live: Live, tokens: list[str]) -> float:
    """Return when the last call began that let one of these tokens in; after three seconds none."""
    began = time.monotonic()

    def call(token: str) -> tuple[float, int]:
        asked = time.monotonic() - began
        return asked, me(live, token).status

    every = [partial(call, token) for token in tokens * 4]
    last = 0.0
    while time.monotonic() - began < 1.5:
        last = max([last, *(asked for asked, status in at_once(every) if status == 200)])
    time.sleep(max(0.0, began + 3 - time.monotonic()))
    assert {status for _, status in at_once(every)} == {401}
    return last


def warm(live: Live, tokens: list[str]) -> None:
    """Let every worker have seen these tokens just now."""
    for token in tokens:
        answers = at_once([lambda t=token: me(live, t)] * 8)  # type: ignore[misc]
        assert {answer.status for answer in answers} == {200}


@pytest.mark.promise("P36")
def test_a_copied_refresh_token_ends_the_family_on_every_worker(
    live: Live, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    first = log_in_quickly(rooms)
    second = refresh(live, first.refresh_token).json
    third = refresh(live, second["refresh_token"]).json
    access = [first.access_token, second["access_token"], third["access_token"]]
    warm(live, access)
    assert refresh(live, first.refresh_token).status == 401  # R1 again: it was copied
    seconds = seconds_until_refused(live, access)
    for token in (first.refresh_token, second["refresh_token"], third["refresh_token"]):
        answers = at_once([lambda t=token: refresh(live, t)] * 4)  # type: ignore[misc]
        assert {answer.status for answer in answers} == {401}
    refused = at_once([lambda t=t: me(live, t) for t in access * 8])  # type: ignore[misc]
    assert {answer.status for answer in refused} == {401}
    alive = "select count(*) from sessions where id = :id and status = 'active'"
    assert count(rooms, alive, id=first.session_id) == 0
    shows(
        "R1 replayed after R3: 3 refresh and 3 access tokens refused by 2 workers, "
        f"the last let in after {seconds:.2f} s"
    )


@pytest.mark.promise("P37")
def test_parallel_refreshes_over_two_workers_leave_one_branch(
    live: Live, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    faults = forks = 0
    for _ in range(5):
        first = log_in_quickly(rooms)
        answers = at_once([lambda f=first: refresh(live, f.refresh_token)] * 20)  # type: ignore[misc]
        faults += sum(answer.status >= 500 for answer in answers)
        assert {answer.status for answer in answers} == {200}
        current = "select count(*) from refresh_tokens where session_id = :id and state = 'current'"
        forks += count(rooms, current, id=first.session_id) != 1
        # The answer that came last is the living branch, and it goes on.
        works = [refresh(live, answer.json["refresh_token"]).status for answer in answers[-1:]]
        assert set(works) <= {200, 401}
    assert (faults, forks) == (0, 0)
    shows("5 x 20 parallel redeems of one token over 2 workers: 1 live branch each, 0 x 5xx")


@pytest.mark.promise("P37")
def test_a_lost_answer_is_asked_for_again(
    live: Live, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    first = log_in_quickly(rooms)
    lost = [refresh(live, first.refresh_token).json for _ in range(3)]
    assert refresh(live, lost[-1]["refresh_token"]).status == 200
    shows("3 lost answers of one refresh: the session goes on")


def ends(live: Live, rooms: Rooms) -> dict[str, Callable[[SignedIn], Answer]]:
    """Return every act that ends sessions, as somebody calls it."""
    security = staff_token(rooms, "security-admin")

    def log_out(who: SignedIn) -> Answer:
        path = f"/v1/auth/sessions/{who.session_id}"
        return live.call("DELETE", path, headers=bearer(who.access_token))

    def lock(who: SignedIn) -> Answer:
        return live.post(
            f"/v1/identity/citizens/{who.citizen_id}/lock",
            {"reason": "takeover-suspected"},
            bearer(security),
        )

    return {"log-out": log_out, "a lock": lock}


@pytest.mark.promise("P39")
def test_what_ends_a_session_ends_it_on_every_worker_within_a_second(
    live: Live, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    for name, act in ends(live, rooms).items():
        who = log_in_quickly(rooms)
        warm(live, [who.access_token])
        done = act(who)
        assert done.status in {200, 204}, (name, done.body)
        # Whatever changes something asks the database: refused at once.
        writes = at_once(
            [
                lambda w=who: live.call(  # type: ignore[misc]
                    "DELETE", "/v1/auth/sessions", headers=bearer(w.access_token)
                )
            ]
            * ASKED
        )
        assert {answer.status for answer in writes} == {401}
        seconds = seconds_until_refused(live, [who.access_token])
        shows(f"{name}: {ASKED} writes refused at once, the last read after {seconds:.2f} s")


@pytest.mark.promise("P39")
def test_a_new_password_ends_the_others_on_every_worker(
    live: Live, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    who = log_in_quickly(rooms)
    body = f'{{"password": "{GOOD}"}}'.encode()
    headers = {**bearer(who.access_token), "Content-Type": "application/json"}
    assert live.call("PUT", "/v1/me/password", body=body, headers=headers).status == 204
    with rooms.units.open(actor="test", read_only=True) as uow:
        phone = service.phone_of(uow, deps_of(rooms).keyring, who.citizen_id)
    device = {"name": "x", "platform": "ios"}
    other = live.post("/v1/auth/sessions", {"phone": phone, "password": GOOD, "device": device}, {})
    assert other.status == 201
    token = other.json["access_token"]
    warm(live, [token])
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update sessions set stepped_up_at = now() where id = :id"),
            {"id": who.session_id},
        )
    changed = live.call(
        "PUT", "/v1/me/password", body=b'{"password": "nine grey cranes wander"}', headers=headers
    )
    assert changed.status == 204
    seconds = seconds_until_refused(live, [token])
    assert refresh(live, other.json["refresh_token"]).status == 401
    assert me(live, who.access_token).status == 200
    shows(f"password change: the other session let in last after {seconds:.2f} s, its own stays")
