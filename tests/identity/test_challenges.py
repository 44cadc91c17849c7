"""Codes by SMS: who gets one, how often, and what nobody can learn from it."""

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.identity import service
from app.identity.errors import CodeWrong, TooManyCodes, TooManyTries
from app.identity.events import ChallengeOpened
from app.identity.values import Device, LogIn, SignedIn
from app.notifications.errors import SmsUnavailable
from app.notifications.gateway import SmsGateway
from tests.conftest import World
from tests.factories import city, later, log_in, make_phone, run_jobs, texts_to, to_the_next
from tests.identity.support import HERE, ask, count, deps_of, in_parallel, index_of, with_codes

DAY = 86_400
_CHANGING = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z")


def post(client: FlaskClient, phone: str, address: str = HERE) -> TestResponse:
    return client.post(
        "/v1/auth/challenges",
        json={"phone": phone, "purpose": "login"},
        environ_base={"REMOTE_ADDR": address},
    )


def test_a_known_and_an_unknown_number_get_the_same_answer(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    known = log_in(client, world, rooms).phone
    with later(61):
        answers = [post(client, known), post(client, make_phone())]
    bodies = [_CHANGING.sub(b"*", answer.data) for answer in answers]
    heads = [
        {k: _CHANGING.sub(b"*", v.encode()) for k, v in answer.headers.items() if k != "RateLimit"}
        for answer in answers
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert bodies[0] == bodies[1] == b'{"id":"*","expires_at":"*","resend_at":"*"}'
    assert heads[0] == heads[1]


def test_the_code_reaches_the_phone_and_is_forgotten_here(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone = make_phone()
    challenge_id, code = ask(rooms, phone)
    run_jobs(rooms)
    assert texts_to(world, phone) == [f"【i武当】验证码 {code}，5分钟内有效。请勿告诉他人。"]
    left = "select count(*) from challenges where id = :id and code_sealed is not null"
    assert count(rooms, left, id=challenge_id) == 0


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("+85261234567", "phone-not-supported"),
        ("+14155552671", "phone-not-supported"),
        ("+8612345678901", "phone-not-supported"),
        ("+862164001234", "phone-not-supported"),
        ("+861380719000", "phone-not-supported"),
        ("1380719abcd", "invalid-input"),
        ("+８６13807190001", "invalid-input"),
    ],
)
def test_other_numbers_get_no_code(
    client: FlaskClient, rooms: Rooms, phone: str, code: str
) -> None:
    before = count(rooms, "select count(*) from challenges")
    answer = post(client, phone)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert count(rooms, "select count(*) from challenges") == before


def test_a_number_is_one_number_however_it_is_written(client: FlaskClient) -> None:
    phone = make_phone()
    assert post(client, phone).status_code == 202
    refused = post(client, phone.removeprefix("+86"))
    assert (refused.status_code, refused.json["code"]) == (429, "too-many-codes")


def test_a_number_gets_one_code_a_minute_five_an_hour_ten_a_day(
    client: FlaskClient, rooms: Rooms
) -> None:
    phone = make_phone()
    rows = "select count(*) from challenges where phone_index = :index"
    assert post(client, phone).status_code == 202
    index = index_of(rooms, "phone", phone)
    soon = post(client, phone)
    assert (soon.status_code, soon.json["code"]) == (429, "too-many-codes")
    assert 1 <= int(soon.headers["Retry-After"]) <= 61
    for step in range(1, 5):
        with later(61 * step):
            assert post(client, phone).status_code == 202
    with later(61 * 5):
        hour = post(client, phone)
        assert hour.status_code == 429
        assert 3_200 < int(hour.headers["Retry-After"]) <= 3_601
    for step in range(5):
        with later(3_600 + 61 * (step + 1)):
            assert post(client, phone).status_code == 202
    with later(3 * 3_600):
        day = post(client, phone)
        assert day.status_code == 429
        assert int(day.headers["Retry-After"]) > 3_600
    assert count(rooms, rows, index=index) == 10
    with later(DAY + 3_600):
        assert post(client, phone).status_code == 202


def test_parallel_calls_for_one_number_send_one_code(rooms: Rooms, client: FlaskClient) -> None:
    phone = make_phone()
    app = client.application
    answers = in_parallel([lambda: post(app.test_client(), phone).status_code] * 16)
    assert sorted(answers) == [202] + [429] * 15


def test_a_network_gets_twenty_codes_an_hour(client: FlaskClient) -> None:
    for last in range(20):
        assert post(client, make_phone(), f"203.0.113.{last}").status_code == 202
    refused = post(client, make_phone(), "203.0.113.200")
    assert (refused.status_code, refused.json["code"]) == (429, "too-many-codes")
    assert int(refused.headers["Retry-After"]) > 3_500
    assert post(client, make_phone(), "203.0.114.1").status_code == 202
    with later(3_601):
        assert post(client, make_phone(), "203.0.113.200").status_code == 202


def test_a_network_of_ipv6_is_a_56(client: FlaskClient) -> None:
    for last in range(20):
        assert post(client, make_phone(), f"2001:db8:0:{last:x}::1").status_code == 202
    assert post(client, make_phone(), "2001:db8:0:ff::9").status_code == 429
    assert post(client, make_phone(), "2001:db8:0:100::9").status_code == 202
    for last in range(20):
        assert post(client, make_phone(), f"::ffff:192.0.2.{last}").status_code == 202
    assert post(client, make_phone(), "192.0.2.200").status_code == 429


def test_an_address_asks_for_thirty_numbers_a_day(client: FlaskClient) -> None:
    for hour, codes in ((0, 20), (2, 10)):
        with later(hour * 3_600):
            for _ in range(codes):
                assert post(client, make_phone(), "198.51.100.7").status_code == 202
    with later(4 * 3_600):
        assert post(client, make_phone(), "198.51.100.7").status_code == 429
        assert post(client, make_phone(), "198.51.100.8").status_code == 202


def test_parallel_calls_do_not_pass_the_networks_limit(client: FlaskClient) -> None:
    app = client.application
    calls = [lambda: post(app.test_client(), make_phone(), "100.64.9.1").status_code] * 40
    answers = in_parallel(calls)
    assert (answers.count(202), answers.count(429)) == (20, 20)


def test_the_city_sends_so_many_codes_a_day(rooms: Rooms) -> None:
    deps = with_codes(rooms, city_day=3, exempt=False)
    morning = to_the_next(DAY)  # eight o'clock in the city
    with later(40 * DAY + morning):
        for last in range(3):
            ask(rooms, make_phone(), address=f"100.65.{last}.1", deps=deps)
        with pytest.raises(TooManyCodes) as refusal:
            ask(rooms, make_phone(), address="100.65.9.1", deps=deps)
        assert 0 < (refusal.value.retry_after or 0) <= DAY + 1
    with later(41 * DAY + morning):
        ask(rooms, make_phone(), address="100.65.9.1", deps=deps)


def test_loopback_is_exempt_in_the_sandbox_only(rooms: Rooms) -> None:
    deps = replace(deps_of(rooms), loopback_exempt=False)
    with later(50 * DAY):
        for _ in range(20):
            ask(rooms, make_phone(), deps=deps)
        with pytest.raises(TooManyCodes):
            ask(rooms, make_phone(), deps=deps)
        ask(rooms, make_phone())


def test_guessing_all_over_the_city_is_braked_for_ten_minutes(rooms: Rooms) -> None:
    deps = with_codes(rooms, city_wrong=3, exempt=False)

    def guess(code: str | None = None) -> SignedIn:
        challenge_id, right = ask(rooms, make_phone())
        login = LogIn(challenge_id, code or right, Device("x", "ios"))
        with rooms.units.open(actor="test") as uow:
            return service.start_session(uow, deps, login, "100.66.0.1")

    begin = 60 * DAY + to_the_next(600)
    with later(begin):
        for _ in range(3):
            with pytest.raises(CodeWrong):
                guess("!wrong")
        with pytest.raises(TooManyTries) as refusal:
            guess()
        assert 0 < (refusal.value.retry_after or 0) <= 601
    with later(begin + 601):
        assert guess()


class DiesAfterSending(SmsGateway):
    """A worker that is killed after the gateway took the text, before that is written down."""

    def send(self, *, to: str, text: str, key: str) -> None:
        SmsGateway.send(self, to=to, text=text, key=key)
        raise KeyboardInterrupt


def test_a_handler_that_runs_twice_sends_one_sms(world: World, rooms: Rooms) -> None:
    phone = make_phone()
    challenge_id, _ = ask(rooms, phone)
    event = ChallengeOpened(challenge_id=challenge_id)
    deps = deps_of(rooms)
    dying = replace(deps, sms=DiesAfterSending(deps.sms.egress, deps.sms.url))
    with pytest.raises(KeyboardInterrupt), rooms.units.open(actor="test") as uow:
        service.send_code(uow, dying, event)
    for _ in range(2):
        with rooms.units.open(actor="test") as uow:
            service.send_code(uow, deps_of(rooms), event)
    assert len(texts_to(world, phone)) == 1


def test_a_gateway_that_comes_back_gets_the_code(world: World, rooms: Rooms) -> None:
    phone = make_phone()
    challenge_id, code = ask(rooms, phone)
    event = ChallengeOpened(challenge_id=challenge_id)
    city(world, "PUT", "/sms/behaviour", {"mode": "down"})
    try:
        with pytest.raises(SmsUnavailable), rooms.units.open(actor="test") as uow:
            service.send_code(uow, deps_of(rooms), event)
    finally:
        city(world, "PUT", "/sms/behaviour", {"mode": "ok"})
    assert texts_to(world, phone) == []
    with rooms.units.open(actor="test") as uow:
        service.send_code(uow, deps_of(rooms), event)
    assert [code in sent for sent in texts_to(world, phone)] == [True]


def test_a_code_that_is_over_is_forgotten_unsent(world: World, rooms: Rooms) -> None:
    phone = make_phone()
    challenge_id, _ = ask(rooms, phone)
    with later(301), rooms.units.open(actor="test") as uow:
        service.send_code(uow, deps_of(rooms), ChallengeOpened(challenge_id=challenge_id))
    assert texts_to(world, phone) == []
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = uow.execute(
            text("select code_sealed, sent_at from challenges where id = :id"),
            {"id": challenge_id},
        ).one()
    assert tuple(row) == (None, None)


def test_a_challenge_of_another_purpose_is_refused(client: FlaskClient) -> None:
    answer = client.post("/v1/auth/challenges", json={"phone": make_phone(), "purpose": "pay"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/purpose")


def test_codes_are_six_digits_and_differ(rooms: Rooms) -> None:
    codes = [ask(rooms, make_phone())[1] for _ in range(30)]
    assert all(re.fullmatch("[0-9]{6}", code) for code in codes)
    assert len(set(codes)) > 25
