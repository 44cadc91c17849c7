"""Sessions of staff: fifteen minutes idle, eight hours in all, ended at once."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.core.tokens import TokenInvalid
from app.factory import Rooms
from app.staff import service
from tests.factories import bearer, later, staff_token
from tests.staff.support import count, in_parallel, join, principal_of, run

MINUTE = 60


def renew(client: FlaskClient, renewal: str) -> tuple[int, dict[str, str]]:
    answer = client.post("/v1/staff/sessions/renewal", json={"renewal_token": renewal})
    return answer.status_code, answer.json


def test_a_session_slides_with_each_renewal(client: FlaskClient, rooms: Rooms) -> None:
    member = join(client, rooms)
    renewal = member.renewal
    for minutes in (14, 28, 42):
        with later(minutes * MINUTE):
            status, body = renew(client, renewal)
            assert status == 200
            assert (
                client.get("/v1/staff/me", headers=bearer(body["access_token"])).status_code == 200
            )
            renewal = body["renewal_token"]
    with later((42 + 16) * MINUTE):
        status, body = renew(client, renewal)
        assert (status, body["code"]) == (401, "renewal-invalid")


def test_a_token_is_over_after_ten_minutes_and_the_session_after_fifteen_idle(
    client: FlaskClient, rooms: Rooms
) -> None:
    member = join(client, rooms)
    with later(9 * MINUTE):
        assert client.get("/v1/staff/me", headers=member.auth).status_code == 200
    with later(11 * MINUTE):
        assert client.get("/v1/staff/me", headers=member.auth).status_code == 401
    with later(16 * MINUTE):
        assert renew(client, member.renewal)[0] == 401


def test_nobody_stays_longer_than_eight_hours(client: FlaskClient, rooms: Rooms) -> None:
    member = join(client, rooms)
    renewal, at = member.renewal, 0
    while at < 8 * 60 - 14:
        at += 14
        with later(at * MINUTE):
            status, body = renew(client, renewal)
            assert status == 200
            renewal = body["renewal_token"]
    with later(8 * 60 * MINUTE - 120):
        status, body = renew(client, renewal)
        assert status == 200
        assert int(body["expires_in"]) <= 120
        renewal = body["renewal_token"]
    with later(8 * 60 * MINUTE + 1):
        assert renew(client, renewal)[0] == 401
    with pytest.raises(IntegrityError, match="absolute"):
        run(
            rooms,
            "update staff_sessions set expires_at = expires_at + interval '1 minute' "
            "where id = :id",
            id=member.session_id,
        )


def test_a_renewal_token_works_once_also_in_parallel(client: FlaskClient, rooms: Rooms) -> None:
    member = join(client, rooms)

    def take() -> int:
        own = client.application.test_client()
        return own.post(
            "/v1/staff/sessions/renewal", json={"renewal_token": member.renewal}
        ).status_code

    statuses = in_parallel([take] * 8)
    assert (statuses.count(200), statuses.count(401)) == (1, 7)


def test_the_sessions_are_listed_and_ended(client: FlaskClient, rooms: Rooms) -> None:
    member = join(client, rooms)
    listed = client.get("/v1/staff/sessions", headers=member.auth).json["items"]
    assert [(s["id"], s["is_current"], s["second_factor"]) for s in listed] == [
        (member.session_id, True, "totp")
    ]
    path = f"/v1/staff/sessions/{member.session_id}"
    assert client.delete(path, headers=member.auth).status_code == 204
    assert client.get("/v1/staff/me", headers=member.auth).status_code == 401
    assert renew(client, member.renewal)[0] == 401


def test_a_foreign_session_is_not_found_but_by_who_may_end_it(
    client: FlaskClient, rooms: Rooms
) -> None:
    member, stranger = join(client, rooms), join(client, rooms, "finance")
    path = f"/v1/staff/sessions/{member.session_id}"
    answer = client.delete(path, headers=stranger.auth)
    assert (answer.status_code, answer.json["code"]) == (404, "staff-session-not-found")
    assert client.get("/v1/staff/me", headers=member.auth).status_code == 200
    admin = join(client, rooms, "security-admin")
    assert client.delete(path, headers=admin.auth).status_code == 204
    assert client.get("/v1/staff/me", headers=member.auth).status_code == 401


@pytest.mark.promise("P39")
def test_losing_a_role_takes_effect_with_the_next_request(
    client: FlaskClient, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    member = join(client, rooms, "finance")
    path = "/v1/ledger/trial-balance"
    assert client.get(path, headers=member.auth).status_code == 200
    run(rooms, "delete from staff_roles where staff_id = :id", id=member.id)

    def take() -> int:
        return client.application.test_client().get(path, headers=member.auth).status_code

    statuses = in_parallel([take] * 20)
    assert statuses == [403] * 20
    shows("role lost: 20 of 20 parallel requests with the old token refused, the first included")


@pytest.mark.promise("P39")
def test_a_suspended_person_is_out_at_once(
    client: FlaskClient, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    admin, member = join(client, rooms, "security-admin"), join(client, rooms, "finance")
    answer = client.post(f"/v1/staff/members/{member.id}/suspension", headers=admin.auth)
    assert answer.status_code == 204

    def take() -> int:
        own = client.application.test_client()
        return own.get("/v1/ledger/trial-balance", headers=member.auth).status_code

    assert in_parallel([take] * 20) == [401] * 20
    assert renew(client, member.renewal)[0] == 401
    shows("staff suspended: 20 of 20 parallel requests with the old token refused")


def test_nobody_suspends_themselves(client: FlaskClient, rooms: Rooms) -> None:
    admin = join(client, rooms, "security-admin")
    answer = client.post(f"/v1/staff/members/{admin.id}/suspension", headers=admin.auth)
    assert (answer.status_code, answer.json["code"]) == (403, "not-oneself")
    assert client.get("/v1/staff/me", headers=admin.auth).status_code == 200


def test_the_idle_the_old_and_the_dormant_are_closed_by_themselves(
    client: FlaskClient, rooms: Rooms
) -> None:
    member = join(client, rooms)
    sandbox = staff_token(rooms, "finance")
    of_member = "select status from staff where id = :id"
    with later(16 * MINUTE):
        for _ in range(20):  # five hundred at once, and those of other tests among them
            with rooms.units.open(actor="test") as uow:
                service.close_what_is_over(uow)
        ended = run(rooms, "select status from staff_sessions where id = :id", id=member.session_id)
        assert ended.status == "ended"
        assert run(rooms, of_member, id=member.id).status == "active"
        assert principal_of(rooms, sandbox).kind == "staff"
    day = 24 * 60 * MINUTE
    with later(89 * day):
        with rooms.units.open(actor="test") as uow:
            service.close_what_is_over(uow)
        assert run(rooms, of_member, id=member.id).status == "active"
    with later(91 * day):
        for _ in range(20):
            with rooms.units.open(actor="test") as uow:
                service.close_what_is_over(uow)
        assert run(rooms, of_member, id=member.id).status == "suspended"
        with pytest.raises(TokenInvalid):
            principal_of(rooms, sandbox)
    assert (
        count(
            rooms,
            "select count(*) from event_log where entity = 'staff' and entity_id = :id "
            "and to_state = 'suspended' and cause = 'dormant'",
            id=member.id,
        )
        == 1
    )
