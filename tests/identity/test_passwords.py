"""Passwords of citizens over HTTP: set, used to log in, taken away."""

import json

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, ask_code, bearer, later, log_in, make_phone, run_jobs, texts_to
from tests.identity.support import count
from tests.identity.ways_in import (
    DEVICE,
    FAR,
    GOOD,
    SHORT,
    by_password,
    put_password,
    step_up,
    with_password,
)

SESSIONS = "select count(*) from sessions where citizen_id = :id"
PASSWORDS = "select count(*) from passwords where owner_id = :id"


def factors(client: FlaskClient, citizen: Citizen) -> dict[str, object]:
    return dict(client.get("/v1/me/factors", headers=citizen.auth).json)


def test_a_long_password_logs_in_alone(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_password(client, world, rooms)
    answer = by_password(client, citizen.phone)
    assert answer.status_code == 201
    assert answer.json["citizen"]["id"] == citizen.id
    assert client.get("/v1/me", headers=bearer(answer.json["access_token"])).status_code == 200
    assert by_password(client, citizen.phone.removeprefix("+86")).status_code == 201


def test_a_wrong_one_begins_no_session(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_password(client, world, rooms)
    for wrong in (GOOD + " ", GOOD.upper(), "x"):
        answer = by_password(client, citizen.phone, wrong)
        assert (answer.status_code, answer.json["code"]) == (422, "credentials-wrong")
    assert count(rooms, SESSIONS, id=citizen.id) == 1


def test_a_short_password_needs_a_code_besides(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = with_password(client, world, rooms, SHORT)
    alone = by_password(client, citizen.phone, SHORT)
    assert (alone.status_code, alone.json["code"]) == (403, "second-factor-needed")
    assert count(rooms, SESSIONS, id=citizen.id) == 1
    with later(61):
        challenge_id, code = ask_code(client, world, rooms, citizen.phone)
        body = {"challenge_id": challenge_id, "code": code, "password": SHORT, "device": DEVICE}
        wrong = client.post("/v1/auth/sessions", json={**body, "password": "x"})
        assert (wrong.status_code, wrong.json["code"]) == (422, "credentials-wrong")
        both = client.post("/v1/auth/sessions", json=body)
        assert both.status_code == 201
        me = client.get("/v1/me", headers=bearer(both.json["access_token"])).json
        assert me["stepped_up_until"] is not None


def test_code_and_password_of_a_number_without_an_account_are_refused(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone = make_phone()
    challenge_id, code = ask_code(client, world, rooms, phone)
    body = {"challenge_id": challenge_id, "code": code, "password": GOOD, "device": DEVICE}
    answer = client.post("/v1/auth/sessions", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "credentials-wrong")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": "+8613800000000"},
        {"password": GOOD},
        {"phone": "+8613800000000", "code": "123456"},
        {"phone": "+8613800000000", "password": GOOD, "code": "123456"},
        {"challenge_id": "01a22349-fd55-7ce7-b7d8-c782379360c6", "password": GOOD},
        {"phone": "+8613800000000", "password": "\ud800abcdefgh"},
        {"phone": "+8613800000000", "password": "x" * 129},
        {"phone": "+8613800000000", "password": ""},
    ],
)
def test_half_a_way_is_no_way(client: FlaskClient, body: dict[str, str]) -> None:
    sent = json.dumps({**body, "device": DEVICE})
    answer = client.post("/v1/auth/sessions", data=sent, content_type="application/json")
    assert answer.status_code in {400, 422}


def test_a_password_that_is_easy_to_guess_is_refused_with_reasons(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    for password, reason in (
        ("1234567", "too-short"),
        ("password123", "common"),
        (f"my {citizen.phone[-11:]} number", "personal"),
        ("i love wudang mountain", "personal"),
    ):
        answer = put_password(client, citizen, password)
        assert (answer.status_code, answer.json["code"]) == (422, "password-too-weak")
        assert reason in answer.json["reasons"]
    assert count(rooms, PASSWORDS, id=citizen.id) == 0


def test_a_first_password_is_set_soon_after_the_log_in_or_after_a_step_up(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    with later(301):
        late = put_password(client, citizen)
        assert (late.status_code, late.json["code"]) == (401, "step-up-required")
        assert "insufficient_user_authentication" in late.headers["WWW-Authenticate"]
        assert count(rooms, PASSWORDS, id=citizen.id) == 0
        step_up(rooms, citizen)
        assert put_password(client, citizen).status_code == 204


def test_a_second_password_needs_a_step_up(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_password(client, world, rooms)
    refused = put_password(client, citizen, "another good long one")
    assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
    assert by_password(client, citizen.phone).status_code == 201
    step_up(rooms, citizen)
    assert put_password(client, citizen, "another good long one").status_code == 204
    assert by_password(client, citizen.phone).status_code == 422
    assert by_password(client, citizen.phone, "another good long one").status_code == 201


@pytest.mark.promise("P39")
def test_a_new_password_ends_the_other_sessions_at_once(
    client: FlaskClient, world: World, rooms: Rooms, shows: object
) -> None:
    citizen = with_password(client, world, rooms)
    others = [by_password(client, citizen.phone).json for _ in range(5)]
    step_up(rooms, citizen)
    assert put_password(client, citizen, "another good long one").status_code == 204
    refused = 0
    for other in others:
        body = {"refresh_token": other["refresh_token"]}
        assert client.post("/v1/auth/sessions/refresh", json=body).status_code == 401
        assert (
            client.delete("/v1/me/password", headers=bearer(other["access_token"])).status_code
            == 401
        )
        refused += 1
    assert client.get("/v1/me", headers=citizen.auth).status_code == 200
    shows(f"password change: {refused} of 5 other sessions refused on their next call")  # type: ignore[operator]


def test_a_password_is_removed_after_a_step_up(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = with_password(client, world, rooms)
    refused = client.delete("/v1/me/password", headers=citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
    step_up(rooms, citizen)
    for _ in range(2):
        assert client.delete("/v1/me/password", headers=citizen.auth).status_code == 204
    assert by_password(client, citizen.phone).json["code"] == "credentials-wrong"
    assert factors(client, citizen) == {"password": False, "passkeys": 0, "recovery_codes": 0}


def test_the_citizen_is_told(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_password(client, world, rooms)
    run_jobs(rooms)
    assert "设置了登录密码" in texts_to(world, citizen.phone)[0]
    inbox = client.get("/v1/me/inbox", headers=citizen.auth).json["items"]
    assert inbox[0]["kind"] == "factor-changed"


def test_recovery_codes_are_shown_once_after_a_step_up(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    refused = client.post("/v1/me/recovery-codes", headers=citizen.auth)
    assert refused.json["code"] == "step-up-required"
    step_up(rooms, citizen)
    made = client.post("/v1/me/recovery-codes", headers=citizen.auth)
    assert made.status_code == 201
    assert len(set(made.json["codes"])) == 10
    assert factors(client, citizen)["recovery_codes"] == 10


def test_each_way_in_is_in_the_trail(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_password(client, world, rooms)
    by_password(client, citizen.phone, "wrong", FAR)
    by_password(client, citizen.phone, address=FAR)
    rows = "select count(*) from audit_entries where subject_id = :id and event = :event"
    for event, times in (
        ("login.succeeded", 2),
        ("login.refused", 1),
        ("credentials.guessed", 1),
        ("password.set", 1),
    ):
        assert count(rooms, rows, id=citizen.id, event=event) == times, event
