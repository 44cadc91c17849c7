"""A change of number: proven by a code to the new one, told to the old one."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.identity import service
from app.identity.events import PhoneChanged
from tests.conftest import World
from tests.factories import Citizen, ask_code, later, log_in, make_phone, run_jobs, texts_to
from tests.identity.support import count, deps_of, in_parallel, index_of
from tests.identity.ways_in import by_password, step_up, with_password


def change(client: FlaskClient, citizen: Citizen, challenge_id: str, code: str) -> TestResponse:
    body = {"challenge_id": challenge_id, "code": code}
    return client.post("/v1/me/phone", json=body, headers=citizen.auth)


def test_an_account_moves_to_another_number(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, new = with_password(client, world, rooms), make_phone()
    other = by_password(client, citizen.phone).json
    challenge_id, code = ask_code(client, world, rooms, new, "change-phone")
    refused = change(client, citizen, challenge_id, code)
    assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
    step_up(rooms, citizen)
    assert change(client, citizen, challenge_id, code).status_code == 204
    run_jobs(rooms)
    assert client.get("/v1/me", headers=citizen.auth).json["phone"].endswith(new[-4:])
    assert by_password(client, new).json["citizen"]["id"] == citizen.id
    assert by_password(client, citizen.phone).json["code"] == "credentials-wrong"
    body = {"refresh_token": other["refresh_token"]}
    assert client.post("/v1/auth/sessions/refresh", json=body).status_code == 401
    assert "已更换手机号" in texts_to(world, citizen.phone)[0]
    assert "更换为本手机号" in texts_to(world, new)[0]
    left = (
        "select count(*) from phone_changes where citizen_id = :id and old_phone_sealed is not null"
    )
    assert count(rooms, left, id=citizen.id) == 0


def test_the_old_number_is_told_once(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen, new = log_in(client, world, rooms), make_phone()
    step_up(rooms, citizen)
    challenge_id, code = ask_code(client, world, rooms, new, "change-phone")
    assert change(client, citizen, challenge_id, code).status_code == 204
    with rooms.units.open(actor="test", read_only=True) as uow:
        change_id = uow.execute(
            text("select id from phone_changes where citizen_id = :id"),
            {"id": citizen.id},
        ).scalar_one()
    for _ in range(2):
        with rooms.units.open(actor="test") as uow:
            service.tell_old_phone(uow, deps_of(rooms), PhoneChanged(change_id=change_id))
    run_jobs(rooms)
    assert sum("已更换手机号" in sms for sms in texts_to(world, citizen.phone)) == 1


def test_a_number_of_another_account_is_refused_to_its_holder_only(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, other = log_in(client, world, rooms), log_in(client, world, rooms)
    step_up(rooms, citizen)
    with later(61):
        challenge_id, code = ask_code(client, world, rooms, other.phone, "change-phone")
        wrong = change(client, citizen, challenge_id, f"{(int(code) + 1) % 10**6:06d}")
        assert wrong.json["code"] == "code-wrong"
        taken = change(client, citizen, challenge_id, code)
        assert (taken.status_code, taken.json["code"]) == (409, "phone-taken")
    assert client.get("/v1/me", headers=citizen.auth).json["phone"].endswith(citizen.phone[-4:])


def test_its_own_number_is_no_change(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    step_up(rooms, citizen)
    with later(61):
        challenge_id, code = ask_code(client, world, rooms, citizen.phone, "change-phone")
        assert change(client, citizen, challenge_id, code).json["code"] == "phone-unchanged"


@pytest.mark.parametrize("purpose", ["login", "step-up", "reset"])
def test_a_code_for_something_else_changes_nothing(
    client: FlaskClient, world: World, rooms: Rooms, purpose: str
) -> None:
    citizen = log_in(client, world, rooms)
    step_up(rooms, citizen)
    challenge_id, code = ask_code(client, world, rooms, make_phone(), purpose)
    assert change(client, citizen, challenge_id, code).json["code"] == "code-wrong"


def test_a_code_for_a_change_logs_nobody_in(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    challenge_id, code = ask_code(client, world, rooms, make_phone(), "change-phone")
    body = {
        "challenge_id": challenge_id,
        "code": code,
        "device": {"name": "x", "platform": "ios"},
    }
    assert client.post("/v1/auth/sessions", json=body).json["code"] == "code-wrong"


def test_two_accounts_that_want_one_number_at_once(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    new, app = make_phone(), client.application
    citizens = [log_in(client, world, rooms) for _ in range(2)]
    proofs = []
    for turn, citizen in enumerate(citizens):
        with later(61 * turn):
            proofs.append(ask_code(client, world, rooms, new, "change-phone"))
            step_up(rooms, citizen)
    with later(62):
        calls = [
            lambda c=c, p=p: change(app.test_client(), c, *p)  # type: ignore[misc]
            for c, p in zip(citizens, proofs, strict=True)
        ]
        answers = in_parallel(calls)
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    index = index_of(rooms, "phone", new)
    owners = "select count(*) from citizens where phone_index = :index and status <> 'closed'"
    assert count(rooms, owners, index=index) == 1
