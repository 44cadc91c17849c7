"""Logging in with a code."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.ids import new_id
from app.factory import Rooms
from app.identity import service
from app.identity.errors import AccountLocked, CodeWrong
from app.identity.values import Device, LogIn, Purpose, SignedIn
from tests.conftest import World
from tests.factories import bearer, later, log_in, make_phone
from tests.identity.support import HERE, ask, count, deps_of, in_parallel, index_of, log_in_quickly

DEVICE = {"name": "我的手机", "platform": "ios"}


def post(client: FlaskClient, challenge_id: object, code: str) -> TestResponse:
    body = {"challenge_id": str(challenge_id), "code": code, "device": DEVICE}
    return client.post("/v1/auth/sessions", json=body)


def sessions_of(rooms: Rooms, phone: str) -> int:
    index = index_of(rooms, "phone", phone)
    statement = (
        "select count(*) from sessions s join citizens c on c.id = s.citizen_id "
        "where c.phone_index = :index"
    )
    return count(rooms, statement, index=index)


def citizens_with(rooms: Rooms, phone: str) -> int:
    index = index_of(rooms, "phone", phone)
    return count(rooms, "select count(*) from citizens where phone_index = :index", index=index)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_the_answer_has_the_shape_of_the_journey(client: FlaskClient, rooms: Rooms) -> None:
    challenge_id, code = ask(rooms, make_phone())
    answer = post(client, challenge_id, code)
    assert answer.status_code == 201
    assert set(answer.json) == {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "session",
        "citizen",
    }
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 600
    assert answer.json["citizen"]["assurance"] == "basic"
    assert answer.headers["Cache-Control"] == "no-store"
    me = client.get("/v1/me", headers=bearer(answer.json["access_token"]))
    assert me.json["id"] == answer.json["citizen"]["id"]


def test_a_second_log_in_is_the_same_citizen(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    first = log_in(client, world, rooms)
    with later(61):
        second = log_in(client, world, rooms, first.phone)
    assert second.id == first.id
    assert second.session_id != first.session_id
    assert citizens_with(rooms, first.phone) == 1


def test_five_wrong_codes_end_a_challenge(client: FlaskClient, rooms: Rooms) -> None:
    phone = make_phone()
    challenge_id, code = ask(rooms, phone)
    for _ in range(5):
        answer = post(client, challenge_id, other(code))
        assert (answer.status_code, answer.json["code"]) == (422, "code-wrong")
    assert post(client, challenge_id, code).status_code == 422
    assert count(rooms, "select tries from challenges where id = :id", id=challenge_id) == 5
    assert citizens_with(rooms, phone) == 0


def test_parallel_guesses_are_five_at_most(client: FlaskClient, rooms: Rooms) -> None:
    phone = make_phone()
    challenge_id, code = ask(rooms, phone)
    app = client.application
    wrong = other(code)
    calls = [lambda: post(app.test_client(), challenge_id, wrong).status_code] * 24
    assert in_parallel(calls) == [422] * 24
    assert count(rooms, "select tries from challenges where id = :id", id=challenge_id) == 5
    assert post(client, challenge_id, code).status_code == 422


def test_a_code_opens_once_also_in_parallel(client: FlaskClient, rooms: Rooms) -> None:
    phone = make_phone()
    challenge_id, code = ask(rooms, phone)
    app = client.application
    calls = [lambda: post(app.test_client(), challenge_id, code).status_code] * 5
    assert sorted(in_parallel(calls)) == [201, 422, 422, 422, 422]
    assert sessions_of(rooms, phone) == 1


def test_a_code_is_over_after_five_minutes(client: FlaskClient, rooms: Rooms) -> None:
    phone = make_phone()
    challenge_id, code = ask(rooms, phone)
    with later(301):
        assert post(client, challenge_id, code).status_code == 422
    assert citizens_with(rooms, phone) == 0
    assert post(client, challenge_id, code).status_code == 201


def test_a_code_belongs_to_its_challenge(client: FlaskClient, rooms: Rooms) -> None:
    mine, my_code = ask(rooms, make_phone())
    theirs, their_code = ask(rooms, make_phone())
    if my_code != their_code:
        assert post(client, mine, their_code).status_code == 422
    assert post(client, theirs, their_code).status_code == 201


def test_wrong_used_over_and_unknown_look_the_same(client: FlaskClient, rooms: Rooms) -> None:
    wrong, wrong_code = ask(rooms, make_phone())
    used, used_code = ask(rooms, make_phone())
    over, over_code = ask(rooms, make_phone())
    assert post(client, used, used_code).status_code == 201
    answers = [
        post(client, wrong, other(wrong_code)),
        post(client, used, used_code),
        post(client, new_id(), "123456"),
    ]
    with later(301):
        answers.append(post(client, over, over_code))
    bodies = {answer.data.replace(answer.json["request_id"].encode(), b"") for answer in answers}
    assert len(bodies) == 1
    assert {answer.status_code for answer in answers} == {422}


def test_parallel_first_log_ins_make_one_citizen(rooms: Rooms) -> None:
    for _ in range(3):
        phone = make_phone()
        codes = []
        for step in range(5):
            with later(61 * step):
                codes.append(ask(rooms, phone))

        def start(challenge_id: UUID, code: str) -> SignedIn:
            login = LogIn(challenge_id, code, Device("x", "ios"))
            with rooms.units.open(actor="test") as uow:
                return service.start_session(uow, deps_of(rooms), login, HERE)

        made = in_parallel([lambda pair=pair: start(*pair) for pair in codes])
        assert len({signed_in.citizen_id for signed_in in made}) == 1
        assert citizens_with(rooms, phone) == 1
        assert sessions_of(rooms, phone) == 5


def test_the_oldest_of_eleven_sessions_ends(rooms: Rooms, client: FlaskClient) -> None:
    phone = make_phone()
    made: list[SignedIn] = []
    for hour in range(11):
        with later(3_600 * hour if hour < 9 else 86_400 + 3_600 * hour):
            made.append(log_in_quickly(rooms, phone, device=f"device {hour}"))
    with rooms.units.open(actor="test", read_only=True) as uow:
        ended = text("select id from sessions where citizen_id = :id and status = 'ended'")
        over = list(uow.scalars(ended, {"id": made[0].citizen_id}))
    assert over == [made[0].session_id]
    assert client.get("/v1/me", headers=bearer(made[0].access_token)).status_code == 401


def test_a_new_device_is_told_but_not_the_first_and_not_a_known_one(rooms: Rooms) -> None:
    phone = make_phone()
    told = "select count(*) from inbox_messages where citizen_id = :id and kind = 'new-device'"
    citizen_id = log_in_quickly(rooms, phone, device="old").citizen_id
    assert count(rooms, told, id=citizen_id) == 0
    with later(61):
        log_in_quickly(rooms, phone, device="old")
    assert count(rooms, told, id=citizen_id) == 0
    with later(122):
        stranger = log_in_quickly(rooms, phone, device="new")
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.execute(
            text("select subject from inbox_messages where citizen_id = :id"), {"id": citizen_id}
        )
        assert list(rows.scalars()) == [str(stranger.session_id)]


def test_a_locked_account_cannot_log_in_and_a_closed_one_frees_its_number(rooms: Rooms) -> None:
    phone = make_phone()
    old = log_in_quickly(rooms, phone).citizen_id
    change = text("update citizens set status = :status where id = :id")
    with rooms.units.open(actor="test") as uow:
        uow.execute(change, {"status": "locked", "id": old})
    with later(61), pytest.raises(AccountLocked):
        log_in_quickly(rooms, phone)
    with rooms.units.open(actor="test") as uow:
        uow.execute(change, {"status": "closed", "id": old})
    with later(122):
        assert log_in_quickly(rooms, phone).citizen_id != old


@pytest.mark.parametrize(
    "change",
    [
        {"code": "12345"},
        {"code": "1234567"},
        {"code": "１２３４５６"},
        {"code": 123456},
        {"challenge_id": "x"},
        {"device": {"name": "x"}},
        {"device": {"name": "x", "platform": "<b>"}},
        {"device": {"name": "x" * 61, "platform": "ios"}},
        {"assurance": "strong"},
        {"citizen_id": "01900000-0000-7000-8000-000000000000"},
    ],
)
def test_a_body_that_is_not_as_documented_is_refused(
    client: FlaskClient, rooms: Rooms, change: dict[str, object]
) -> None:
    challenge_id, code = ask(rooms, make_phone())
    body = {"challenge_id": str(challenge_id), "code": code, "device": DEVICE, **change}
    answer = client.post("/v1/auth/sessions", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
    assert count(rooms, "select tries from challenges where id = :id", id=challenge_id) == 0


def test_a_used_challenge_stays_used_when_two_right_codes_race_past_the_try(rooms: Rooms) -> None:
    challenge_id, code = ask(rooms, make_phone())
    with rooms.units.open(actor="one") as one, rooms.units.open(actor="two") as two:
        first = service.challenges.try_code(
            one, deps_of(rooms), challenge_id, code, Purpose.LOGIN, HERE
        )
        second = service.challenges.try_code(
            two, deps_of(rooms), challenge_id, code, Purpose.LOGIN, HERE
        )
        with one.phase():
            service.challenges.use_challenge(one, deps_of(rooms), first)
        with pytest.raises(CodeWrong):
            service.challenges.use_challenge(two, deps_of(rooms), second)
