"""The desk: a citizen found by a number and masked, and one field in clear for a reason."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.core.errors import DomainError
from app.factory import Rooms
from app.staff import service
from app.staff.values import Attribute
from tests.conftest import World
from tests.factories import Citizen, later, make_phone, verify
from tests.factories import log_in as log_in_citizen
from tests.staff.support import (
    REASON,
    Member,
    ask,
    count,
    decide,
    deps_of,
    in_parallel,
    join,
    principal_of,
    run,
    step_up,
)

DAY = 86_400
LOOKS = "select count(*) from staff_unmaskings where citizen_id = :id"
TOLD = "select count(*) from disclosures where citizen_id = :id"


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in_citizen(client, world, rooms)


@pytest.fixture
def person(client: FlaskClient, world: World, citizen: Citizen) -> dict[str, str]:
    """Return who the citizen is, by the register."""
    return verify(client, world, citizen)


@pytest.fixture
def officer(client: FlaskClient, rooms: Rooms) -> Member:
    return step_up(client, rooms, join(client, rooms, "identity-officer"))


def search(client: FlaskClient, member: Member, **body: str) -> TestResponse:
    return client.post(
        "/v1/staff/citizen-searches", json={"reason": REASON, **body}, headers=member.auth
    )


def unmask(
    client: FlaskClient, member: Member, citizen_id: str, attribute: str = "phone"
) -> TestResponse:
    return client.post(
        f"/v1/staff/citizens/{citizen_id}/unmaskings",
        json={"attribute": attribute, "reason": REASON},
        headers=member.auth,
    )


def trail(rooms: Rooms, name: str, citizen_id: str) -> int:
    statement = "select count(*) from audit_entries where event = :name and subject_id = :id"
    return count(rooms, statement, name=name, id=citizen_id)


def disclosures(client: FlaskClient, citizen: Citizen) -> list[dict[str, Any]]:
    answer = client.get("/v1/me/disclosures", headers=citizen.auth)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])


def test_a_citizen_is_found_by_phone_and_by_resident_id_and_masked(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, person: dict[str, str]
) -> None:
    support = join(client, rooms, "citizen-support")
    local = citizen.phone.removeprefix("+86")
    for body in (
        {"phone": citizen.phone},
        {"phone": local},
        {"resident_id": person["resident_id"]},
        {"resident_id": person["resident_id"].lower()},
    ):
        answer = search(client, support, **body)
        assert answer.status_code == 200, answer.text
        assert answer.json == {
            "id": citizen.id,
            "phone": f"{local[:3]}****{local[-4:]}",
            "name": f"{person['name'][0]}*",
            "resident_id": f"{person['resident_id'][:3]}{'*' * 11}{person['resident_id'][-4:]}",
            "assurance": "verified",
            "status": "active",
        }
    # The citizen reads of each look, and so does the trail.
    assert count(rooms, LOOKS, id=citizen.id) == 4
    assert len(disclosures(client, citizen)) == 4
    assert trail(rooms, "staff.citizen-sought", citizen.id) == 4


def test_who_is_not_there_is_not_found(client: FlaskClient, rooms: Rooms) -> None:
    support = join(client, rooms, "citizen-support")
    before = count(rooms, "select count(*) from staff_unmaskings")
    answer = search(client, support, phone=make_phone())
    assert (answer.status_code, answer.json["code"]) == (404, "citizen-not-found")
    assert count(rooms, "select count(*) from staff_unmaskings") == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": "+8613800000000", "resident_id": "420302198503120017"},
        {"name": "李雷"},
        {"phone": "+8613800000000", "reason": "x"},
        {"phone": "12"},
        {"resident_id": "420302198513320017"},
    ],
)
def test_one_number_and_a_reason(client: FlaskClient, rooms: Rooms, body: dict[str, str]) -> None:
    support = join(client, rooms, "citizen-support")
    assert search(client, support, **body).status_code == 422


def test_a_field_in_clear_takes_permission_step_up_and_reason(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    support = step_up(client, rooms, join(client, rooms, "citizen-support"))
    answer = unmask(client, support, citizen.id)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    hasty = join(client, rooms, "identity-officer")
    answer = unmask(client, hasty, citizen.id)
    assert (answer.status_code, answer.json["code"]) == (401, "step-up-required")
    step_up(client, rooms, hasty)
    path = f"/v1/staff/citizens/{citizen.id}/unmaskings"
    for body in ({"attribute": "phone"}, {"attribute": "phone", "reason": " "}):
        assert client.post(path, json=body, headers=hasty.auth).status_code == 422
    assert count(rooms, LOOKS, id=citizen.id) == 0
    assert count(rooms, TOLD, id=citizen.id) == 0
    answer = unmask(client, hasty, citizen.id)
    assert (answer.status_code, answer.json["value"]) == (201, citizen.phone)


def test_the_citizen_reads_who_saw_what(
    client: FlaskClient,
    rooms: Rooms,
    citizen: Citizen,
    person: dict[str, str],
    officer: Member,
) -> None:
    for attribute, value in (
        ("phone", citizen.phone),
        ("name", person["name"]),
        ("resident_id", person["resident_id"]),
    ):
        answer = unmask(client, officer, citizen.id, attribute)
        assert (answer.status_code, answer.json["value"]) == (201, value)
    lines = disclosures(client, citizen)
    assert [line["attributes"] for line in lines] == [["resident_id"], ["name"], ["phone"]]
    assert {line["officer"] for line in lines} == {"identity-officer"}
    assert trail(rooms, "staff.field-unmasked", citizen.id) == 3
    rows = run(
        rooms,
        "select string_agg(t::text, ' ') from staff_unmaskings t where citizen_id = :id",
        id=citizen.id,
    )[0]
    for secret in (REASON, person["name"], person["resident_id"], citizen.phone):
        assert secret not in rows


def test_what_a_citizen_has_not_proven_is_absent(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, officer: Member
) -> None:
    answer = unmask(client, officer, citizen.id, "resident_id")
    assert (answer.status_code, answer.json["code"]) == (404, "attribute-absent")
    answer = unmask(client, officer, str(uuid.uuid4()))
    assert (answer.status_code, answer.json["code"]) == (404, "citizen-not-found")
    assert count(rooms, LOOKS, id=citizen.id) == 0


def test_a_support_clerk_unmasks_for_an_hour_with_a_second_persons_word(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    admin = step_up(client, rooms, join(client, rooms, "security-admin"))
    support = step_up(client, rooms, join(client, rooms, "citizen-support"))
    parameters = {"permission": "identity.unmask", "minutes": 10}
    asked = ask(client, support, "permission.elevate", parameters)
    assert decide(client, admin, asked.json["id"], "approval").status_code == 200
    assert unmask(client, support, citizen.id).status_code == 201
    with later(11 * 60):
        with rooms.units.open(actor="test", read_only=True) as uow:
            held = service.permissions_of(uow, uuid.UUID(support.id))
        assert held == {"self", "identity.find"}


@pytest.mark.promise("P41")
def test_thirty_fields_a_day_also_in_parallel_and_more_with_four_eyes(
    client: FlaskClient,
    rooms: Rooms,
    citizen: Citizen,
    officer: Member,
    shows: Callable[[str], None],
) -> None:
    who = principal_of(rooms, officer.token)

    def take() -> str:
        try:
            with rooms.units.open(actor="test") as uow:
                service.unmask_field(
                    uow, deps_of(rooms), who, uuid.UUID(citizen.id), Attribute.PHONE, REASON
                )
        except DomainError as error:
            return error.code
        return "read"

    found = in_parallel([take] * 40)
    assert (found.count("read"), found.count("too-many-unmaskings")) == (30, 10)
    assert count(rooms, LOOKS, id=citizen.id) == 30
    answer = unmask(client, officer, citizen.id)
    assert (answer.status_code, answer.json["code"]) == (429, "too-many-unmaskings")
    assert 0 < int(answer.headers["Retry-After"]) <= DAY
    admin = step_up(client, rooms, join(client, rooms, "security-admin"))
    asked = ask(client, officer, "citizen.unmask.bulk", {"count": 2})
    assert asked.status_code == 201, asked.text
    assert unmask(client, officer, citizen.id).status_code == 429
    assert decide(client, admin, asked.json["id"], "approval").status_code == 200
    assert [unmask(client, officer, citizen.id).status_code for _ in range(3)] == [201, 201, 429]
    with later(DAY + 60):
        assert take() == "read"
    shows("unmasking: 40 parallel reads by one officer: 30 done, 10 refused; 2 more by four eyes")


def test_looks_are_append_only(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, officer: Member
) -> None:
    assert unmask(client, officer, citizen.id).status_code == 201
    for statement in (
        "delete from staff_unmaskings where citizen_id = :id",
        "update staff_unmaskings set at = at where citizen_id = :id",
    ):
        with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
            run(rooms, statement, id=citizen.id)
    assert count(rooms, LOOKS, id=citizen.id) == 1


def test_an_allowance_is_a_number_of_fields() -> None:
    assert replace(service.own_acts()[-1]).parameters["count"](500)
    for wrong in (0, 501, -1, "5", 1.0, True, None):
        assert not service.own_acts()[-1].parameters["count"](wrong)
