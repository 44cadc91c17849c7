"""Over HTTP: vehicles that are proven, violations that are shown, notices that are accepted."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from app.core.pagination import PageRequest
from app.factory import Rooms
from app.http.server import Server
from app.sdk import Unavailable
from app.sdk.context import DirectoryOfCitizens
from plugins.traffic import service
from plugins.traffic.errors import TooManyTries
from plugins.traffic.provider import TrafficProvider
from plugins.traffic.service.linking import LINK, MAX_TRIES, attempt
from tests.conftest import World
from tests.factories import Citizen, city, later
from tests.plugins.traffic.conftest import (
    Car,
    accept,
    behave,
    decided,
    link,
    make_car,
    object_to,
    refusal,
    settled,
    shown,
    told,
    violations,
)
from tests.plugins.utilities.conftest import statements


def test_a_vehicle_is_linked_by_two_facts_and_never_shown_in_full(
    client: FlaskClient, other: Citizen, car: Car
) -> None:
    made = link(client, other, car)
    assert made["plate_masked"] == car.plate[:2] + "***" + car.plate[-2:]
    assert link(client, other, car)["id"] == made["id"]
    path = f"/v1/traffic/vehicles/{made['id']}"
    assert client.get(path, headers=other.auth).json == made
    listed = client.get("/v1/traffic/vehicles", headers=other.auth)
    assert listed.json["items"] == [made]
    assert car.plate not in listed.text
    assert client.delete(path, headers=other.auth).status_code == 204
    assert refusal(client.get(path, headers=other.auth)) == (404, "not-found")
    assert violations(client, other) == []


def test_an_unknown_plate_and_another_engine_are_one_refusal_and_guessing_ends(
    client: FlaskClient, world: World, other: Citizen, car: Car
) -> None:
    wrong = [
        {**car.facts, "engine_tail": "ZZZZZZ"},
        {"plate": "鄂CZZZZ0", "engine_tail": "000000"},
    ]
    for facts in wrong * 5:
        answer = client.post("/v1/traffic/vehicles", json=facts, headers=other.auth)
        assert refusal(answer) == (422, "facts-mismatch")
    right = client.post("/v1/traffic/vehicles", json=car.facts, headers=other.auth)
    assert refusal(right) == (429, "too-many-proofs")
    assert 0 < int(right.headers["Retry-After"]) <= 3600
    assert client.get("/v1/traffic/vehicles", headers=other.auth).json["items"] == []


def test_police_who_do_not_answer_shut_nobody_out(rooms: Rooms) -> None:
    house, somebody = rooms.deps[TrafficProvider].house, uuid4().hex
    for _ in range(MAX_TRIES):
        with pytest.raises(Unavailable), attempt(house, LINK, somebody):
            raise Unavailable
    with pytest.raises(TooManyTries) as refused, attempt(house, LINK, somebody):
        pytest.fail("one too many is not asked")
    assert 0 < (refused.value.retry_after or 0) <= 61
    with later(61), attempt(house, LINK, somebody):
        pass


def test_a_violation_is_shown_with_its_evidence(
    client: FlaskClient, world: World, me: Citizen, car: Car
) -> None:
    case = car.offend()
    (violation,) = violations(client, me)
    assert violation["status"] == "notified"
    assert violation["notice_no"] == case.notice_no
    assert violation["plate_masked"] == car.plate[:2] + "***" + car.plate[-2:]
    assert (violation["decision_no"], violation["dues"]) == (None, [])
    assert violation["defend_by"] is not None
    assert [len(one["sha256"]) for one in violation["evidence"]] == [64, 64]
    assert car.plate not in str(violation)
    assert shown(client, me, violation["id"]) == violation


def test_somebody_elses_violation_looks_like_none(
    client: FlaskClient, me: Citizen, other: Citizen, car: Car
) -> None:
    car.offend()
    (violation,) = violations(client, me)
    for name in (violation["id"], str(uuid4())):
        path = f"/v1/traffic/violations/{name}"
        assert refusal(client.get(path, headers=other.auth)) == (404, "violation-not-found")
        answer = client.post(f"{path}/acceptance", headers=other.auth)
        assert refusal(answer) == (404, "violation-not-found")
        assert refusal(object_to(client, other, name, "defence")) == (404, "violation-not-found")
    assert violations(client, other) == []
    assert shown(client, me, violation["id"])["status"] == "notified"


def test_an_accepted_notice_is_decided_and_payable(
    client: FlaskClient, world: World, rooms: Rooms, me: Citizen, car: Car
) -> None:
    case = car.offend()
    (violation,) = violations(client, me)
    answer = accept(client, me, violation["id"])
    assert answer.status_code == 200, answer.text
    body = settled(client, rooms, me, violation["id"])
    assert (body["status"], body["outcome"]) == ("payable", "penalty")
    (due,) = body["dues"]
    assert due["reference"] == body["decision_no"]
    assert (due["fine"], due["surcharge"], due["status"]) == (body["fine"], 0, "open")
    assert refusal(accept(client, me, violation["id"])) == (409, "notice-answered")
    told_of = told(world, "told-decisions", case.notice_no)
    assert [one["effective"] for one in told_of].count(True) == 1


def test_a_first_offence_that_the_rules_name_is_a_warning_and_costs_nothing(
    client: FlaskClient, rooms: Rooms, me: Citizen, car: Car
) -> None:
    car.offend("1039", days_ago=2)
    (first,) = violations(client, me)
    assert accept(client, me, first["id"]).status_code == 200
    warned = settled(client, rooms, me, first["id"])
    assert (warned["status"], warned["outcome"], warned["dues"]) == ("closed", "warning", [])
    car.offend("1039", days_ago=1)
    with later(11):
        second = next(v for v in violations(client, me) if v["id"] != first["id"])
        assert accept(client, me, second["id"]).status_code == 200
        fined = settled(client, rooms, me, second["id"])
    assert (fined["status"], fined["outcome"]) == ("payable", "penalty")


def test_the_surcharge_is_three_per_cent_a_day_and_never_above_the_fine(
    client: FlaskClient, world: World, me: Citizen, rooms: Rooms, car: Car
) -> None:
    late = decided(client, me, car, served_days_ago=40)
    capped = None
    with later(11):
        capped = decided(client, me, car, served_days_ago=120)
    for violation in (late, capped):
        (due,) = violation["dues"]
        assert violation["status"] == "overdue"
        assert due["amount"] == due["fine"] + due["surcharge"]
    assert 0 < late["dues"][0]["surcharge"] < 20_000
    assert late["dues"][0]["surcharge"] % 600 == 0
    assert capped["dues"][0]["surcharge"] == 20_000


def test_one_of_eight_acceptances_at_once_counts(
    client: FlaskClient, app: Server, world: World, me: Citizen, car: Car
) -> None:
    case = car.offend()
    (violation,) = violations(client, me)

    def say_yes(_: int) -> int:
        with app.test_client() as mine:
            answer = accept(mine, me, violation["id"])
            while answer.status_code == 503:  # seats at the provider are few
                answer = accept(mine, me, violation["id"])
            return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(say_yes, range(8)))
    assert answers == [200] + [409] * 7
    told_of = told(world, "told-decisions", case.notice_no)
    assert [one["effective"] for one in told_of].count(True) == 1


def test_an_acceptance_whose_answer_is_lost_is_decided_later_and_once(
    client: FlaskClient, police: World, me: Citizen, rooms: Rooms, car: Car
) -> None:
    case = car.offend()
    (violation,) = violations(client, me)
    behave(police, "answer_lost", times=1)
    answer = accept(client, me, violation["id"])
    assert answer.status_code == 200, answer.text
    assert answer.json["status"] == "accepted"
    assert settled(client, rooms, me, violation["id"])["status"] == "payable"
    assert [n["effective"] for n in told(police, "told-decisions", case.notice_no)].count(True) == 1


def test_stored_violations_are_shown_while_the_police_are_down(
    client: FlaskClient, police: World, me: Citizen, car: Car
) -> None:
    car.offend()
    before = violations(client, me)
    behave(police, "down")
    with later(30):
        assert violations(client, me) == before


def test_what_the_police_withdraw_or_amend_is_followed(
    client: FlaskClient, world: World, me: Citizen, car: Car
) -> None:
    withdrawn = decided(client, me, car)
    city(world, "POST", f"/police/violations/{withdrawn['notice_no']}/withdrawals", {})
    with later(11):
        after = shown(client, me, withdrawn["id"])
        assert (after["status"], after["dues"]) == ("cancelled", [])
    with later(22):
        amended = decided(client, me, car)
    number = amended["decision_no"]
    city(world, "PUT", f"/police/decisions/{number}", {"fine": 10_000, "points": 1})
    with later(33):
        after = shown(client, me, amended["id"])
    assert (after["fine"], after["dues"][0]["fine"], after["points"]) == (10_000, 10_000, 1)


def test_a_plate_of_another_form_is_refused_and_counts_for_nothing(
    client: FlaskClient, world: World, other: Citizen
) -> None:
    for change in (
        {"plate": "CZZZZ0"},
        {"plate": "鄂C12345678"},
        {"engine_tail": "12345"},
        {"engine_tail": "12345a"},
        {"extra": 1},
    ):
        facts = {"plate": "鄂CZZZZ0", "engine_tail": "123456"} | change
        answer = client.post("/v1/traffic/vehicles", json=facts, headers=other.auth)
        assert refusal(answer) == (422, "invalid-input")
    link(client, other, make_car(world))


def test_a_list_takes_as_many_statements_however_long_it_is(
    client: FlaskClient,
    rooms: Rooms,
    provider: TrafficProvider,
    me: Citizen,
    car: Car,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    citizen = rooms.deps[DirectoryOfCitizens].directory.view("traffic", UUID(me.id))
    monkeypatch.setattr("plugins.traffic.service.payables.refresh", lambda *_: None)

    def count() -> tuple[int, int]:
        units, page = rooms.units, PageRequest(limit=50)
        with statements(units.read) as shown_by, units.open(actor="test", read_only=True) as uow:
            service.list_violations(provider.house, uow, citizen.reference, page)
        with statements(units.write) as owed_by:
            provider.list_payables(citizen)
        return len(shown_by), len(owed_by)

    decided(client, me, car)
    first = count()
    for _ in range(4):
        car.offend().decide()
    with later(11):  # the police are asked again
        assert len(violations(client, me)) == 5
    assert len(provider.list_payables(citizen)) == 5
    assert count() == first
