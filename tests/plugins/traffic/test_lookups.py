"""Decisions by their numbers: two facts, few tries, little shown."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.factory import Rooms
from app.sdk import Citizen as Seen
from plugins.traffic import service
from plugins.traffic.errors import FineNotFound
from plugins.traffic.provider import TrafficProvider
from tests.conftest import World
from tests.factories import Citizen, later, log_in
from tests.payments.helpers import order, pay, start
from tests.plugins.traffic.conftest import Car, decided, fine_of, refusal, shown

PATH = "/v1/traffic/decision-lookups"
GUESSES = 10


def test_whoever_knows_two_facts_sees_little_and_may_pay(
    client: FlaskClient, rooms: Rooms, me: Citizen, other: Citizen, car: Car
) -> None:
    violation = decided(client, me, car)
    stranger = start(client, other, order(fine_of(violation)))
    assert stranger.status_code == 404
    wanted = {"decision_no": violation["decision_no"], "digits": car.engine[-6:]}
    found = client.post(PATH, json=wanted, headers=other.auth)
    assert found.status_code == 201, found.text
    assert found.json["dues"] == violation["dues"]
    assert car.plate not in found.text
    assert set(found.json) == {
        "decision_no",
        "status",
        "title",
        "plate_masked",
        "dues",
        "payable_until",
    }
    assert pay(client, rooms, other, fine_of(violation))["status"] == "succeeded"
    assert shown(client, me, violation["id"])["status"] == "paid"
    path = f"/v1/traffic/violations/{violation['id']}"
    assert refusal(client.get(path, headers=other.auth)) == (404, "violation-not-found")


def test_the_right_to_pay_ends(
    client: FlaskClient,
    rooms: Rooms,
    provider: TrafficProvider,
    citizen: Seen,
    me: Citizen,
    car: Car,
) -> None:
    violation = decided(client, me, car)
    number, house = violation["decision_no"], provider.house
    with house.unit_of_work() as uow:
        service.look_up(house, uow, citizen.reference, number, car.engine[-6:])
    assert provider.get_payable(number, citizen).amount == violation["dues"][0]["amount"]
    with later(1_801):
        with pytest.raises(FineNotFound):
            provider.get_payable(number, citizen)
        provider.attend()
    with rooms.units.open(actor="test", read_only=True) as uow:
        left = text("select count(*) from plugin_traffic.lookups where violation_id = :id")
        assert uow.scalar(left, {"id": violation["id"]}) == 0


def test_an_unknown_number_and_a_wrong_fact_are_one_refusal_and_guessing_ends(
    client: FlaskClient, me: Citizen, other: Citizen, car: Car
) -> None:
    number = decided(client, me, car)["decision_no"]
    right = {"decision_no": number, "digits": car.engine[-6:]}
    wrong = [right | {"digits": "ZZZZZZ"}, right | {"decision_no": "42032026999999"}]
    for guess in wrong * (GUESSES // 2):
        answer = client.post(PATH, json=guess, headers=other.auth)
        assert refusal(answer) == (422, "proof-mismatch")
    last = client.post(PATH, json=right, headers=other.auth)
    assert refusal(last) == (429, "too-many-tries")


def test_a_number_is_not_guessed_at_by_many(
    client: FlaskClient, world: World, rooms: Rooms, me: Citizen, other: Citizen, car: Car
) -> None:
    number = decided(client, me, car)["decision_no"]
    right = {"decision_no": number, "digits": car.engine[-6:]}
    third = log_in(client, world, rooms)
    for guesser in (me, other):
        for _ in range(GUESSES // 2):
            wrong = client.post(PATH, json=right | {"digits": "ZZZZZZ"}, headers=guesser.auth)
            assert refusal(wrong) == (422, "proof-mismatch")
    assert refusal(client.post(PATH, json=right, headers=third.auth)) == (429, "too-many-tries")


def test_references_are_not_tried_one_after_the_other(
    client: FlaskClient, me: Citizen, other: Citizen, car: Car
) -> None:
    fine = fine_of(decided(client, me, car))
    for _ in range(GUESSES):
        assert start(client, other, order(fine)).status_code == 404
    assert refusal(start(client, other, order(fine))) == (403, "too-many-references")
    assert start(client, me, order(fine)).status_code == 201
