"""Decisions by their numbers: two facts, few tries, little shown."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.factory import Rooms
from app.sdk import Citizen as Seen
from plugins.traffic import service
from plugins.traffic.errors import FineNotFound
from plugins.traffic.provider import TrafficProvider
from tests.conftest import World
from tests.factories import Citizen, later, log_in, run_jobs
from tests.payments.helpers import confirm, deliver, order, pay, read, start
from tests.plugins.traffic.conftest import Car, decided, fine_of, refusal, shown

PATH, GUESTS = "/v1/traffic/decision-lookups", "/v1/traffic/guests"
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


def test_whoever_has_no_account_pays_with_two_facts(
    client: FlaskClient, rooms: Rooms, me: Citizen, car: Car
) -> None:
    violation = decided(client, me, car)
    right = {"decision_no": violation["decision_no"], "digits": car.engine[-6:]}
    wrong = client.post(GUESTS, json=right | {"digits": "ZZZZZZ"})
    assert refusal(wrong) == (422, "facts-mismatch")
    admitted = client.post(GUESTS, json=right)
    assert admitted.status_code == 201, admitted.text
    assert admitted.json["decision"]["dues"] == violation["dues"]
    assert car.plate not in admitted.text
    guest = Citizen("", "", admitted.json["token"], "", "")
    begun = start(client, guest, order(fine_of(violation)))
    assert begun.status_code == 201, begun.text
    assert confirm(begun.json)["status"] == "succeeded"
    deliver(client, begun.json)
    run_jobs(rooms)
    assert read(client, guest, begun.json["id"])["items"][0]["status"] == "fulfilled"
    assert shown(client, me, violation["id"])["status"] == "paid"
    path = f"/v1/traffic/violations/{violation['id']}"
    assert refusal(client.get(path, headers=guest.auth)) == (403, "forbidden")
    assert refusal(client.post(GUESTS, json=right)) == (409, "already-paid")


def test_people_without_an_account_guess_thirty_times_an_hour_and_no_more(
    client: FlaskClient, rooms: Rooms, provider: TrafficProvider, me: Citizen, car: Car
) -> None:
    number = decided(client, me, car)["decision_no"]
    with rooms.units.open(actor="test") as uow:
        uow.execute(text("delete from plugin_traffic.allowances where kind = 'address'"))
    for guess in range(30):
        wrong = {"decision_no": f"4203202699{guess:04d}", "digits": "ZZZZZZ"}
        assert refusal(client.post(GUESTS, json=wrong)) == (422, "facts-mismatch")
    right = {"decision_no": number, "digits": car.engine[-6:]}
    assert refusal(client.post(GUESTS, json=right)) == (429, "too-many-proofs")
    with later(3_601):
        assert client.post(GUESTS, json=right).status_code == 201
    with later(2 * 3_601):
        provider.attend()
    with rooms.units.open(actor="test", read_only=True) as uow:
        left = text("select count(*) from plugin_traffic.allowances where kind = 'address'")
        assert uow.scalar(left) == 0  # nobody is kept whom it limits no more


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


def tries(rooms: Rooms, after: int = 0) -> list[tuple[int, str, dict[str, object]]]:
    """Return what the trail knows of look-ups, after an entry."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = text(
            "select number, result, details from audit_entries"
            " where event = 'traffic.decision_looked_up' and number > :after order by number"
        )
        return [tuple(row) for row in uow.execute(found, {"after": after})]


@pytest.mark.promise("M15")
def test_an_unknown_number_and_a_wrong_fact_are_one_refusal_and_guessing_ends(
    client: FlaskClient,
    rooms: Rooms,
    me: Citizen,
    other: Citizen,
    car: Car,
    shows: Callable[[str], None],
) -> None:
    before = max((place for place, _, _ in tries(rooms)), default=0)
    number = decided(client, me, car)["decision_no"]
    right = {"decision_no": number, "digits": car.engine[-6:]}
    wrong = [right | {"digits": "ZZZZZZ"}, right | {"decision_no": "42032026999999"}]
    for guess in wrong * (GUESSES // 2):
        answer = client.post(PATH, json=guess, headers=other.auth)
        assert refusal(answer) == (422, "facts-mismatch")
    last = client.post(PATH, json=right, headers=other.auth)
    assert refusal(last) == (429, "too-many-proofs")
    kept = tries(rooms, before)
    assert [result for _, result, _ in kept] == ["refused"] * GUESSES
    assert number not in str(kept)  # the trail says that somebody tried, not what
    assert "ZZZZZZ" not in str(kept)
    shows(f"{GUESSES} guesses: {len(kept)} entries in the trail, the right answer then 429")


def test_a_number_is_not_guessed_at_by_many(
    client: FlaskClient, world: World, rooms: Rooms, me: Citizen, other: Citizen, car: Car
) -> None:
    number = decided(client, me, car)["decision_no"]
    right = {"decision_no": number, "digits": car.engine[-6:]}
    third = log_in(client, world, rooms)
    for guesser in (me, other):
        for _ in range(GUESSES // 2):
            wrong = client.post(PATH, json=right | {"digits": "ZZZZZZ"}, headers=guesser.auth)
            assert refusal(wrong) == (422, "facts-mismatch")
    assert refusal(client.post(PATH, json=right, headers=third.auth)) == (429, "too-many-proofs")


def test_references_are_not_tried_one_after_the_other(
    client: FlaskClient, me: Citizen, other: Citizen, car: Car
) -> None:
    fine = fine_of(decided(client, me, car))
    for _ in range(GUESSES):
        assert start(client, other, order(fine)).status_code == 404
    assert refusal(start(client, other, order(fine))) == (403, "too-many-references")
    assert start(client, me, order(fine)).status_code == 201
