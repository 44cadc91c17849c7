"""Paying a fine, winning against it, and what is granted to those in hardship: to the fen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from app.sdk import Citizen as Seen
from app.sdk import PaymentNotice, now
from plugins.traffic import service
from plugins.traffic.errors import AlreadyPaid, RefusedByPolice
from plugins.traffic.provider import TrafficProvider
from plugins.traffic.values import NewVehicle
from tests.conftest import World
from tests.factories import Citizen, bearer, staff_token
from tests.payments.helpers import order, pay, read, start, step_up
from tests.plugins.traffic.conftest import (
    RECORDER,
    Car,
    Desk,
    attend,
    decided,
    fine_of,
    letters,
    make_officer,
    object_to,
    refusal,
    settled,
    shown,
    told,
    violations,
)

FILE = {"name": "行车记录.mp4", "media_type": "video/mp4", "sha256": "ab" * 32}


def notice_of(violation: dict[str, Any], **changed: object) -> PaymentNotice:
    due = violation["dues"][0]
    fields: dict[str, Any] = {
        "key": str(new_id()),
        "reference": due["reference"],
        "amount": due["amount"],
        "currency": "CNY",
        "paid_at": now(),
        "payee": "shiyan-treasury",
    }
    return PaymentNotice(**(fields | changed))


def filed(client: FlaskClient, member: Citizen, violation: dict[str, Any], kind: str) -> str:
    answer = object_to(client, member, violation["id"], kind)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


@pytest.mark.parametrize("served_days_ago", [0, 40])
def test_a_fine_is_paid_with_its_surcharge_and_the_police_know(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    me: Citizen,
    car: Car,
    served_days_ago: int,
) -> None:
    violation = decided(client, me, car, served_days_ago=served_days_ago)
    (due,) = violation["dues"]
    step_up(rooms, me)
    paid = pay(client, rooms, me, fine_of(violation))
    assert paid["status"] == "succeeded"
    assert paid["amount"] == due["amount"]
    after = shown(client, me, violation["id"])
    assert after["status"] == "paid"
    assert after["dues"] == [due | {"status": "paid", "paid_at": after["dues"][0]["paid_at"]}]
    (posting,) = told(world, "postings", violation["decision_no"])
    assert (posting["fine"], posting["surcharge"]) == (due["fine"], due["surcharge"])
    again = start(client, me, order(fine_of(violation)))
    assert refusal(again) == (409, "already-paid")


def test_a_strangers_fine_is_not_found(
    client: FlaskClient, world: World, me: Citizen, other: Citizen, car: Car
) -> None:
    violation = decided(client, me, car)
    answer = start(client, other, order(fine_of(violation)))
    assert answer.status_code == 404
    assert told(world, "postings", violation["decision_no"]) == []


def test_what_can_be_contested_says_so_and_nothing_takes_it_by_itself(
    client: FlaskClient, provider: TrafficProvider, car: Car, citizen: Seen
) -> None:
    house = provider.house
    with house.unit_of_work() as uow:
        service.link_vehicle(house, uow, citizen, NewVehicle(**car.facts))
    open_term = car.offend().decide(served_days_ago=1)
    over = car.offend().decide(served_days_ago=300)
    found = {one.reference: one.contestable for one in provider.list_payables(citizen)}
    assert found == {open_term: True, over: False}


def test_a_repeated_notice_books_once_however_many_come_at_once(
    client: FlaskClient, world: World, provider: TrafficProvider, me: Citizen, car: Car
) -> None:
    violation = decided(client, me, car)
    notice = notice_of(violation)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: provider.fulfil(notice), range(8)))
    assert len({one.reference for one in answers}) == 1
    booked = [one["effective"] for one in told(world, "postings", violation["decision_no"])]
    assert booked.count(True) == 1
    assert provider.find_fulfilment(notice.key) == answers[0]
    second = notice_of(violation)
    with pytest.raises(AlreadyPaid):
        provider.fulfil(second)
    assert provider.find_fulfilment(second.key) is None


def test_a_wrong_amount_is_refused_before_the_police_hear_of_it(
    client: FlaskClient, world: World, provider: TrafficProvider, me: Citizen, car: Car
) -> None:
    violation = decided(client, me, car)
    for amount in (1, 19_999, 20_001, 40_001):
        with pytest.raises(RefusedByPolice):
            provider.fulfil(notice_of(violation, amount=amount))
    assert told(world, "postings", violation["decision_no"]) == []
    assert shown(client, me, violation["id"])["status"] == "payable"


@pytest.mark.parametrize("kind", ["reconsideration", "litigation"])
def test_whoever_pays_and_wins_gets_all_of_it_back(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    me: Citizen,
    car: Car,
    desk: Desk,
    kind: str,
) -> None:
    violation = decided(client, me, car, served_days_ago=40, procedure="ordinary")
    step_up(rooms, me)
    paid = pay(client, rooms, me, fine_of(violation))
    assert paid["amount"] > 20_000
    contest = filed(client, me, violation, kind)
    verdict = desk.decide(contest, "cancelled")
    assert (verdict.status_code, verdict.json["status"]) == (200, "cancelled")
    for _ in range(2):  # once more changes nothing
        attend(rooms)
    after = read(client, me, paid["id"])
    assert after["refunded_amount"] == paid["amount"]
    (back,) = letters(client, me, "money-returned")
    assert f"{paid['amount'] / 100:.2f}" in back["body"]["zh"]
    assert shown(client, me, violation["id"])["status"] == "cancelled"
    (change,) = told(world, "changes", violation["decision_no"])
    assert change["kind"] == "cancelled"
    refused = object_to(client, me, violation["id"], "litigation")
    assert refusal(refused) == (409, "contest-not-open")


def test_a_reduction_returns_the_difference_and_the_surcharge_on_it(
    client: FlaskClient, world: World, rooms: Rooms, me: Citizen, car: Car, desk: Desk
) -> None:
    violation = decided(client, me, car, served_days_ago=40)
    (due,) = violation["dues"]
    step_up(rooms, me)
    paid = pay(client, rooms, me, fine_of(violation))
    contest = filed(client, me, violation, "reconsideration")
    too_much = desk.decide(contest, "reduced", reduced_to=20_000)
    assert refusal(too_much) == (409, "not-decidable")
    body = {"outcome": "reduced", "reduced_to": 10_000, "reason": "情节较轻"}
    assert desk.put(f"contests/{contest}/verdict", body).status_code == 200
    attend(rooms)
    after = read(client, me, paid["id"])
    # The day on which the objection was filed is not counted, and the fine was paid on that day.
    assert after["refunded_amount"] == 10_000 + due["surcharge"] // 2 + 300
    assert shown(client, me, violation["id"])["status"] == "paid"
    (change,) = told(world, "changes", violation["decision_no"])
    assert (change["kind"], change["fine"]) == ("reduced", 10_000)


def test_a_review_stops_the_clock_and_a_lost_one_starts_it_again(
    client: FlaskClient, me: Citizen, car: Car, desk: Desk
) -> None:
    violation = decided(client, me, car, served_days_ago=40)
    (due,) = violation["dues"]
    contest = filed(client, me, violation, "reconsideration")
    under_review = shown(client, me, violation["id"])
    assert under_review["status"] == "reconsideration"
    assert under_review["dues"][0]["surcharge"] == due["surcharge"] - 600
    assert desk.decide(contest, "upheld").status_code == 200
    after = shown(client, me, violation["id"])
    assert (after["status"], after["dues"]) == ("overdue", under_review["dues"])


def test_a_defence_leads_to_the_decision(
    client: FlaskClient, rooms: Rooms, me: Citizen, car: Car, desk: Desk
) -> None:
    outcomes = {
        "upheld": ("payable", "penalty"),
        "reduced": ("payable", "penalty"),
        "cancelled": ("closed", "exempt"),
    }
    cases = {outcome: car.offend().notice_no for outcome in outcomes}
    listed = {one["notice_no"]: one for one in violations(client, me)}
    for outcome, expected in outcomes.items():
        violation = listed[cases[outcome]]
        contest = filed(client, me, violation, "defence")
        assert shown(client, me, violation["id"])["status"] == "contested"
        more = {"reduced_to": 5_000} if outcome == "reduced" else {}
        assert desk.decide(contest, outcome, **more).status_code == 200
        after = settled(client, rooms, me, violation["id"])
        assert (after["status"], after["outcome"]) == expected
        if outcome == "reduced":
            assert after["fine"] == 5_000


def test_whoever_recorded_a_violation_does_not_review_it_and_two_do_not_both(
    client: FlaskClient, rooms: Rooms, me: Citizen, car: Car, desk: Desk
) -> None:
    violation = decided(client, me, car)
    contest = filed(client, me, violation, "reconsideration")
    path = f"contests/{contest}/review"
    recorder = named_recorder(client, rooms)
    assert refusal(recorder.put(path)) == (403, "recorder-may-not-review")
    water = make_officer(client, rooms, department="water-bureau")
    assert refusal(water.put(path)) == (403, "other-department")
    nobody = Desk(
        client, bearer(staff_token(rooms, "department-operator", "traffic-police")), desk.id
    )
    assert refusal(nobody.put(path)) == (403, "officer-unknown")
    assert client.put(f"/v1/traffic/desk/{path}", headers=me.auth).status_code == 403
    second = make_officer(client, rooms)
    assert desk.put(path).status_code == 200
    assert refusal(second.put(path)) == (409, "not-decidable")
    body = {"outcome": "cancelled", "reason": "x"}
    assert refusal(second.put(f"contests/{contest}/verdict", body)) == (409, "not-decidable")
    assert shown(client, me, violation["id"])["status"] == "reconsideration"


def named_recorder(client: FlaskClient, rooms: Rooms) -> Desk:
    """Return the officer who wears the recorder's badge; a test before may have named another."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("delete from plugin_traffic.officers where badge = :badge"), {"badge": RECORDER}
        )
    return make_officer(client, rooms, RECORDER)


def test_an_officer_asks_for_evidence_and_reads_what_the_citizen_wrote(
    client: FlaskClient, me: Citizen, other: Citizen, car: Car, desk: Desk
) -> None:
    violation = decided(client, me, car)
    made = object_to(client, me, violation["id"], "reconsideration", evidence=[FILE]).json
    path = f"/v1/traffic/contests/{made['id']}"
    assert refusal(client.get(path, headers=other.auth)) == (404, "violation-not-found")
    listed = desk.get("contests?limit=100").json["items"]
    assert all(one["statement"] is None for one in listed)
    assert desk.get(f"contests/{made['id']}").json["statement"] == "当时车辆在外地。"
    more = {"evidence": [{**FILE, "sha256": "cd" * 32}]}
    early = client.post(f"{path}/evidence", json=more, headers=me.auth)
    assert refusal(early) == (409, "not-decidable")
    assert desk.put(f"contests/{made['id']}/review").status_code == 200
    asked = desk.put(f"contests/{made['id']}/evidence-request", {"reason": "请补充原始视频"})
    assert asked.json["status"] == "evidence_requested"
    added = client.post(f"{path}/evidence", json=more, headers=me.auth)
    assert added.json["status"] == "under_review"
    assert [one["sha256"][:2] for one in added.json["evidence"]] == ["ab", "cd"]


def test_objections_come_in_their_order_and_in_time(
    client: FlaskClient, me: Citizen, car: Car
) -> None:
    too_late = decided(client, me, car, served_days_ago=300)
    for kind in ("defence", "reconsideration", "litigation"):
        answer = object_to(client, me, too_late["id"], kind)
        assert refusal(answer) == (409, "contest-not-open"), kind


def test_one_of_eight_objections_at_once_is_filed(
    client: FlaskClient, app: Server, me: Citizen, car: Car
) -> None:
    violation = decided(client, me, car)

    def file(_: int) -> int:
        with app.test_client() as mine:
            answer = object_to(mine, me, violation["id"], "reconsideration")
            while answer.status_code == 503:  # seats at the provider are few
                answer = object_to(mine, me, violation["id"], "reconsideration")
            return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(file, range(8))) == [201] + [409] * 7


def test_instalments_have_references_of_their_own(
    client: FlaskClient, world: World, rooms: Rooms, me: Citizen, car: Car, desk: Desk
) -> None:
    violation = decided(client, me, car)
    path = f"/v1/traffic/violations/{violation['id']}/reliefs"
    wish = {"kind": "instalments", "parts": 3, "statement": "家庭困难"}
    asked = client.post(path, json=wish, headers=me.auth)
    assert asked.status_code == 201, asked.text
    assert refusal(client.post(path, json=wish, headers=me.auth)) == (409, "relief-not-open")
    decision = f"reliefs/{asked.json['id']}/decision"
    granted = desk.put(decision, {"granted": True, "reason": "同意"})
    assert (granted.status_code, granted.json["status"]) == (200, "granted")
    assert refusal(desk.put(decision, {"granted": True, "reason": "x"})) == (409, "not-decidable")
    after = shown(client, me, violation["id"])
    number = violation["decision_no"]
    assert after["status"] == "instalments"
    assert [due["reference"] for due in after["dues"]] == [f"{number}-{n}" for n in (1, 2, 3)]
    assert [due["fine"] for due in after["dues"]] == [6_667, 6_667, 6_666]
    for place in range(3):
        assert pay(client, rooms, me, fine_of(after, place))["status"] == "succeeded"
    assert shown(client, me, violation["id"])["status"] == "paid"
    assert sum(one["fine"] for one in told(world, "postings", number)) == 20_000


def test_a_deferral_moves_the_last_day(
    client: FlaskClient, me: Citizen, car: Car, desk: Desk
) -> None:
    violation = decided(client, me, car)
    path = f"/v1/traffic/violations/{violation['id']}/reliefs"
    last = date.fromisoformat(violation["dues"][0]["pay_by"])
    for days in (0, 181):
        wish = {
            "kind": "deferral",
            "until": (last + timedelta(days=days)).isoformat(),
            "statement": "x",
        }
        answer = client.post(path, json=wish, headers=me.auth)
        assert refusal(answer) == (409, "relief-not-open")
    until = (last + timedelta(days=60)).isoformat()
    wish = {"kind": "deferral", "until": until, "statement": "住院"}
    asked = client.post(path, json=wish, headers=me.auth).json
    assert client.get(path, headers=me.auth).json["items"] == [asked]
    assert (
        desk.put(f"reliefs/{asked['id']}/decision", {"granted": True, "reason": "同意"}).json[
            "status"
        ]
        == "granted"
    )
    after = shown(client, me, violation["id"])
    assert (after["status"], after["dues"][0]["pay_by"]) == ("deferred", until)


def test_the_sheet_says_what_is_due_and_what_an_objection_may_change(
    client: FlaskClient, me: Citizen, other: Citizen, car: Car
) -> None:
    violation = decided(client, me, car, served_days_ago=40, procedure="ordinary")
    (due,) = violation["dues"]
    path = f"/v1/traffic/violations/{violation['id']}/fairness"
    sheet = client.get(path, headers=me.auth)
    assert sheet.status_code == 200, sheet.text
    body = sheet.json
    assert body["due"] == {
        "fine": due["fine"],
        "surcharge": due["surcharge"],
        "total": due["amount"],
    }
    assert (body["tomorrow"], body["most"], body["paid"]) == (600, 40_000, 0)
    assert {one["kind"]: one["until"] for one in body["remedies"]} == {
        "reconsideration": violation["reconsider_by"],
        "litigation": violation["litigate_by"],
    }
    assert set(body["stops"]) == {"reconsideration", "litigation", "deferral"}
    assert body["stopped_by"] == []
    assert object_to(client, me, violation["id"], "reconsideration").status_code == 201
    stopped = client.get(path, headers=me.auth).json
    assert (stopped["stopped_by"], stopped["tomorrow"]) == (["reconsideration"], 0)
    assert refusal(client.get(path, headers=other.auth)) == (404, "violation-not-found")


def test_there_is_no_sheet_before_a_decision(client: FlaskClient, me: Citizen, car: Car) -> None:
    car.offend()
    (violation,) = violations(client, me)
    path = f"/v1/traffic/violations/{violation['id']}/fairness"
    assert refusal(client.get(path, headers=me.auth)) == (404, "no-penalty")
