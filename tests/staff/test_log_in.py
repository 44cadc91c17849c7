"""Logging in as staff: two factors always, no enumeration, no guessing, one open session."""

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.factory import Rooms
from tests.credentials.authenticator import Authenticator
from tests.factories import bearer, later
from tests.staff.support import (
    PASSWORD,
    Member,
    accept,
    begin,
    code,
    count,
    finish,
    in_parallel,
    invite,
    log_in,
    principal_of,
    run,
    step_up,
)

DAY = 86_400
OPEN = "select count(*) from staff_sessions where staff_id = :id and status = 'active'"


def newcomer(client: FlaskClient, rooms: Rooms) -> Member:
    staff_id, token = invite(rooms)
    return accept(client, rooms, staff_id, token)


def try_password(client: FlaskClient, login: str, password: str) -> tuple[int, dict[str, Any]]:
    answer = client.post("/v1/staff/sessions", json={"login": login, "password": password})
    body = {k: v for k, v in answer.json.items() if k not in {"instance", "request_id"}}
    return answer.status_code, body


def test_the_password_alone_opens_nothing(client: FlaskClient, rooms: Rooms) -> None:
    member = newcomer(client, rooms)
    begun = begin(client, member)
    assert begun["factors"] == ["totp"]
    assert begun["passkey"] is None
    assert count(rooms, OPEN, id=member.id) == 0
    for worthless in (begun["ticket"], begun["id"]):
        answer = client.get("/v1/staff/me", headers=bearer(worthless))
        assert (answer.status_code, answer.json["code"]) == (401, "token-invalid")
    answer = client.post("/v1/staff/sessions/renewal", json={"renewal_token": begun["ticket"]})
    assert (answer.status_code, answer.json["code"]) == (401, "renewal-invalid")


def test_postgresql_knows_no_open_session_without_a_second_factor(
    client: FlaskClient, rooms: Rooms
) -> None:
    member = newcomer(client, rooms)
    begun = begin(client, member)
    with pytest.raises(IntegrityError, match="second_factor_always"):
        run(rooms, "update staff_sessions set status = 'active' where id = :id", id=begun["id"])


def test_both_factors_open_a_session_of_eight_hours(client: FlaskClient, rooms: Rooms) -> None:
    member = log_in(client, rooms, newcomer(client, rooms))
    session = run(rooms, "select * from staff_sessions where id = :id", id=member.session_id)
    assert (session.expires_at - session.created_at).total_seconds() == 8 * 3600
    assert (session.idle_until - session.last_seen_at).total_seconds() == 15 * 60
    assert session.second_factor == "totp"
    assert member.signed_in["expires_in"] == 600
    assert principal_of(rooms, member.token).permissions == {"self"}


@pytest.mark.parametrize(
    "change",
    [
        {"totp_code": "000000"},
        {"ticket": "x" * 43},
    ],
)
def test_a_wrong_second_factor_or_ticket_opens_nothing(
    client: FlaskClient, rooms: Rooms, change: dict[str, str]
) -> None:
    member = newcomer(client, rooms)
    answer = finish(client, rooms, member, begin(client, member), **change)
    assert (answer.status_code, answer.json["code"]) == (401, "log-in-failed")
    assert count(rooms, OPEN, id=member.id) == 0


def test_somebody_elses_factor_opens_nothing(client: FlaskClient, rooms: Rooms) -> None:
    member, thief = newcomer(client, rooms), newcomer(client, rooms)
    begun = begin(client, member)
    stolen = code(rooms, thief.id, thief.secret)
    answer = finish(client, rooms, member, begun, totp_code=stolen)
    assert answer.status_code == 401
    other = begin(client, thief)
    # Nor does the ticket of one session open another.
    answer = finish(client, rooms, thief, {"id": begun["id"], "ticket": other["ticket"]})
    assert answer.status_code == 401
    assert count(rooms, OPEN, id=member.id) + count(rooms, OPEN, id=thief.id) == 0


def test_a_ticket_is_used_once_and_for_five_minutes(client: FlaskClient, rooms: Rooms) -> None:
    member = newcomer(client, rooms)
    begun = begin(client, member)
    assert finish(client, rooms, member, begun).status_code == 200
    assert finish(client, rooms, member, begun).status_code == 401
    late = begin(client, member)
    with later(301):
        assert finish(client, rooms, member, late).status_code == 401


def test_in_parallel_a_ticket_opens_one_session(client: FlaskClient, rooms: Rooms) -> None:
    member = newcomer(client, rooms)
    begun = begin(client, member)
    body = {"ticket": begun["ticket"], "totp_code": code(rooms, member.id, member.secret)}

    def take() -> int:
        own = client.application.test_client()
        path = f"/v1/staff/sessions/{begun['id']}/second-factor"
        return own.post(path, json=body).status_code

    assert sorted(in_parallel([take] * 6)).count(200) == 1
    assert count(rooms, OPEN, id=member.id) == 1


def test_unknown_suspended_and_wrong_are_the_same_answer(client: FlaskClient, rooms: Rooms) -> None:
    """Not a byte of the body, and not a header, says whether the name exists."""
    known, suspended = newcomer(client, rooms), newcomer(client, rooms)
    run(rooms, "update staff set status = 'suspended' where id = :id", id=suspended.id)
    answers = [
        try_password(client, known.login, "Wrong-Kettle-77-Orchard"),
        try_password(client, f"nobody.{secrets.token_hex(4)}", PASSWORD),
        try_password(client, suspended.login, PASSWORD),
    ]
    assert {json.dumps(body) for _, body in answers} == {json.dumps(answers[0][1])}
    assert {status for status, _ in answers} == {401}


@pytest.mark.promise("P43")
def test_ten_failures_lock_a_name_for_a_quarter_of_an_hour_known_or_not(
    client: FlaskClient, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    member, nobody = newcomer(client, rooms), f"nobody.{secrets.token_hex(4)}"
    tries = 14
    counted = {}
    for login in (member.login, nobody):
        seen = [try_password(client, login, f"Wrong-Guess-{n}-Kettle!") for n in range(tries)]
        assert [status for status, _ in seen] == [401] * 10 + [429] * (tries - 10)
        assert seen[-1][1]["code"] == "too-many-guesses"
        counted[login] = seen
    # The right password does not help while the name is locked, and does when the time is over.
    assert try_password(client, member.login, PASSWORD)[0] == 429
    with later(15 * 60 + 1):
        assert try_password(client, member.login, PASSWORD)[0] == 201
    shows(f"staff: {tries} wrong passwords, known and unknown name: 10 judged, then locked 15 min")


def test_the_second_factor_cannot_be_guessed_either(client: FlaskClient, rooms: Rooms) -> None:
    member = newcomer(client, rooms)
    statuses = []
    for number in range(12):
        begun = begin(client, member)
        answer = finish(client, rooms, member, begun, totp_code=f"{number:06d}")
        statuses.append(answer.status_code)
    assert statuses == [401] * 10 + [429] * 2
    assert count(rooms, OPEN, id=member.id) == 0


def test_a_new_log_in_ends_the_session_before(client: FlaskClient, rooms: Rooms) -> None:
    member = log_in(client, rooms, newcomer(client, rooms))
    old_token, old_renewal = member.token, member.renewal
    log_in(client, rooms, member)
    answer = client.get("/v1/staff/me", headers=bearer(old_token))
    assert (answer.status_code, answer.json["code"]) == (401, "token-invalid")
    answer = client.post("/v1/staff/sessions/renewal", json={"renewal_token": old_renewal})
    assert answer.status_code == 401
    assert count(rooms, OPEN, id=member.id) == 1


def test_postgresql_knows_one_open_session_a_person(client: FlaskClient, rooms: Rooms) -> None:
    member = log_in(client, rooms, newcomer(client, rooms))
    begun = begin(client, member)
    with pytest.raises(IntegrityError, match="uq_staff_sessions_one_is_open"):
        run(
            rooms,
            "update staff_sessions set status = 'active', second_factor = 'totp' where id = :id",
            id=begun["id"],
        )


def test_a_passkey_is_a_second_factor(client: FlaskClient, rooms: Rooms) -> None:
    staff_id, token = invite(rooms)
    opened = client.post("/v1/staff/openings", json={"token": token}).json
    phone = Authenticator()
    login = f"pk{secrets.token_hex(6)}"
    accepted = client.post(
        "/v1/staff/acceptances",
        json={
            "token": token,
            "login": login,
            "password": PASSWORD,
            "passkey": phone.register(opened["passkey"]),
        },
    )
    assert accepted.status_code == 204, accepted.text
    member = Member(staff_id, login, secret="")
    begun = begin(client, member)
    assert begun["factors"] == ["passkey"]
    answered = phone.prove(begun["passkey"])
    path = f"/v1/staff/sessions/{begun['id']}/second-factor"
    body = {"ticket": begun["ticket"], "passkey": answered}
    # An answer to a challenge that nobody gave opens nothing.
    other = begin(client, member)
    forged = phone.prove(other["passkey"], challenge=b"x" * 32)
    refused = client.post(
        f"/v1/staff/sessions/{other['id']}/second-factor",
        json={"ticket": other["ticket"], "passkey": forged},
    )
    assert (refused.status_code, refused.json["code"]) == (401, "log-in-failed")
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    session = run(rooms, "select second_factor from staff_sessions where id = :id", id=begun["id"])
    assert session.second_factor == "passkey"
    # And the same answer does not open once more.
    assert client.post(path, json=body).status_code == 401
    headers = bearer(answer.json["access_token"])
    asked = client.post("/v1/staff/me/step-up-challenges", headers=headers)
    assert asked.json["factors"] == ["passkey"]
    proof = {"passkey": phone.prove(asked.json["passkey"])}
    assert client.post("/v1/staff/me/step-ups", json=proof, headers=headers).status_code == 204
    assert principal_of(rooms, answer.json["access_token"]).is_stepped_up


def test_a_log_in_challenge_does_not_step_up(client: FlaskClient, rooms: Rooms) -> None:
    staff_id, token = invite(rooms)
    opened = client.post("/v1/staff/openings", json={"token": token}).json
    phone = Authenticator()
    login = f"pk{secrets.token_hex(6)}"
    body = {"token": token, "login": login, "password": PASSWORD}
    made = phone.register(opened["passkey"])
    assert client.post("/v1/staff/acceptances", json={**body, "passkey": made}).status_code == 204
    member = Member(staff_id, login, secret="")
    begun = begin(client, member)
    path = f"/v1/staff/sessions/{begun['id']}/second-factor"
    proof = {"ticket": begun["ticket"], "passkey": phone.prove(begun["passkey"])}
    member.token = client.post(path, json=proof).json["access_token"]
    other = begin(client, member)
    answer = client.post(
        "/v1/staff/me/step-ups",
        json={"passkey": phone.prove(other["passkey"])},
        headers=member.auth,
    )
    assert (answer.status_code, answer.json["code"]) == (422, "second-factor-wrong")
    assert not principal_of(rooms, member.token).is_stepped_up


def test_a_password_of_ninety_days_has_to_be_replaced_at_log_in(
    client: FlaskClient, rooms: Rooms
) -> None:
    member = newcomer(client, rooms)
    run(
        rooms,
        "update passwords set set_at = :at where owner_id = :id",
        id=member.id,
        at=now() - timedelta(days=365),
    )
    begun = begin(client, member)
    assert begun["password_expired"]
    answer = finish(client, rooms, member, begun)
    assert (answer.status_code, answer.json["code"]) == (422, "password-too-old")
    for repeated in (PASSWORD, "weak"):
        answer = finish(client, rooms, member, begun, new_password=repeated)
        assert answer.status_code == 422
        assert answer.json["code"] in {"password-reused", "password-too-weak"}
    assert count(rooms, OPEN, id=member.id) == 0
    answer = finish(client, rooms, member, begun, new_password="Fresh-Kettle-99-Harbour")
    assert answer.status_code == 200, answer.text
    assert try_password(client, member.login, PASSWORD)[0] == 401
    member.password = "Fresh-Kettle-99-Harbour"
    log_in(client, rooms, member)


def test_a_good_password_is_not_changed_by_the_way(client: FlaskClient, rooms: Rooms) -> None:
    member = newcomer(client, rooms)
    answer = finish(
        client, rooms, member, begin(client, member), new_password="Fresh-Kettle-99-Harbour"
    )
    assert (answer.status_code, answer.json["code"]) == (422, "password-still-good")
    log_in(client, rooms, member)


@pytest.mark.promise("P39")
def test_a_changed_password_takes_a_step_up_and_ends_what_waits(
    client: FlaskClient, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    member = log_in(client, rooms, newcomer(client, rooms))
    waiting = begin(client, member)
    path, body = "/v1/staff/me/password", {"password": "Fresh-Kettle-99-Harbour"}
    refused = client.put(path, json=body, headers=member.auth)
    assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
    assert "insufficient_user_authentication" in refused.headers["WWW-Authenticate"]
    step_up(client, rooms, member)
    reused = client.put(path, json={"password": PASSWORD}, headers=member.auth)
    assert (reused.status_code, reused.json["code"]) == (422, "password-reused")
    assert client.put(path, json=body, headers=member.auth).status_code == 204
    assert finish(client, rooms, member, waiting).status_code == 401
    assert try_password(client, member.login, PASSWORD)[0] == 401
    shows(
        "staff: changed password: the old one and a log-in that had begun with it refused at once"
    )


def test_a_step_up_counts_for_five_minutes(client: FlaskClient, rooms: Rooms) -> None:
    member = step_up(client, rooms, log_in(client, rooms, newcomer(client, rooms)))
    assert principal_of(rooms, member.token).is_stepped_up
    with later(301):
        assert not principal_of(rooms, member.token).is_stepped_up


def test_secrets_of_sessions_are_kept_as_digests(client: FlaskClient, rooms: Rooms) -> None:
    member = log_in(client, rooms, newcomer(client, rooms))
    begun = begin(client, member)
    rows = [
        str(tuple(run(rooms, "select * from staff_sessions where id = :id", id=own)))
        for own in (member.session_id, begun["id"])
    ]
    for secret in (member.renewal, begun["ticket"], member.token, member.password):
        assert all(secret not in row for row in rows)
