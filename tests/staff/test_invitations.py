"""Accounts begin with an invitation: once, for 72 hours, with a second factor; never by default."""

import pytest
from flask.testing import FlaskClient

from app.core.crypto import digest
from app.factory import Rooms
from tests.factories import later
from tests.staff.support import (
    PASSWORD,
    accept,
    begin,
    code,
    count,
    finish,
    in_parallel,
    invite,
    join,
    log_in,
    run,
    step_up,
)

HOUR = 3600


def state_of(rooms: Rooms, staff_id: str) -> str:
    return str(run(rooms, "select status from staff where id = :id", id=staff_id)[0])


def open_it(client: FlaskClient, token: str) -> str:
    answer = client.post("/v1/staff/openings", json={"token": token})
    assert answer.status_code == 201, answer.text
    return str(answer.json["totp_secret"])


def test_an_invited_person_can_log_in_after_accepting_and_not_before(
    client: FlaskClient, rooms: Rooms
) -> None:
    admin = join(client, rooms, "security-admin")
    answer = client.post(
        "/v1/staff/members",
        json={"label": "水务大厅3号窗口", "department": "water-bureau"},
        headers=admin.auth,
    )
    assert answer.status_code == 201, answer.text
    invited = answer.json
    assert state_of(rooms, invited["id"]) == "invited"
    member = accept(client, rooms, invited["id"], invited["token"])
    assert state_of(rooms, invited["id"]) == "active"
    log_in(client, rooms, member)
    me = client.get("/v1/staff/me", headers=member.auth).json
    # An invitation gives no power at all.
    assert (me["roles"], me["permissions"], me["department"]) == ([], ["self"], "water-bureau")


def test_the_token_is_kept_as_a_digest(rooms: Rooms) -> None:
    staff_id, token = invite(rooms)
    row = run(rooms, "select * from staff_invitations where staff_id = :id", id=staff_id)
    assert bytes(row.token_digest) == digest(token)
    assert token not in str(tuple(row))


def test_a_department_has_to_exist(client: FlaskClient, rooms: Rooms) -> None:
    admin = join(client, rooms, "security-admin")
    before = count(rooms, "select count(*) from staff")
    answer = client.post(
        "/v1/staff/members",
        json={"label": "窗口", "department": "ministry-of-magic"},
        headers=admin.auth,
    )
    assert (answer.status_code, answer.json["code"]) == (422, "department-unknown")
    assert count(rooms, "select count(*) from staff") == before


def test_an_invitation_works_once(client: FlaskClient, rooms: Rooms) -> None:
    staff_id, token = invite(rooms)
    accept(client, rooms, staff_id, token)
    for path, body in (
        ("openings", {"token": token}),
        (
            "acceptances",
            {
                "token": token,
                "login": "somebody.else",
                "password": PASSWORD,
                "totp_code": "123456",
            },
        ),
    ):
        answer = client.post(f"/v1/staff/{path}", json=body)
        assert (answer.status_code, answer.json["code"]) == (401, "invitation-invalid")
    assert count(rooms, "select count(*) from staff where login = 'somebody.else'") == 0


def test_in_parallel_an_invitation_is_accepted_once(client: FlaskClient, rooms: Rooms) -> None:
    staff_id, token = invite(rooms)
    secret = open_it(client, token)
    codes = [code(rooms, staff_id, secret) for _ in range(6)]

    def take(number: int) -> int:
        body = {
            "token": token,
            "login": f"race{number}.{staff_id[-6:]}",
            "password": PASSWORD,
            "totp_code": codes[number],
        }
        own = client.application.test_client()
        return own.post("/v1/staff/acceptances", json=body).status_code

    statuses = in_parallel([lambda n=n: take(n) for n in range(6)])  # type: ignore[misc]
    assert statuses.count(204) == 1
    assert all(status in {204, 401, 409, 422, 429} for status in statuses)
    assert state_of(rooms, staff_id) == "active"


def test_an_invitation_is_over_after_72_hours(client: FlaskClient, rooms: Rooms) -> None:
    _, token = invite(rooms)
    with later(72 * HOUR - 600):
        open_it(client, token)
    with later(72 * HOUR + 1):
        answer = client.post("/v1/staff/openings", json={"token": token})
    assert (answer.status_code, answer.json["code"]) == (401, "invitation-invalid")


@pytest.mark.parametrize(
    ("change", "status", "refusal"),
    [
        ({"totp_code": "000000"}, 422, "second-factor-wrong"),
        ({"password": "short1A!"}, 422, "password-too-weak"),
        ({"password": "onlylowercaseletters"}, 422, "password-too-weak"),
        ({"login": "Not A Name"}, 422, "invalid-input"),
        ({"totp_code": None}, 422, "invalid-input"),
    ],
)
def test_what_is_wrong_with_an_acceptance_leaves_nothing_open(
    client: FlaskClient, rooms: Rooms, change: dict[str, str | None], status: int, refusal: str
) -> None:
    staff_id, token = invite(rooms)
    secret = open_it(client, token)
    body: dict[str, str | None] = {
        "token": token,
        "login": f"n{staff_id[-8:]}",
        "password": PASSWORD,
        "totp_code": code(rooms, staff_id, secret),
        **change,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    answer = client.post("/v1/staff/acceptances", json=sent)
    assert (answer.status_code, answer.json["code"]) == (status, refusal)
    assert state_of(rooms, staff_id) == "invited"
    assert run(rooms, "select login from staff where id = :id", id=staff_id)[0] is None
    # And the invitation is still good.
    accept(client, rooms, staff_id, token)


def test_a_second_factor_is_not_a_matter_of_choice(client: FlaskClient, rooms: Rooms) -> None:
    staff_id, token = invite(rooms)
    answer = client.post(
        "/v1/staff/acceptances",
        json={"token": token, "login": "no.factor", "password": PASSWORD},
    )
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")
    assert state_of(rooms, staff_id) == "invited"


def test_a_log_in_name_is_one_persons(client: FlaskClient, rooms: Rooms) -> None:
    first_id, first_token = invite(rooms)
    first = accept(client, rooms, first_id, first_token)
    staff_id, token = invite(rooms)
    secret = open_it(client, token)
    answer = client.post(
        "/v1/staff/acceptances",
        json={
            "token": token,
            "login": first.login,
            "password": PASSWORD,
            "totp_code": code(rooms, staff_id, secret),
        },
    )
    assert (answer.status_code, answer.json["code"]) == (409, "login-taken")
    assert state_of(rooms, staff_id) == "invited"


def test_a_fresh_invitation_voids_the_former(client: FlaskClient, rooms: Rooms) -> None:
    admin = join(client, rooms, "security-admin")
    staff_id, token = invite(rooms)
    again = client.post(f"/v1/staff/members/{staff_id}/invitations", headers=admin.auth)
    assert again.status_code == 201
    assert client.post("/v1/staff/openings", json={"token": token}).status_code == 401
    accept(client, rooms, staff_id, again.json["token"])


def test_an_open_account_is_not_invited_again(client: FlaskClient, rooms: Rooms) -> None:
    admin, member = join(client, rooms, "security-admin"), join(client, rooms)
    answer = client.post(f"/v1/staff/members/{member.id}/invitations", headers=admin.auth)
    assert (answer.status_code, answer.json["code"]) == (409, "illegal-transition")
    log_in(client, rooms, member)


def test_a_lost_second_factor_takes_a_suspension_and_two_people(
    client: FlaskClient, rooms: Rooms
) -> None:
    one, two = (join(client, rooms, "security-admin") for _ in range(2))
    member = join(client, rooms, "finance")
    path = f"/v1/staff/members/{member.id}"
    assert client.post(f"{path}/suspension", headers=one.auth).status_code == 204
    again = client.post(f"{path}/invitations", headers=one.auth)
    assert again.status_code == 201, again.text
    renewed = accept(client, rooms, member.id, again.json["token"], "Other-Kettle-88-Meadow")
    # The new factors are set, and still nothing is open.
    answer = client.post(
        "/v1/staff/sessions", json={"login": renewed.login, "password": renewed.password}
    )
    assert (answer.status_code, answer.json["code"]) == (401, "log-in-failed")
    asked = client.post(
        "/v1/staff/requests",
        json={
            "act": "staff.reinstate",
            "parameters": {"staff_id": member.id},
            "reason": "手机遗失",
        },
        headers=one.auth,
    )
    assert asked.status_code == 201, asked.text
    step_up(client, rooms, two)
    approved = client.post(f"/v1/staff/requests/{asked.json['id']}/approval", headers=two.auth)
    assert approved.json["status"] == "executed", approved.text
    log_in(client, rooms, renewed)
    answer = finish(client, rooms, renewed, begin(client, renewed))
    assert answer.status_code == 200


DEFAULTS = ["admin", "root", "administrator", "system", "test", "guest", "operator", "wudang"]


@pytest.mark.parametrize("login", DEFAULTS)
@pytest.mark.parametrize("password", ["admin", "password", "123456", "wudang", "Admin@123456"])
def test_there_is_no_default_account(
    client: FlaskClient, rooms: Rooms, login: str, password: str
) -> None:
    answer = client.post("/v1/staff/sessions", json={"login": login, "password": password})
    assert (answer.status_code, answer.json["code"]) == (401, "log-in-failed")
