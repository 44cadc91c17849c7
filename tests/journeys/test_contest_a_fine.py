"""A fine is noticed and contested, over HTTP against what `make run` starts: it stands, becomes
less, or falls; and one that was paid by card first comes back in full, surcharge and all."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from time import sleep
from typing import Any

import pytest

from app.core.clock import CITY_TIME, now
from tests.journeys.house import Citizen, House, ask_city, confirm, run_house, wait_until
from tests.live import Answer

FINE = 5_000
Cases = dict[str, dict[str, Any]]
LATE = 40
"""Days since a decision was served that are more than its term, not so many that it is capped."""


@dataclass(frozen=True)
class Driver:
    """Somebody's app, the vehicle they have linked, and an officer who decides on what they say."""

    house: House
    app: Citizen
    plate: str
    officer: dict[str, str]

    def offend(self) -> str:
        """Have a violation recorded; return its notice's number."""
        body = {"plate": self.plate, "at": (now() - timedelta(days=LATE + 1)).isoformat()}
        return str(ask_city(self.house.city, "POST", "/police/violations", body)["notice_no"])

    def be_fined(self) -> str:
        """Have a violation recorded and decided at the police's own desk."""
        notice_no = self.offend()
        served = now().astimezone(CITY_TIME).date() - timedelta(days=LATE)
        body = {
            "notice_no": notice_no,
            "fine": FINE,
            "decided_at": now().isoformat(),
            "served_on": served.isoformat(),
        }
        ask_city(self.house.city, "POST", "/police/decisions", body)
        return notice_no

    def find(self, notice_no: str) -> dict[str, Any]:
        """Return a violation as soon as the app shows it."""

        def look() -> list[dict[str, Any]]:
            items = self.app.get("/v1/traffic/violations?limit=50").json["items"]
            return [one for one in items if one["notice_no"] == notice_no]

        (found,) = wait_until(look, bool)
        return found

    def shown(self, violation: dict[str, Any]) -> dict[str, Any]:
        answer = self.app.get(f"/v1/traffic/violations/{violation['id']}")
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.json
        return body

    def sheet(self, violation: dict[str, Any]) -> Answer:
        return self.app.get(f"/v1/traffic/violations/{violation['id']}/fairness")

    def object_to(self, violation: dict[str, Any], kind: str) -> str:
        """File an objection; return its id."""
        body = {"kind": kind, "ground": "facts-wrong", "statement": "当时车辆在外地。"}
        made = self.app.post(f"/v1/traffic/violations/{violation['id']}/contests", body)
        assert made.status == 201, made.body
        return str(made.json["id"])

    def decide(self, contest: str, outcome: str, **more: object) -> None:
        """Let the officer take an objection, and decide."""
        verdict = {"outcome": outcome, "reason": "经核实", **more}
        for step, body in (("review", None), ("verdict", verdict)):
            answer = self.house.web.call(
                "PUT",
                f"/v1/traffic/desk/contests/{contest}/{step}",
                body=None if body is None else json.dumps(body).encode(),
                headers={**self.officer, "Content-Type": "application/json"},
            )
            assert answer.status == 200, answer.body

    def told(self, kind: str) -> list[str]:
        """Return what one was told of a kind: the subjects."""
        items = self.app.get("/v1/me/inbox?limit=100").json["items"]
        return [item["subject"] for item in items if item["kind"] == f"traffic.{kind}"]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Run the product as it is."""
    with run_house() as running:
        yield running


@pytest.fixture(scope="module")
def driver(house: House) -> Driver:
    """Return somebody who has linked a vehicle; the officer wears no recorder's badge."""
    plate = "鄂C" + "".join(secrets.choice("0123456789") for _ in range(5))
    engine = "".join(secrets.choice("0123456789") for _ in range(10))
    ask_city(house.city, "POST", "/police/vehicles", {"plate": plate, "engine": engine})
    app = Citizen(house.web, house.city)
    app.log_in()
    linked = app.post("/v1/traffic/vehicles", {"plate": plate, "engine_tail": engine[-6:]})
    assert linked.status == 201, linked.body
    made = make_staff(house, "department-operator", "--department", "traffic-police")
    manager = make_staff(house, "security-admin")
    named = house.web.call(
        "PUT",
        f"/v1/traffic/desk/officers/{made['id']}",
        body=json.dumps({"badge": "420300901"}).encode(),
        headers={**bearer(manager), "Content-Type": "application/json"},
    )
    assert named.status == 200, named.body
    return Driver(house, app, plate, bearer(made))


@pytest.fixture(scope="module")
def cases(driver: Driver) -> Cases:
    """Return one case for each story; the police are asked once, when all are there."""
    begun = now().astimezone(CITY_TIME)
    midnight = datetime.combine(begun.date() + timedelta(days=1), time.min, CITY_TIME)
    if midnight - begun < timedelta(minutes=3):
        sleep((midnight - begun).total_seconds() + 1)  # a surcharge is of one day
    stories = ("upheld", "reduced", "paid")
    notices = {"noticed": driver.offend()} | {story: driver.be_fined() for story in stories}
    return {story: driver.find(notice_no) for story, notice_no in notices.items()}


def make_staff(house: House, role: str, *more: str) -> dict[str, str]:
    made = house.within(
        "flask", "--app", "wsgi", "staff", "create", "--role", role, "--json", *more
    )
    assert made.returncode == 0, made.stderr
    answer: dict[str, str] = json.loads(made.stdout)
    return answer


def bearer(staff: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {staff['access_token']}"}


def remedies(sheet: dict[str, Any]) -> dict[str, str]:
    return {one["kind"]: one["state"] for one in sheet["remedies"]}


def test_a_notice_is_contested_and_the_case_falls(driver: Driver, cases: Cases) -> None:
    violation = cases["noticed"]
    assert violation["status"] == "notified"
    assert driver.sheet(violation).json["code"] == "no-penalty"
    contest = driver.object_to(violation, "defence")
    assert driver.shown(violation)["status"] == "contested"
    driver.decide(contest, "cancelled")
    after = wait_until(lambda: driver.shown(violation), lambda seen: seen["status"] == "closed")
    assert (after["outcome"], after["dues"]) == ("exempt", [])
    assert driver.sheet(violation).json["code"] == "no-penalty"


def test_an_objection_that_is_lost_costs_nothing_for_its_own_time(
    driver: Driver, cases: Cases
) -> None:
    violation = cases["upheld"]
    (due,) = violation["dues"]
    before = driver.sheet(violation).json
    assert before["due"] == {"fine": FINE, "surcharge": due["surcharge"], "total": due["amount"]}
    assert (before["most"], before["tomorrow"], before["stopped_by"]) == (2 * FINE, 150, [])
    assert remedies(before) == {"reconsideration": "open", "litigation": "later"}
    upheld = before["prospect"]["outcomes"][0]
    # The day on which it is handed in is not counted any more.
    assert upheld["due"]["total"] == due["amount"] - 150
    contest = driver.object_to(violation, "reconsideration")
    during = driver.sheet(violation).json
    assert (during["stopped_by"], during["tomorrow"]) == (["reconsideration"], 0)
    assert during["due"]["total"] == due["amount"] - 150
    driver.decide(contest, "upheld")
    after = driver.sheet(violation).json
    assert after["due"] == during["due"]
    assert remedies(after) == {"reconsideration": "used", "litigation": "open"}
    assert driver.shown(violation)["status"] == "overdue"


def test_a_reduction_lowers_the_fine_and_its_surcharge(driver: Driver, cases: Cases) -> None:
    violation = cases["reduced"]
    contest = driver.object_to(violation, "reconsideration")
    promised = driver.sheet(violation).json["prospect"]["outcomes"][1]
    driver.decide(contest, "reduced", reduced_to=FINE // 2)
    after = driver.sheet(violation).json
    assert (promised["fine"], promised["due"]) == (FINE // 2, after["due"])
    assert after["due"]["fine"] == FINE // 2
    (due,) = driver.shown(violation)["dues"]
    assert after["due"]["total"] == due["amount"]
    path = f"/police/changes?subject={violation['decision_no']}"
    (told,) = wait_until(lambda: ask_city(driver.house.city, "GET", path)["items"], bool)
    assert (told["kind"], told["fine"]) == ("reduced", FINE // 2)


@pytest.mark.promise("M15")
def test_what_was_paid_and_then_won_comes_back_in_full(
    house: House, driver: Driver, cases: Cases, shows: Callable[[str], None]
) -> None:
    violation, app = cases["paid"], driver.app
    (due,) = violation["dues"]
    order = {"items": [{"service": "traffic-fine", "reference": due["reference"]}]}
    started = app.start(order | {"method": "card"})
    assert started.status == 201, started.body
    action = started.json["next_action"]
    assert confirm(house.stripe, action).json["status"] == "succeeded"
    payment = app.await_items(started.json["id"], "fulfilled")
    assert payment["amount"] == due["amount"] > FINE
    path = f"/v1/payments/{payment['id']}/receipt"
    receipt = wait_until(lambda: app.get(path), lambda answer: answer.status == 200).json
    (section,) = receipt["sections"]
    assert (receipt["amount"], section["payee"]) == (due["amount"], "shiyan-treasury")
    assert driver.shown(violation)["status"] == "paid"
    paid = driver.sheet(violation).json
    assert (paid["paid"], paid["due"]["total"], paid["back"]) == (due["amount"], 0, 0)
    backs = {one["ending"]: one["back"] for one in paid["prospect"]["outcomes"]}
    assert backs["cancelled"] == due["amount"]

    contest = driver.object_to(violation, "reconsideration")
    driver.decide(contest, "cancelled")
    done = wait_until(lambda: app.payment(payment["id"]), lambda seen: seen["refunded_amount"] > 0)
    assert done["refunded_amount"] == due["amount"]
    assert driver.shown(violation)["status"] == "cancelled"
    assert driver.sheet(violation).json["code"] == "no-penalty"
    gateway = wait_until(
        lambda: refunds(house, action["intent"]),
        lambda seen: [one["status"] for one in seen] == ["succeeded"],
    )
    assert [one["amount"] for one in gateway] == [due["amount"]]
    red = wait_until(lambda: app.get(path).json, lambda seen: seen["reversals"])
    assert [one["amount"] for one in red["reversals"]] == [-due["amount"]]
    assert red["standing_amount"] == 0
    wait_until(app.inbox, lambda kinds: {"refund-succeeded", "receipt-reversed"} <= set(kinds))
    assert driver.told("contest-decided").count(contest) == 1
    assert len(driver.told("money-returned")) == 1
    auditor = Citizen(house.web, house.city, token=house.staff_token())
    book = auditor.get("/v1/ledger/trial-balance").json
    assert [item["balance"] for item in book["currencies"]] == [0]
    shows(
        f"fine {FINE} and surcharge {due['surcharge']} fen paid, then won:"
        f" {gateway[0]['amount']} fen back at the gateway, receipt {red['standing_amount']} left"
    )


def refunds(house: House, intent: str) -> list[dict[str, Any]]:
    """Return what the gateway has sent back of an intent."""
    answer = house.stripe.call(
        "GET",
        f"/v1/refunds?payment_intent={intent}",
        headers={"Authorization": f"Bearer {house.env['STRIPE_API_KEY']}"},
    )
    assert answer.status == 200, answer.body
    items: list[dict[str, Any]] = answer.json["data"]
    return items
