"""Proving oneself again within a session, and coming back to the call that was refused."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core import clock
from app.core.ids import new_id
from app.factory import Rooms
from tests.conftest import World
from tests.credentials.authenticator import Authenticator, Json
from tests.factories import Citizen, city, later, log_in, run_jobs, verify
from tests.identity.support import count, in_parallel
from tests.identity.test_evidence import evidence, hold_a_passkey, level
from tests.identity.ways_in import GOOD, put_password, with_passkey, with_password
from tests.payments.helpers import make_bill, order

MINUTES = 60
TRAIL = (
    "select count(*) from audit_entries where event = 'session.stepped-up' and subject_id = :id "
    "and result = :result"
)


def begin(client: FlaskClient, citizen: Citizen, **wanted: str) -> TestResponse:
    return client.post("/v1/auth/step-ups", json=wanted, headers=citizen.auth)


def finish(client: FlaskClient, citizen: Citizen, step_up: str, **proof: object) -> TestResponse:
    path = f"/v1/auth/step-ups/{step_up}/completion"
    return client.post(path, json=proof, headers=citizen.auth)


def texts_sent(world: World, rooms: Rooms, citizen: Citizen) -> list[dict[str, str]]:
    """Return what was sent to a citizen, the newest first; notices may come behind a code."""
    run_jobs(rooms)
    sent: list[dict[str, str]] = city(world, "GET", f"/sms/messages?to=%2B{citizen.phone[1:]}")[
        "items"
    ]
    return sent


def code_sent(world: World, rooms: Rooms, citizen: Citizen) -> str:
    sent = texts_sent(world, rooms, citizen)
    return next(str(item["code"]) for item in sent if "确认本人操作" in item["text"])


def until(client: FlaskClient, citizen: Citizen) -> str | None:
    """Return until when the session is stepped up, as a fresh look says."""
    client.post(
        "/v1/auth/step-ups/00000000-0000-0000-0000-000000000000/completion",
        json={"code": "000000", "password": "x"},
        headers=citizen.auth,
    )
    found: str | None = client.get("/v1/me", headers=citizen.auth).json["stepped_up_until"]
    return found


@pytest.fixture
def phone() -> Authenticator:
    return Authenticator()


@pytest.fixture
def known(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen with a password, a minute after it was set."""
    return with_password(client, world, rooms)


def test_a_password_and_a_code_step_up(
    client: FlaskClient, world: World, rooms: Rooms, known: Citizen
) -> None:
    with later(61):
        begun = begin(client, known)
        assert begun.status_code == 201
        assert (begun.json["means"], begun.json["others"]) == ("password", [])
        assert begun.json["public_key"] is None
        assert until(client, known) is None
        code = code_sent(world, rooms, known)
        before = clock.now()
        done = finish(client, known, begun.json["id"], code=code, password=GOOD)
        assert done.status_code == 200, done.text
        assert done.json["session_id"] == known.session_id
        assert done.json["amr"] == ["otp", "sms", "pwd", "mfa"]
        end = datetime.fromisoformat(done.json["stepped_up_until"])
        assert before + timedelta(seconds=299) < end < clock.now() + timedelta(seconds=301)
        assert until(client, known) == done.json["stepped_up_until"]
    with later(61 + 5 * MINUTES + 5):
        assert until(client, known) is None


def test_a_passkey_steps_up(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    citizen = with_passkey(client, world, rooms, phone)
    begun = begin(client, citizen)
    assert (begun.json["means"], begun.json["resend_at"]) == ("passkey", None)
    answer = phone.prove(begun.json["public_key"])
    done = finish(client, citizen, begun.json["id"], passkey=answer)
    assert done.status_code == 200, done.text
    assert done.json["amr"] == ["otp", "sms", "pop", "user", "mfa"]
    trail = (
        "select count(*) from audit_entries where event = 'session.stepped-up' and subject_id = :id"
    )
    assert count(rooms, trail, id=citizen.id) == 1
    used = finish(client, citizen, begun.json["id"], passkey=answer)
    assert (used.status_code, used.json["code"]) == (404, "step-up-not-found")


def test_the_best_comes_first_and_the_other_may_be_wanted(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    citizen = with_passkey(client, world, rooms, phone)
    begun = begin(client, citizen).json
    assert (begun["means"], begun["others"]) == ("passkey", [])
    refused = begin(client, citizen, means="password")
    assert (refused.status_code, refused.json["code"]) == (409, "step-up-impossible")
    assert refused.json["means"] == ["passkey"]
    answer = phone.prove(begun["public_key"])
    assert finish(client, citizen, begun["id"], passkey=answer).status_code == 200
    assert put_password(client, citizen).status_code == 204
    both = begin(client, citizen).json
    assert (both["means"], both["others"]) == ("passkey", ["password"])
    with later(61):
        wanted = begin(client, citizen, means="password").json
        assert (wanted["means"], wanted["others"]) == ("password", ["passkey"])


def test_a_phone_alone_never_steps_up(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    refused = begin(client, citizen)
    assert (refused.status_code, refused.json["code"]) == (409, "step-up-impossible")
    assert (
        count(rooms, "select count(*) from step_ups where session_id = :id", id=citizen.session_id)
        == 0
    )


@pytest.mark.parametrize("wrong", ["code", "password"])
def test_what_was_wrong_is_not_said(
    client: FlaskClient, world: World, rooms: Rooms, known: Citizen, wrong: str
) -> None:
    with later(61):
        begun = begin(client, known).json
        code = code_sent(world, rooms, known)
        other = f"{(int(code) + 1) % 10**6:06d}"
        bad = {"code": other} if wrong == "code" else {"password": "x" * 9}
        refused = finish(client, known, begun["id"], **{"code": code, "password": GOOD, **bad})
        assert (refused.status_code, refused.json["code"]) == (422, "step-up-refused")
        assert until(client, known) is None
        assert count(rooms, TRAIL, id=known.id, result="refused") == 1
        done = finish(client, known, begun["id"], code=code, password=GOOD)
        assert done.status_code == 200


def test_a_login_code_does_not_step_up(
    client: FlaskClient, world: World, rooms: Rooms, known: Citizen
) -> None:
    with later(61):
        begun = begin(client, known).json
    with later(122):
        client.post("/v1/auth/challenges", json={"phone": known.phone, "purpose": "login"})
        sent = texts_sent(world, rooms, known)  # only a login's code says not what it is for
        login_code = next(i["code"] for i in sent if "code" in i and "用于" not in i["text"])
        refused = finish(client, known, begun["id"], code=login_code, password=GOOD)
        assert (refused.status_code, refused.json["code"]) == (422, "step-up-refused")


def test_a_step_up_is_its_sessions_own(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    one = with_passkey(client, world, rooms, phone)
    with later(61):
        two = log_in(client, world, rooms, one.phone, device="平板")
        begun = begin(client, one).json
        answer = phone.prove(begun["public_key"])
        stolen = finish(client, two, begun["id"], passkey=answer)
        assert (stolen.status_code, stolen.json["code"]) == (404, "step-up-not-found")
        own = begin(client, two).json
        crossed = finish(client, two, own["id"], passkey=answer)
        assert (crossed.status_code, crossed.json["code"]) == (422, "step-up-refused")
        assert finish(client, one, begun["id"], passkey=answer).status_code == 200
        assert until(client, one) is not None
        assert until(client, two) is None


def test_somebody_elses_passkey_does_not_step_up(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    mine, strange = with_passkey(client, world, rooms, phone), Authenticator()
    other = with_passkey(client, world, rooms, strange)
    begun, theirs = begin(client, mine).json, begin(client, other).json
    theirs_allowed = theirs["public_key"]["allowCredentials"]
    bent: Json = {**begun["public_key"], "allowCredentials": theirs_allowed}
    refused = finish(client, mine, begun["id"], passkey=strange.prove(bent))
    assert (refused.status_code, refused.json["code"]) == (422, "step-up-refused")
    assert until(client, mine) is None


def test_a_step_up_that_is_over_is_none(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    citizen = with_passkey(client, world, rooms, phone)
    begun = begin(client, citizen).json
    answer = phone.prove(begun["public_key"])
    with later(5 * MINUTES + 1):
        late = finish(client, citizen, begun["id"], passkey=answer)
        assert (late.status_code, late.json["code"]) == (404, "step-up-not-found")


def test_parallel_answers_use_a_step_up_once(
    client: FlaskClient, world: World, rooms: Rooms, known: Citizen
) -> None:
    app = client.application
    with later(61):
        begun = begin(client, known).json
        proof = {"code": code_sent(world, rooms, known), "password": GOOD}
        path = f"/v1/auth/step-ups/{begun['id']}/completion"
        calls = [
            lambda: app.test_client().post(path, json=proof, headers=known.auth).status_code
        ] * 4
        found = in_parallel(calls)
    assert found.count(200) == 1
    assert set(found) <= {200, 404, 422}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "123456"},
        {"password": GOOD},
        {"code": "12345", "password": GOOD},
        {"code": "123456", "password": GOOD, "stepped_up_at": "2026-11-28T00:00:00Z"},
    ],
)
def test_a_proof_has_one_form(client: FlaskClient, known: Citizen, body: dict[str, str]) -> None:
    refused = finish(client, known, str(new_id()), **body)
    assert (refused.status_code, refused.json["code"]) == (422, "invalid-input")


def test_a_refused_payment_comes_back_to_the_same_call(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    citizen = with_passkey(client, world, rooms, phone)
    bill = make_bill(client, world, citizen, amount=20_001)
    headers = {**citizen.auth, "Idempotency-Key": str(new_id())}
    refused = client.post("/v1/payments", json=order(bill), headers=headers)
    assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
    challenge = refused.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="step-up"' in challenge
    assert "max_age=300" in challenge
    payments = "select count(*) from payments where citizen_id = :id"
    keys = "select count(*) from idempotency_keys where principal_id = :id"
    assert (count(rooms, payments, id=citizen.id), count(rooms, keys, id=citizen.id)) == (0, 0)
    begun = begin(client, citizen).json
    answer = phone.prove(begun["public_key"])
    assert finish(client, citizen, begun["id"], passkey=answer).status_code == 200
    paid = client.post("/v1/payments", json=order(bill), headers=headers)
    assert (paid.status_code, paid.json["amount"]) == (201, 20_001)
    again = client.post("/v1/payments", json=order(bill), headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert count(rooms, payments, id=citizen.id) == 1


def test_a_factor_change_comes_back_to_the_same_call(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    citizen = with_passkey(client, world, rooms, phone)
    with later(5 * MINUTES + 1):
        refused = client.post("/v1/me/recovery-codes", headers=citizen.auth)
        assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
        begun = begin(client, citizen).json
        answer = phone.prove(begun["public_key"])
        assert finish(client, citizen, begun["id"], passkey=answer).status_code == 200
        made = client.post("/v1/me/recovery-codes", headers=citizen.auth)
        assert made.status_code == 201


def test_a_step_up_does_not_outlive_its_session(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    citizen = with_passkey(client, world, rooms, phone)
    begun = begin(client, citizen).json
    answer = phone.prove(begun["public_key"])
    assert (
        client.delete(f"/v1/auth/sessions/{citizen.session_id}", headers=citizen.auth).status_code
        == 204
    )
    over = finish(client, citizen, begun["id"], passkey=answer)
    assert (over.status_code, over.json["code"]) == (401, "token-invalid")
    with rooms.units.open(actor="test", read_only=True) as uow:
        row = "select stepped_up_at from sessions where id = :id"
        assert uow.scalar(text(row), {"id": citizen.session_id}) is None


def test_a_key_that_is_removed_takes_its_level_along(
    client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator
) -> None:
    citizen = with_passkey(client, world, rooms, phone)
    verify(client, world, citizen)
    key = client.get("/v1/me/passkeys", headers=citizen.auth).json["items"][0]["id"]
    assert level(client, citizen) == "verified"
    hold_a_passkey(rooms, citizen, UUID(key))
    assert level(client, citizen) == "strong"
    begun = begin(client, citizen).json
    answer = phone.prove(begun["public_key"])
    assert finish(client, citizen, begun["id"], passkey=answer).status_code == 200
    assert client.delete(f"/v1/me/passkeys/{key}", headers=citizen.auth).status_code == 204
    assert level(client, citizen) == "verified"
    assert ("passkey", "withdrawn") in evidence(client, citizen)
