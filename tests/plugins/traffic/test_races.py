"""What meets in the same moment, and what only time brings: nothing is paid twice."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from app.sdk import OutcomeUnknown, PaymentNotice, now
from plugins.traffic.provider import TrafficProvider
from tests.conftest import World
from tests.factories import Citizen, later, run_jobs
from tests.payments.helpers import pay, read, step_up
from tests.plugins.traffic.conftest import (
    Car,
    Desk,
    attend,
    behave,
    decided,
    fine_of,
    object_to,
    refusal,
    shown,
    told,
)

DAY = 86_400


def rows(rooms: Rooms, statement: str, **values: object) -> list[tuple[Any, ...]]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return [tuple(row) for row in uow.execute(text(statement), values)]


def status_of(rooms: Rooms, violation: dict[str, Any]) -> str:
    found = "select status from plugin_traffic.violations where id = :id"
    return str(rows(rooms, found, id=violation["id"])[0][0])


def returns_of(rooms: Rooms, reference: str) -> list[tuple[Any, ...]]:
    found = "select amount, surcharge, reason from plugin_traffic.returns where reference = :ref"
    return rows(rooms, found, ref=reference)


def notice_of(violation: dict[str, Any]) -> PaymentNotice:
    due = violation["dues"][0]
    return PaymentNotice(
        key=str(new_id()),
        reference=due["reference"],
        amount=due["amount"],
        currency="CNY",
        paid_at=now(),
        payee="shiyan-treasury",
    )


def taken(client: FlaskClient, me: Citizen, desk: Desk, violation: dict[str, Any]) -> str:
    """File a reconsideration and have an officer take it; return its id."""
    filed = object_to(client, me, violation["id"], "reconsideration")
    assert filed.status_code == 201, filed.text
    assert desk.put(f"contests/{filed.json['id']}/review").status_code == 200
    return str(filed.json["id"])


def test_money_that_was_on_its_way_when_the_fine_was_cancelled_goes_back(
    client: FlaskClient,
    police: World,
    rooms: Rooms,
    provider: TrafficProvider,
    me: Citizen,
    car: Car,
    desk: Desk,
) -> None:
    violation = decided(client, me, car, served_days_ago=40)
    notice = notice_of(violation)
    behave(police, "answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(notice)
    contest = taken(client, me, desk, violation)
    body = {"outcome": "cancelled", "reason": "经核实"}
    assert desk.put(f"contests/{contest}/verdict", body).status_code == 200
    assert returns_of(rooms, notice.reference) == []
    provider.fulfil(notice)
    provider.fulfil(notice)
    surcharge = notice.amount - 20_000
    assert returns_of(rooms, notice.reference) == [(notice.amount, surcharge, "changed-meanwhile")]
    assert status_of(rooms, violation) == "cancelled"


def test_a_refresh_between_payment_and_answer_returns_nothing(
    client: FlaskClient,
    police: World,
    rooms: Rooms,
    provider: TrafficProvider,
    me: Citizen,
    car: Car,
) -> None:
    violation = decided(client, me, car)
    notice = notice_of(violation)
    behave(police, "answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(notice)
    with later(11):  # the police's books have the money now
        assert shown(client, me, violation["id"])["status"] == "payable"
        provider.fulfil(notice)
        assert shown(client, me, violation["id"])["status"] == "paid"
    assert returns_of(rooms, notice.reference) == []


def test_one_of_eight_verdicts_at_once_counts_and_one_refund_follows(
    client: FlaskClient,
    app: Server,
    world: World,
    rooms: Rooms,
    me: Citizen,
    car: Car,
    desk: Desk,
) -> None:
    violation = decided(client, me, car)
    step_up(rooms, me)
    paid = pay(client, rooms, me, fine_of(violation))
    contest = taken(client, me, desk, violation)
    body = {"outcome": "cancelled", "reason": "经核实"}

    def decide(_: int) -> int:
        with app.test_client() as theirs:
            path = f"/v1/traffic/desk/contests/{contest}/verdict"
            answer = theirs.put(path, json=body, headers=desk.headers)
            while answer.status_code == 503:  # seats at the provider are few
                answer = theirs.put(path, json=body, headers=desk.headers)
            return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(decide, range(8))) == [200] + [409] * 7
    provider = rooms.deps[TrafficProvider]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: provider.attend(), range(4)))
    run_jobs(rooms)
    assert read(client, me, paid["id"])["refunded_amount"] == paid["amount"]
    assert len(returns_of(rooms, violation["decision_no"])) == 1
    effective = [one["effective"] for one in told(world, "changes", violation["decision_no"])]
    assert effective.count(True) == 1


def test_what_is_being_paid_is_not_parted(
    client: FlaskClient, police: World, provider: TrafficProvider, me: Citizen, car: Car, desk: Desk
) -> None:
    violation = decided(client, me, car)
    wish = {"kind": "instalments", "parts": 2, "statement": "家庭困难"}
    path = f"/v1/traffic/violations/{violation['id']}/reliefs"
    asked = client.post(path, json=wish, headers=me.auth)
    assert asked.status_code == 201, asked.text
    notice = notice_of(violation)
    behave(police, "answer_lost", times=1)
    with pytest.raises(OutcomeUnknown):
        provider.fulfil(notice)
    answer = desk.put(f"reliefs/{asked.json['id']}/decision", {"granted": True, "reason": "同意"})
    assert refusal(answer) == (409, "not-decidable")
    provider.fulfil(notice)
    after = shown(client, me, violation["id"])
    assert [(due["number"], due["status"]) for due in after["dues"]] == [(0, "paid")]


def test_time_makes_a_fine_overdue_and_closes_a_paid_case(
    client: FlaskClient, rooms: Rooms, me: Citizen, car: Car
) -> None:
    unpaid = decided(client, me, car)
    with later(11):
        settled = decided(client, me, car)
        step_up(rooms, me)
        pay(client, rooms, me, fine_of(settled))
    attend(rooms)
    assert (status_of(rooms, unpaid), status_of(rooms, settled)) == ("payable", "paid")
    provider = rooms.deps[TrafficProvider]
    with later(40 * DAY):
        provider.attend()
        assert (status_of(rooms, unpaid), status_of(rooms, settled)) == ("overdue", "paid")
    with later(300 * DAY):
        provider.attend()
        assert (status_of(rooms, unpaid), status_of(rooms, settled)) == ("overdue", "closed")
