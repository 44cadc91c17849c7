"""Guardians of minors: the register's word, until the first instant of the eighteenth birthday."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.core.clock import CITY_TIME, now
from app.core.errors import Conflict
from app.core.tokens import Tokens
from app.delegation import service
from app.delegation.service.ages import OF_AGE, SEES_AT, birthday
from app.factory import Rooms
from tests.conftest import World
from tests.delegation.support import (
    Person,
    acting,
    house,
    inbox,
    make_child,
    make_citizen,
    run,
    step_up,
)
from tests.factories import (
    bearer,
    city,
    later,
    log_in,
    run_jobs,
    staff_token,
    today_for,
    verify,
)
from tests.payments.helpers import make_bill, new_key, order


def claim(client: FlaskClient, who: Person, child: dict[str, str]) -> TestResponse:
    return client.post("/v1/delegation/guardianships", json={"child": child}, headers=who.auth)


def account_of(client: FlaskClient, world: World, rooms: Rooms, child: dict[str, str]) -> Person:
    """Let a child log in and prove who they are."""
    citizen = log_in(client, world, rooms)
    verify(client, world, citizen, child)
    run_jobs(rooms)
    return Person(citizen, child["name"], child["resident_id"])


def years_ago(years: int, days: int = 0) -> str:
    """Return the birthday of somebody who becomes so many years old in so many days.

    Nobody becomes eighteen on a leap day: the day before has passed, or the one after is to come.
    """
    day = today_for(60) + timedelta(days=days)
    if (day.month, day.day) == (2, 29):
        day += timedelta(days=1 if days > 0 else -1)
    return day.replace(year=day.year - years).isoformat()


def test_the_register_makes_a_guardian(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, stranger: Person
) -> None:
    child = make_child(world, father)
    made = claim(client, father, child)
    assert made.status_code == 201, made.text
    assert made.json["child_name"] == "李**"
    assert (made.json["status"], made.json["source"]) == ("active", "register")
    assert made.json["has_account"] is False
    assert made.json["ends_at"] == "2033-02-28T16:00:00.000Z"  # midnight in the city
    assert inbox(client, father)[0] == "guardianship-began"
    place = f"/v1/delegation/guardianships/{made.json['id']}"
    assert client.get(place, headers=father.auth).json == made.json
    for path in (place, f"{place}/acts"):
        assert client.get(path, headers=stranger.auth).status_code == 404
    again = claim(client, father, child)
    assert (again.status_code, again.json["code"]) == (409, "guardianship-exists")
    for refused in (claim(client, stranger, child), claim(client, father, make_child(world, None))):
        assert (refused.status_code, refused.json["code"]) == (422, "guardian-mismatch")
    assert client.get("/v1/delegation/guardianships", headers=stranger.auth).json["items"] == []
    step_up(rooms, father)
    token = client.post(
        "/v1/delegation/acting-tokens",
        json={"mandate_id": made.json["id"]},
        headers=father.auth,
    )
    assert (token.status_code, token.json["code"]) == (409, "principal-has-no-account")


def test_a_guardian_acts_once_the_child_has_an_account(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    child = make_child(world, father, years_ago(13, 200))
    made = claim(client, father, child).json
    young = account_of(client, world, rooms, child)
    bill = make_bill(client, world, young.citizen)
    auth = acting(client, rooms, father, made["id"])
    claims = rooms.deps[Tokens].verify(auth["Authorization"].removeprefix("Bearer "))
    assert (claims["sub"], claims["act"]) == (young.citizen.id, {"sub": father.citizen.id})
    sent = {**auth, "Idempotency-Key": new_key()}
    paid = client.post("/v1/payments", json=order(bill), headers=sent)
    assert paid.status_code == 201, paid.text
    place = f"/v1/delegation/guardianships/{made['id']}"
    acts = client.get(f"{place}/acts", headers=father.auth).json["items"]
    assert [(act["action"], act["amount"]) for act in acts] == [("pay", bill.amount)]
    # Under fourteen the child does not see it; from that birthday on it does.
    assert client.get(place, headers=young.auth).status_code == 404
    with rooms.units.open(actor="test", read_only=True) as uow:
        service.find_guardianship(uow, father.id, UUID(made["id"]))
    run(
        rooms,
        "update guardianships set child_sees_at = :at where id = :id",
        at=now() - timedelta(seconds=1),
        id=UUID(made["id"]),
    )
    seen = client.get(place, headers=young.auth)
    assert (seen.status_code, seen.json["side"]) == (200, "principal")
    assert client.get(f"{place}/acts", headers=young.auth).json["items"] == acts


def test_a_child_of_fourteen_sees_the_guardian(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    child = make_child(world, father, years_ago(14, -1))
    young = account_of(client, world, rooms, child)
    made = claim(client, father, child).json
    assert made["has_account"] is True
    assert "guardianship-began" in inbox(client, young)
    listed = client.get("/v1/delegation/guardianships", headers=young.auth).json["items"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert listed[0]["guardian_name"] == "李**"
    # It is the guardian's power, not the child's.
    step_up(rooms, young)
    token = client.post(
        "/v1/delegation/acting-tokens", json={"mandate_id": made["id"]}, headers=young.auth
    )
    assert (token.status_code, token.json["code"]) == (404, "mandate-not-found")


def test_power_ends_with_the_birthday_and_the_job_tells(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    child = make_child(world, father, years_ago(18, 3))
    young = account_of(client, world, rooms, child)
    made = claim(client, father, child).json
    guardianship = UUID(made["id"])
    end = datetime.fromisoformat(made["ends_at"])
    assert end.astimezone(CITY_TIME).time().isoformat() == "00:00:00"
    with rooms.units.open(actor="test", read_only=True) as uow:
        last = end - timedelta(microseconds=1)
        assert service.mandate_of(uow, father.id, guardianship, at=last).principal_id == young.id
        with pytest.raises(Conflict) as refusal:
            service.mandate_of(uow, father.id, guardianship, at=end)
        assert refusal.value.code == "mandate-not-active"
    left = (end - now()).total_seconds()
    for seconds, status in ((left - 600, "active"), (left + 1, "ended")):
        with later(seconds), rooms.units.open(actor="janitor") as uow:
            service.end_what_is_due(uow, house(rooms))
        found = run(
            rooms, "select status, ending from guardianships where id = :id", id=guardianship
        )
        assert found[0].status == status
    assert found[0].ending == "of-age"
    told = run(
        rooms,
        "select citizen_id from inbox_messages where kind = 'guardianship-ended' and subject = :id",
        id=made["id"],
    )
    assert {row.citizen_id for row in told} == {father.id, young.id}


def test_nobody_is_guardian_of_an_adult(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    adult = make_child(world, father, years_ago(18))
    answer = claim(client, father, adult)
    assert (answer.status_code, answer.json["code"]) == (422, "of-age")
    day = make_child(world, father, years_ago(18, 1))
    assert claim(client, father, day).status_code == 201


def test_a_silent_register_decides_nothing_and_guessing_ends(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    child, other = make_child(world, father), make_child(world, None)
    city(world, "PUT", "/register/behaviour", {"mode": "down"})
    try:
        assert [claim(client, father, child).status_code for _ in range(6)] == [503] * 6
    finally:
        city(world, "PUT", "/register/behaviour", {"mode": "ok"})
    assert run(rooms, "select id from guardianships where guardian_id = :id", id=father.id) == []
    assert [claim(client, father, other).status_code for _ in range(5)] == [422] * 5
    full = claim(client, father, child)
    assert (full.status_code, full.json["code"]) == (429, "too-many-claims")


def test_staff_end_it_for_a_court_and_confirm_one_at_a_counter(
    client: FlaskClient, world: World, rooms: Rooms, father: Person, stranger: Person
) -> None:
    child = make_child(world, None)
    clerk = bearer(staff_token(rooms, "counter-clerk"))
    body: dict[str, Any] = {"guardian": father.claim, "child": child, "reason": "出示户口簿"}
    path = "/v1/delegation/counter-guardianships"
    for auth in (father.auth, bearer(staff_token(rooms, "auditor"))):
        assert client.post(path, json=body, headers=auth).status_code == 403
    wrong = {**body, "guardian": {**father.claim, "name": "王五"}}
    refused = client.post(path, json=wrong, headers=clerk)
    assert (refused.status_code, refused.json["code"]) == (404, "person-not-found")
    made = client.post(path, json=body, headers=clerk)
    assert made.status_code == 201, made.text
    listed = client.get("/v1/delegation/guardianships", headers=father.auth).json["items"]
    assert [(item["id"], item["source"]) for item in listed] == [(made.json["id"], "counter")]
    place = f"/v1/delegation/guardianships/{made.json['id']}/ending"
    ending = {"ending": "court", "reason": "法院判决书"}
    assert client.post(place, json=ending, headers=father.auth).status_code == 403
    for _ in range(2):
        ended = client.post(place, json=ending, headers=clerk)
        assert (ended.status_code, ended.json["status"]) == (200, "ended")
    assert inbox(client, father)[0] == "guardianship-ended"
    stored = run(
        rooms, "select reason_sealed from guardianships where id = :id", id=UUID(made.json["id"])
    )
    assert "法院".encode() not in bytes(stored[0].reason_sealed)
    audited = run(
        rooms,
        "select actor from audit_entries where event = 'delegation.confirmed_at_counter' "
        "and subject_id = :id",
        id=father.id,
    )
    assert [row.actor.partition(":")[0] for row in audited] == ["staff"]


@settings(max_examples=500, deadline=None)
@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.sampled_from([SEES_AT, OF_AGE]))
@example(date(2008, 2, 29), OF_AGE)
@example(date(2000, 2, 29), 14)
@example(date(1986, 5, 4), 0)
@example(date(2007, 12, 31), OF_AGE)
def test_a_birthday_begins_at_midnight_in_the_city(born: date, years: int) -> None:
    begins = birthday(born, years)
    assert begins.tzinfo is CITY_TIME
    assert (begins.hour, begins.minute, begins.second, begins.microsecond) == (0, 0, 0, 0)
    before = begins - timedelta(microseconds=1)
    assert _age(born, begins.date()) == years
    assert _age(born, before.astimezone(CITY_TIME).date()) == years - 1


def _age(born: date, day: date) -> int:
    """Count whole years as people do: by month and day alone."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def test_who_was_born_on_the_leap_day_is_of_age_on_the_first_of_march() -> None:
    assert birthday(date(2008, 2, 29), OF_AGE).isoformat() == "2026-03-01T00:00:00+08:00"
    assert birthday(date(2008, 2, 28), OF_AGE).isoformat() == "2026-02-28T00:00:00+08:00"
    assert birthday(date(2012, 2, 29), 4).isoformat() == "2016-02-29T00:00:00+08:00"


def test_two_guardians_of_one_child(
    client: FlaskClient, world: World, rooms: Rooms, father: Person
) -> None:
    mother = make_citizen(client, world, rooms, "王芳", "1962-03-04")
    child = make_child(world, father)
    pair = {"guardian": mother.resident_id, "child": child["resident_id"]}
    city(world, "POST", "/register/guardians", pair)
    assert [claim(client, who, child).status_code for who in (father, mother)] == [201, 201]
