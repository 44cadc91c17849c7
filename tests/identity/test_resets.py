"""Resets: a code is never enough, and whatever does not hold is the same refusal."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import Rooms
from tests.conftest import World
from tests.credentials.authenticator import Authenticator, Json
from tests.factories import (
    Citizen,
    ask_code,
    bearer,
    city,
    later,
    log_in,
    make_person,
    make_phone,
    run_jobs,
    texts_to,
    verify,
)
from tests.identity.support import count, in_parallel
from tests.identity.ways_in import (
    GOOD,
    add_passkey,
    by_password,
    login_options,
    passkey_options,
    step_up,
    with_password,
)

NEW = "eleven otters in the reeds"
LEFT = "select count(*) from recovery_codes where owner_id = :id and used_at is null"


def recovery_codes(client: FlaskClient, rooms: Rooms, citizen: Citizen) -> list[str]:
    step_up(rooms, citizen)
    codes: list[str] = client.post("/v1/me/recovery-codes", headers=citizen.auth).json["codes"]
    return codes


def reset(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    phone: str,
    proof: Json,
    password: str = NEW,
) -> TestResponse:
    """Ask for a code for a reset and send it with a proof."""
    challenge_id, code = ask_code(client, world, rooms, phone, "reset")
    body = {"challenge_id": challenge_id, "code": code, "password": password, **proof}
    return client.post("/v1/auth/resets", json=body)


def test_a_recovery_code_resets_once(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_password(client, world, rooms)
    code = recovery_codes(client, rooms, citizen)[4]
    with later(61):
        done = reset(client, world, rooms, citizen.phone, {"recovery_code": code})
        assert done.status_code == 204
        # A write asks the database; what was read may count for a second.
        assert client.delete("/v1/auth/sessions", headers=citizen.auth).status_code == 401
        assert by_password(client, citizen.phone).json["code"] == "credentials-wrong"
        assert by_password(client, citizen.phone, NEW).status_code == 201
        run_jobs(rooms)
        assert any("密码" in sms and "被重置" in sms for sms in texts_to(world, citizen.phone))
    with later(122):
        again = reset(client, world, rooms, citizen.phone, {"recovery_code": code})
        assert (again.status_code, again.json["code"]) == (422, "reset-refused")


def test_a_passkey_resets(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen, phone = with_password(client, world, rooms), Authenticator()
    step_up(rooms, citizen)
    add_passkey(client, citizen, phone.register(passkey_options(client, citizen)))
    with later(61):
        options = login_options(client, citizen.phone, "reset")
        proof = {"passkey": phone.prove(options)}
        assert reset(client, world, rooms, citizen.phone, proof).status_code == 204
        assert by_password(client, citizen.phone, NEW).status_code == 201


def test_name_and_number_reset_as_on_the_first_day(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = with_password(client, world, rooms)
    person = verify(client, world, citizen)
    proof = {"name": person["name"], "resident_id": person["resident_id"]}
    with later(61):
        assert reset(client, world, rooms, citizen.phone, proof).status_code == 204
        assert by_password(client, citizen.phone, NEW).status_code == 201


def test_a_phone_alone_resets_nothing(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_password(client, world, rooms)
    with later(61):
        answer = reset(client, world, rooms, citizen.phone, {})
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
    with later(122):
        both = {"recovery_code": "3-AAAA", "name": "李雷", "resident_id": "420302198503120017"}
        assert reset(client, world, rooms, citizen.phone, both).status_code == 422
    assert by_password(client, citizen.phone).status_code == 201


def test_a_weak_password_uses_no_recovery_code_up(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = with_password(client, world, rooms)
    codes = recovery_codes(client, rooms, citizen)
    with later(61):
        answer = reset(
            client, world, rooms, citizen.phone, {"recovery_code": codes[0]}, "password1"
        )
        assert answer.json["code"] == "password-too-weak"
    assert count(rooms, LEFT, id=citizen.id) == 10
    assert by_password(client, citizen.phone).status_code == 201


def test_the_register_that_is_away_resets_nothing(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = with_password(client, world, rooms)
    person = verify(client, world, citizen)
    proof = {"name": person["name"], "resident_id": person["resident_id"]}
    city(world, "PUT", "/register/behaviour", {"mode": "down"})
    try:
        with later(61):
            answer = reset(client, world, rooms, citizen.phone, proof)
            assert (answer.status_code, answer.json["code"]) == (503, "register-unavailable")
    finally:
        city(world, "PUT", "/register/behaviour", {"mode": "ok"})
    assert by_password(client, citizen.phone).status_code == 201


def test_proofs_of_others_reset_nothing(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen, thief = with_password(client, world, rooms), with_password(client, world, rooms)
    verify(client, world, citizen)
    thiefs = verify(client, world, thief)
    unbound = make_person(world, "韩梅梅")
    phone = Authenticator()
    step_up(rooms, thief)
    add_passkey(client, thief, phone.register(passkey_options(client, thief)))
    code = recovery_codes(client, rooms, thief)[0]
    proofs: list[Callable[[], Json]] = [
        lambda: {"recovery_code": code},
        lambda: {"recovery_code": "3-AAAA-AAAA-AAAA-AAAA"},
        lambda: {"passkey": phone.prove(login_options(client, purpose="reset"))},
        lambda: {"passkey": phone.prove(login_options(client, thief.phone, "reset"))},
        lambda: {"passkey": phone.prove(login_options(client))},
        lambda: {"name": thiefs["name"], "resident_id": thiefs["resident_id"]},
        lambda: {"name": unbound["name"], "resident_id": unbound["resident_id"]},
        lambda: {"name": "不存在", "resident_id": thiefs["resident_id"]},
    ]
    for turn, proof in enumerate(proofs):
        with later(86_400 * (turn + 1)):
            answer = reset(client, world, rooms, citizen.phone, proof())
            assert (turn, answer.status_code, answer.json["code"]) == (turn, 422, "reset-refused")
    assert by_password(client, citizen.phone).status_code == 201
    assert by_password(client, citizen.phone, NEW).status_code == 422
    refused = (
        "select count(*) from audit_entries where subject_id = :id and event = 'password.reset' "
        "and result = 'refused'"
    )
    assert count(rooms, refused, id=citizen.id) == len(proofs)


@pytest.mark.parametrize("purpose", ["login", "step-up", "change-phone"])
def test_a_code_for_something_else_resets_nothing(
    client: FlaskClient, world: World, rooms: Rooms, purpose: str
) -> None:
    citizen = with_password(client, world, rooms)
    recovery = recovery_codes(client, rooms, citizen)[0]
    with later(61):
        challenge_id, code = ask_code(client, world, rooms, citizen.phone, purpose)
        answer = client.post(
            "/v1/auth/resets",
            json={
                "challenge_id": challenge_id,
                "code": code,
                "password": NEW,
                "recovery_code": recovery,
            },
        )
        assert (answer.status_code, answer.json["code"]) == (422, "code-wrong")
    assert count(rooms, LEFT, id=citizen.id) == 10


def test_a_reset_opens_a_password_that_guessing_has_shut(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = with_password(client, world, rooms)
    code = recovery_codes(client, rooms, citizen)[0]
    for turn in range(100):
        by_password(client, citizen.phone, "wrong", f"198.21.{turn}.1")
    assert by_password(client, citizen.phone, GOOD).json["code"] == "means-blocked"
    with later(61):
        assert (
            reset(client, world, rooms, citizen.phone, {"recovery_code": code}).status_code == 204
        )
        assert by_password(client, citizen.phone, NEW).status_code == 201


def test_parallel_resets_with_one_code_reset_once(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, app = with_password(client, world, rooms), client.application
    recovery = recovery_codes(client, rooms, citizen)[0]
    with later(61):
        challenge_id, code = ask_code(client, world, rooms, citizen.phone, "reset")
        bodies = [
            {
                "challenge_id": challenge_id,
                "code": code,
                "password": f"{NEW} {turn}",
                "recovery_code": recovery,
            }
            for turn in range(5)
        ]
        answers = in_parallel(
            [
                lambda b=body: app.test_client().post("/v1/auth/resets", json=b)  # type: ignore[misc]
                for body in bodies
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [204, 422, 422, 422, 422]
        works = [by_password(client, citizen.phone, str(b["password"])).status_code for b in bodies]
        assert sorted(works) == [201, 422, 422, 422, 422]


def test_nobody_is_locked_in_after_a_reset(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    person = verify(client, world, citizen)
    proof = {"name": person["name"], "resident_id": person["resident_id"]}
    with later(61):
        assert reset(client, world, rooms, citizen.phone, proof).status_code == 204
        token = by_password(client, citizen.phone, NEW).json["access_token"]
        assert client.get("/v1/me", headers=bearer(token)).json["assurance"] == "verified"


def test_a_number_that_nobody_has_is_refused_alike(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    person = make_person(world)
    for proof in (
        {"recovery_code": "3-AAAA-AAAA-AAAA-AAAA"},
        {"name": person["name"], "resident_id": person["resident_id"]},
    ):
        answer = reset(client, world, rooms, make_phone(), proof)
        assert (answer.status_code, answer.json["code"]) == (422, "reset-refused")
