"""Four eyes: asked for by one, approved by another, done once; and elevation for an hour."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.clock import now
from app.factory import Rooms
from app.staff import service
from tests.factories import later
from tests.staff.support import (
    REASON,
    Member,
    ask,
    count,
    decide,
    give,
    in_parallel,
    invite,
    join,
    principal_of,
    run,
    step_up,
)

HOUR = 3600
ROLES_OF = "select count(*) from staff_roles where staff_id = :id"


@pytest.fixture
def admins(client: FlaskClient, rooms: Rooms) -> tuple[Member, Member]:
    """Return two security administrators who have stepped up."""
    one, two = (step_up(client, rooms, join(client, rooms, "security-admin")) for _ in range(2))
    return one, two


def grant(client: FlaskClient, admin: Member, staff_id: str, role: str = "finance") -> str:
    answer = ask(client, admin, "role.grant", {"staff_id": staff_id, "role": role})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def test_a_role_is_granted_by_two(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, two = admins
    member = join(client, rooms)
    request_id = grant(client, one, member.id)
    assert count(rooms, ROLES_OF, id=member.id) == 0
    answer = decide(client, two, request_id, "approval")
    assert answer.status_code == 200, answer.text
    body = answer.json
    assert (body["status"], body["requested_by"], body["decided_by"]) == (
        "executed",
        one.id,
        two.id,
    )
    assert body["reason"] == REASON
    # The old session has the new power with its next request.
    assert "ledger.read" in principal_of(rooms, member.token).permissions
    moves = run(
        rooms,
        "select array_agg(to_state order by sequence) from event_log where entity_id = :id",
        id=request_id,
    )[0]
    assert moves == ["requested", "approved", "executed"]


def test_a_role_is_revoked_by_two(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, two = admins
    member = join(client, rooms, "finance")
    asked = ask(client, one, "role.revoke", {"staff_id": member.id, "role": "finance"})
    assert "ledger.read" in principal_of(rooms, member.token).permissions
    assert decide(client, two, asked.json["id"], "approval").status_code == 200
    assert principal_of(rooms, member.token).permissions == {"self"}


def test_an_account_is_ended_by_two(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, two = admins
    member = join(client, rooms, "finance")
    asked = ask(client, one, "staff.end", {"staff_id": member.id})
    assert client.get("/v1/staff/me", headers=member.auth).status_code == 200
    assert decide(client, two, asked.json["id"], "approval").status_code == 200
    assert client.get("/v1/staff/me", headers=member.auth).status_code == 401
    assert run(rooms, "select status from staff where id = :id", id=member.id)[0] == "ended"
    assert count(rooms, ROLES_OF, id=member.id) == 0


def test_whoever_asked_cannot_approve(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, _ = admins
    member = join(client, rooms)
    request_id = grant(client, one, member.id)
    for verdict in ("approval", "rejection"):
        answer = decide(client, one, request_id, verdict)
        assert (answer.status_code, answer.json["code"]) == (403, "own-request")
    assert count(rooms, ROLES_OF, id=member.id) == 0
    # And PostgreSQL would not keep it either.
    with pytest.raises(IntegrityError, match="four_eyes"):
        run(
            rooms,
            "update staff_requests set status = 'approved', decided_by = requested_by, "
            "decided_at = :at where id = :id",
            id=request_id,
            at=now(),
        )
    with pytest.raises(IntegrityError, match="decided_by_somebody"):
        run(rooms, "update staff_requests set status = 'executed' where id = :id", id=request_id)


def test_nobody_grants_to_themselves_nor_approves_their_own_grant(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, two = admins
    answer = ask(client, one, "role.grant", {"staff_id": one.id, "role": "finance"})
    assert (answer.status_code, answer.json["code"]) == (403, "not-oneself")
    # One asks for the other to lose the role: the other cannot decide on it.
    third = step_up(client, rooms, join(client, rooms, "security-admin"))
    asked = ask(client, one, "role.revoke", {"staff_id": two.id, "role": "security-admin"})
    assert asked.status_code == 201, asked.text
    for verdict in ("approval", "rejection"):
        answer = decide(client, two, asked.json["id"], verdict)
        assert (answer.status_code, answer.json["code"]) == (403, "own-request")
    assert decide(client, third, asked.json["id"], "approval").status_code == 200


def test_an_approval_takes_a_fresh_second_factor(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, _ = admins
    hasty = join(client, rooms, "security-admin")
    request_id = grant(client, one, join(client, rooms).id)
    answer = decide(client, hasty, request_id, "approval")
    assert (answer.status_code, answer.json["code"]) == (401, "step-up-required")
    step_up(client, rooms, hasty)
    assert decide(client, hasty, request_id, "approval").status_code == 200


def test_the_three_administrators_stay_apart_also_with_four_eyes(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, two = admins
    member = join(client, rooms)
    first, second = (grant(client, one, member.id, role) for role in ("auditor", "system-admin"))
    assert decide(client, two, first, "approval").status_code == 200
    answer = decide(client, two, second, "approval")
    assert (answer.status_code, answer.json["code"]) == (409, "offices-apart")
    assert client.get("/v1/staff/me", headers=member.auth).json["roles"] == ["auditor"]
    # What could not be done was not decided on.
    left = client.get(f"/v1/staff/requests/{second}", headers=two.auth).json
    assert (left["status"], left["decided_by"]) == ("requested", None)
    answer = ask(client, one, "role.grant", {"staff_id": member.id, "role": "finance"})
    assert (answer.status_code, answer.json["code"]) == (409, "offices-apart")


def test_two_security_administrators_have_to_stay(client: FlaskClient, rooms: Rooms) -> None:
    run(
        rooms,
        "update staff set status = 'suspended' where id in "
        "(select staff_id from staff_roles where role = 'security-admin') and status = 'active'",
    )
    one, two = (step_up(client, rooms, join(client, rooms, "security-admin")) for _ in range(2))
    for act, more in (("role.revoke", {"role": "security-admin"}), ("staff.end", {})):
        answer = ask(client, one, act, {"staff_id": two.id, **more})
        assert (answer.status_code, answer.json["code"]) == (409, "last-security-admin")
    assert count(rooms, ROLES_OF, id=two.id) == 1


@pytest.mark.promise("P41")
def test_twenty_approvals_in_parallel_execute_once(
    client: FlaskClient,
    rooms: Rooms,
    admins: tuple[Member, Member],
    shows: Callable[[str], None],
) -> None:
    one, two = admins
    three = step_up(client, rooms, join(client, rooms, "security-admin"))
    support = join(client, rooms, "citizen-support")
    asked = ask(
        client, support, "permission.elevate", {"permission": "identity.unmask", "minutes": 5}
    )

    def take(member: Member) -> int:
        own = client.application.test_client()
        return decide(own, member, asked.json["id"], "approval").status_code

    callers = [one, two, three, two] * 5
    statuses = in_parallel([lambda m=m: take(m) for m in callers])  # type: ignore[misc]
    assert (statuses.count(200), statuses.count(409)) == (1, 19)
    done = "select count(*) from staff_elevations where staff_id = :id"
    assert count(rooms, done, id=support.id) == 1
    shows("four eyes: 20 parallel approvals of one request: executed 1 time, 19 refused")


def test_a_request_is_over_after_a_day(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, _ = admins
    member = join(client, rooms)
    request_id = grant(client, one, member.id)
    with later(24 * HOUR + 1):
        late = step_up(client, rooms, join(client, rooms, "security-admin"))
        answer = decide(client, late, request_id, "approval")
        assert (answer.status_code, answer.json["code"]) == (409, "request-decided")
        with rooms.units.open(actor="test") as uow:
            service.close_what_is_over(uow)
    status = run(rooms, "select status from staff_requests where id = :id", id=request_id)[0]
    assert status == "expired"
    assert count(rooms, ROLES_OF, id=member.id) == 0


def test_a_rejected_request_stays_rejected(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, two = admins
    member = join(client, rooms)
    request_id = grant(client, one, member.id)
    assert decide(client, two, request_id, "rejection").json["status"] == "rejected"
    for verdict in ("approval", "rejection"):
        answer = decide(client, two, request_id, verdict)
        assert (answer.status_code, answer.json["code"]) == (409, "request-decided")
    assert count(rooms, ROLES_OF, id=member.id) == 0


def test_who_asked_has_to_be_allowed_still(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    _, two = admins
    gone = join(client, rooms, "security-admin")
    member = join(client, rooms)
    request_id = grant(client, gone, member.id)
    run(rooms, "delete from staff_roles where staff_id = :id", id=gone.id)
    answer = decide(client, two, request_id, "approval")
    assert (answer.status_code, answer.json["code"]) == (409, "requester-lost")
    assert count(rooms, ROLES_OF, id=member.id) == 0


def test_requests_are_seen_by_who_asked_and_who_may_decide(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    one, two = admins
    stranger = step_up(client, rooms, join(client, rooms, "finance"))
    request_id = grant(client, one, join(client, rooms).id)
    path = f"/v1/staff/requests/{request_id}"
    assert client.get(path, headers=two.auth).json["id"] == request_id
    answer = client.get(path, headers=stranger.auth)
    assert (answer.status_code, answer.json["code"]) == (404, "request-not-found")
    answer = decide(client, stranger, request_id, "approval")
    assert (answer.status_code, answer.json["code"]) == (404, "request-not-found")
    listed = client.get("/v1/staff/requests?status=requested&limit=100", headers=two.auth).json
    assert request_id in {item["id"] for item in listed["items"]}
    assert client.get("/v1/staff/requests", headers=stranger.auth).json["items"] == []


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"role": "finance"}, "/parameters/staff_id"),
        ({"staff_id": "x", "role": "finance"}, "/parameters/staff_id"),
        ({"staff_id": str(uuid.uuid4()), "role": "root"}, "/parameters/role"),
        ({"staff_id": str(uuid.uuid4()), "role": ["finance"]}, "/parameters/role"),
        (
            {"staff_id": str(uuid.uuid4()), "role": "finance", "approved": True},
            "/parameters/approved",
        ),
    ],
)
def test_the_parameters_are_the_acts_and_no_others(
    client: FlaskClient, rooms: Rooms, parameters: dict[str, Any], pointer: str
) -> None:
    admin = join(client, rooms, "security-admin")
    before = count(rooms, "select count(*) from staff_requests")
    answer = ask(client, admin, "role.grant", parameters)
    assert (answer.status_code, answer.json["code"]) == (422, "parameters-invalid")
    assert pointer in {fault["pointer"] for fault in answer.json["errors"]}
    assert count(rooms, "select count(*) from staff_requests") == before


def test_what_cannot_be_done_cannot_be_asked_for(client: FlaskClient, rooms: Rooms) -> None:
    admin = join(client, rooms, "security-admin")
    member = join(client, rooms, "finance")
    absent = str(uuid.uuid4())
    for act, parameters, status, refusal in (
        ("role.grant", {"staff_id": absent, "role": "finance"}, 404, "staff-not-found"),
        ("role.grant", {"staff_id": member.id, "role": "finance"}, 409, "role-held"),
        ("role.revoke", {"staff_id": member.id, "role": "auditor"}, 409, "role-not-held"),
        (
            "role.grant",
            {"staff_id": member.id, "role": "department-operator"},
            409,
            "department-needed",
        ),
        ("staff.reinstate", {"staff_id": member.id}, 409, "illegal-transition"),
        ("bomb.drop", {}, 422, "act-unknown"),
    ):
        answer = ask(client, admin, act, parameters)
        assert (answer.status_code, answer.json["code"]) == (status, refusal), act


def test_only_who_may_ask_asks(client: FlaskClient, rooms: Rooms) -> None:
    other = join(client, rooms)
    for role in ("auditor", "system-admin", "finance", "citizen-support"):
        member = join(client, rooms, role)
        answer = ask(client, member, "role.grant", {"staff_id": other.id, "role": "finance"})
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), role
    assert count(rooms, ROLES_OF, id=other.id) == 0


def test_the_reason_is_kept_sealed(client: FlaskClient, rooms: Rooms) -> None:
    admin = join(client, rooms, "security-admin")
    request_id = grant(client, admin, join(client, rooms).id)
    row = run(rooms, "select * from staff_requests where id = :id", id=request_id)
    assert REASON.encode() not in bytes(row.reason_sealed)
    assert REASON not in str(tuple(row))


def elevate(client: FlaskClient, member: Member, minutes: int = 30) -> Any:  # noqa: ANN401
    parameters = {"permission": "identity.unmask", "minutes": minutes}
    return ask(client, member, "permission.elevate", parameters)


def test_an_elevation_is_approved_shown_and_ends_by_itself(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    _, two = admins
    support = join(client, rooms, "citizen-support")
    asked = elevate(client, support)
    assert asked.status_code == 201, asked.text
    assert "identity.unmask" not in principal_of(rooms, support.token).permissions
    assert decide(client, two, asked.json["id"], "approval").status_code == 200
    me = client.get("/v1/staff/me", headers=support.auth).json
    assert "identity.unmask" in me["permissions"]
    assert [e["permission"] for e in me["elevations"]] == ["identity.unmask"]
    token = join(client, rooms, "citizen-support")
    assert "identity.unmask" not in principal_of(rooms, token.token).permissions
    row = run(rooms, "select * from staff_elevations where staff_id = :id", id=support.id)
    assert (row.ends_at - row.begins_at).total_seconds() == 30 * 60
    with later(31 * 60), rooms.units.open(actor="test", read_only=True) as uow:
        found = service.permissions_of(uow, uuid.UUID(support.id))
        assert "identity.unmask" not in found


def test_an_elevation_goes_with_the_role_that_allowed_it(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    _, two = admins
    support = join(client, rooms, "citizen-support")
    assert decide(client, two, elevate(client, support).json["id"], "approval").status_code == 200
    run(rooms, "delete from staff_roles where staff_id = :id", id=support.id)
    assert principal_of(rooms, support.token).permissions == {"self"}


@pytest.mark.parametrize("minutes", [0, 61, -5, "30", 1.5, True])
def test_an_elevation_lasts_an_hour_at_most(
    client: FlaskClient,
    rooms: Rooms,
    minutes: Any,  # noqa: ANN401
) -> None:
    support = join(client, rooms, "citizen-support")
    answer = elevate(client, support, minutes)
    assert (answer.status_code, answer.json["code"]) == (422, "parameters-invalid")


def test_postgresql_knows_no_longer_elevation_and_no_change_of_one(
    client: FlaskClient, rooms: Rooms, admins: tuple[Member, Member]
) -> None:
    _, two = admins
    support = join(client, rooms, "citizen-support")
    asked = elevate(client, support, 60)
    insert = (
        "insert into staff_elevations (id, staff_id, permission, request_id, begins_at, ends_at) "
        "values (:id, :staff, 'identity.unmask', :request, :at, "
        "cast(:at as timestamptz) + interval '61 minutes')"
    )
    with pytest.raises(IntegrityError, match="one_hour"):
        run(
            rooms,
            insert,
            id=uuid.uuid4(),
            staff=support.id,
            request=asked.json["id"],
            at=now(),
        )
    assert decide(client, two, asked.json["id"], "approval").status_code == 200
    with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
        run(
            rooms,
            "update staff_elevations set ends_at = ends_at where staff_id = :id",
            id=support.id,
        )


@pytest.mark.parametrize("role", ["auditor", "system-admin", "security-admin", "finance"])
def test_who_may_not_be_elevated_is_not(client: FlaskClient, rooms: Rooms, role: str) -> None:
    member = join(client, rooms, role)
    answer = elevate(client, member)
    assert (answer.status_code, answer.json["code"]) == (403, "not-elevatable")


def test_raw_roles_and_invitations_do_not_mix(rooms: Rooms) -> None:
    """Two open invitations of one person cannot stand, whoever writes them."""
    staff_id, _ = invite(rooms)
    give(rooms, staff_id, "finance")
    with pytest.raises(IntegrityError, match="uq_staff_invitations_open"):
        run(
            rooms,
            "insert into staff_invitations (id, staff_id, token_digest, created_at, expires_at) "
            "values (:own, :id, :digest, :at, :at)",
            own=uuid.uuid4(),
            id=staff_id,
            digest=b"x" * 32,
            at=now(),
        )
