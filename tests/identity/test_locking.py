"""Locking an account: by whom, how fast, and what stays shut."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.ids import new_id
from app.factory import Rooms
from tests.conftest import World
from tests.factories import (
    Citizen,
    ask_code,
    bearer,
    later,
    log_in,
    run_jobs,
    staff_token,
    texts_to,
)
from tests.identity.support import count

DEVICE = {"name": "我的手机", "platform": "android"}


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


@pytest.fixture
def guard(rooms: Rooms) -> dict[str, str]:
    return bearer(staff_token(rooms, "security-admin"))


def act(
    client: FlaskClient, who: dict[str, str], what: str, citizen_id: object, reason: str
) -> TestResponse:
    path = f"/v1/identity/citizens/{citizen_id}/{what}"
    return client.post(path, json={"reason": reason}, headers=who)


def test_a_lock_ends_every_session_and_keeps_the_door_shut(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, guard: dict[str, str]
) -> None:
    with later(61):
        second = log_in(client, world, rooms, citizen.phone, device="旧手机")
    for _ in range(2):
        answer = act(client, guard, "lock", citizen.id, "takeover-suspected")
        assert (answer.status_code, answer.data) == (204, b"")
    with later(122):
        for one in (citizen, second):
            refused = client.get("/v1/me", headers=one.auth)
            assert (refused.status_code, refused.json["code"]) == (401, "token-invalid")
            again = client.post("/v1/auth/sessions/refresh", json={"refresh_token": one.refresh})
            assert (again.status_code, again.json["code"]) == (401, "refresh-token-invalid")
        challenge, code = ask_code(client, world, rooms, citizen.phone)
        login = {"challenge_id": challenge, "code": code, "device": DEVICE}
        shut = client.post("/v1/auth/sessions", json=login)
        assert (shut.status_code, shut.json["code"]) == (403, "account-locked")
    live = "select count(*) from sessions where citizen_id = :id and status = 'active'"
    assert count(rooms, live, id=citizen.id) == 0
    log = (
        "select count(*) from event_log where entity = 'citizen' and entity_id = :id and "
        "to_state = 'locked' and data->>'reason' = 'takeover-suspected' and actor like 'staff:%'"
    )
    assert count(rooms, log, id=citizen.id) == 1
    run_jobs(rooms)
    told = [text for text in texts_to(world, citizen.phone) if "锁定" in text]
    assert len(told) == 1


def test_an_unlocked_account_opens_anew_and_its_old_sessions_do_not(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, guard: dict[str, str]
) -> None:
    assert act(client, guard, "lock", citizen.id, "citizen-asked").status_code == 204
    for _ in range(2):
        assert act(client, guard, "unlock", citizen.id, "cleared").status_code == 204
    with later(61):
        assert client.get("/v1/me", headers=citizen.auth).status_code == 401
        again = client.post("/v1/auth/sessions/refresh", json={"refresh_token": citizen.refresh})
        assert again.status_code == 401
        assert log_in(client, world, rooms, citizen.phone).id == citizen.id


@pytest.mark.parametrize(
    "role", ["system-admin", "auditor", "finance", "catalog-editor", "counter-clerk"]
)
def test_only_security_locks(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, role: str
) -> None:
    who = bearer(staff_token(rooms, role))
    for headers in (who, citizen.auth):
        for what in ("lock", "unlock"):
            answer = act(client, headers, what, citizen.id, "mistake")
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert client.get("/v1/me", headers=citizen.auth).status_code == 200


def test_a_lock_needs_a_citizen_and_a_reason(
    client: FlaskClient, citizen: Citizen, guard: dict[str, str]
) -> None:
    nobody = act(client, guard, "lock", new_id(), "mistake")
    assert (nobody.status_code, nobody.json["code"]) == (404, "citizen-not-found")
    bad = act(client, guard, "lock", citizen.id, "he was rude")
    assert (bad.status_code, bad.json["code"]) == (422, "invalid-input")
    path = f"/v1/identity/citizens/{citizen.id}/lock"
    assert client.post(path, json={}, headers=guard).status_code == 422
    assert client.get("/v1/me", headers=citizen.auth).status_code == 200


def test_all_of_my_sessions_end_together(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    with later(61):
        second = log_in(client, world, rooms, citizen.phone, device="旧手机")
    path = "/v1/auth/sessions?including_current=true"
    assert client.delete(path, headers=citizen.auth).status_code == 204
    for one in (citizen, second):
        # An unsafe method asks the database, so there is not even the second of the cache.
        refused = client.delete("/v1/auth/sessions", headers=one.auth)
        assert (refused.status_code, refused.json["code"]) == (401, "token-invalid")
