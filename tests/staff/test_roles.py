"""The permission table, and the three administrators that PostgreSQL keeps apart."""

import itertools
import uuid
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text as _text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.cli.staff import DOCUMENT, as_markdown
from app.core.clock import now
from app.factory import Rooms
from app.staff.values import PERMISSIONS_BY_NAME, ROLES, SELF, Office, Role
from tests.staff.support import count, give, in_parallel, invite, join, run

ADMINS = ("system-admin", "security-admin", "auditor")
INSERT = (
    "insert into staff_roles (staff_id, role, office, granted_at) values (:id, :role, :office, :at)"
)


def grant_raw(rooms: Rooms, staff_id: str, role: str, office: str) -> bool:
    """Try to write a role with SQL, as the service's own role; say whether it stands."""
    try:
        run(rooms, INSERT, id=staff_id, role=role, office=office, at=now())
    except DBAPIError:
        return False
    return True


def test_every_permission_has_a_title_and_every_role_an_office() -> None:
    named = {p for card in ROLES.values() for p in card.permissions | card.elevations}
    assert named | {SELF} == set(PERMISSIONS_BY_NAME)
    assert set(ROLES) == set(Role)
    for words in PERMISSIONS_BY_NAME.values():
        assert words.zh
        assert words.en


def test_the_three_administrators_share_no_power() -> None:
    powers = [ROLES[Role(role)].permissions for role in ADMINS]
    for one, other in itertools.combinations(powers, 2):
        assert not one & other
    system, security, audit = powers
    # Who grants can neither operate nor read the trail; auditors read and do nothing else.
    assert not any(p.endswith((".operate", ".read", ".request", ".approve")) for p in security)
    assert all(p.endswith(".read") for p in audit)
    assert not any(p.endswith(".manage") or p.startswith("audit.") for p in system)
    assert all(not ROLES[Role(role)].elevations for role in ADMINS)


def test_the_page_of_roles_is_the_table() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == as_markdown()


@pytest.mark.parametrize("role", list(Role))
def test_each_role_can_be_held(rooms: Rooms, role: Role) -> None:
    staff_id, _ = invite(rooms)
    give(rooms, staff_id, role)
    assert count(rooms, "select count(*) from staff_roles where staff_id = :id", id=staff_id) == 1


def test_one_person_can_hold_several_roles_of_one_office(client: FlaskClient, rooms: Rooms) -> None:
    member = join(client, rooms, "finance", "catalog-editor")
    me = client.get("/v1/staff/me", headers=member.auth).json
    assert me["roles"] == ["catalog-editor", "finance"]
    assert {"catalog.operate", "ledger.read", SELF} <= set(me["permissions"])
    assert "audit.read" not in me["permissions"]


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(ADMINS, 2)))
def test_raw_sql_cannot_make_one_person_two_administrators(
    rooms: Rooms, first: str, second: str
) -> None:
    staff_id, _ = invite(rooms)
    give(rooms, staff_id, first)
    for office in Office:
        assert not grant_raw(rooms, staff_id, second, office)
    # Nor can the office be changed under the role, nor the role itself.
    for statement in (
        "update staff set office = :office where id = :id",
        "update staff_roles set role = :role where staff_id = :id",
        "update staff_roles set role = :role, office = :office where staff_id = :id",
    ):
        with pytest.raises(IntegrityError):
            run(rooms, statement, id=staff_id, role=second, office=ROLES[Role(second)].office)
    assert count(rooms, "select count(*) from staff_roles where staff_id = :id", id=staff_id) == 1


def test_an_administrator_cannot_also_operate(rooms: Rooms) -> None:
    for admin in ADMINS:
        staff_id, _ = invite(rooms)
        give(rooms, staff_id, admin)
        assert not any(grant_raw(rooms, staff_id, "finance", office) for office in Office)


@pytest.mark.promise("P41")
def test_in_parallel_one_of_the_three_wins(rooms: Rooms, shows: Callable[[str], None]) -> None:
    """Twenty people, each given all three at once: whoever sets the office first keeps it."""
    rounds = 20
    for _ in range(rounds):
        staff_id, _token = invite(rooms)

        def take(role: str, staff_id: str = staff_id) -> bool:
            office = ROLES[Role(role)].office
            try:
                with rooms.units.open(actor="test") as uow:
                    uow.execute(
                        _text("update staff set office = :office where id = :id"),
                        {"office": office, "id": staff_id},
                    )
                    uow.execute(
                        _text(INSERT),
                        {"id": staff_id, "role": role, "office": office, "at": now()},
                    )
            except DBAPIError:
                return False
            return True

        won = in_parallel([lambda r=role: take(r) for role in ADMINS * 2])  # type: ignore[misc]
        assert won.count(True) == 1
        held = "select count(*) from staff_roles where staff_id = :id"
        assert count(rooms, held, id=staff_id) == 1
    shows(f"{rounds} people x 6 parallel grants of the three administrators: {rounds} roles stand")


def test_a_role_that_is_not_in_the_table_gives_nothing(client: FlaskClient, rooms: Rooms) -> None:
    member = join(client, rooms)
    assert grant_raw(rooms, member.id, "root", "operations")
    me = client.get("/v1/staff/me", headers=member.auth).json
    assert (me["roles"], me["permissions"]) == ([], [SELF])
    assert not grant_raw(rooms, str(uuid.uuid4()), "finance", "operations")
