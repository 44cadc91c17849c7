"""Taking the money of announced bills: after the notice, once, and never against a bound."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.clock import CITY_TIME
from app.factory import Rooms
from app.payments import service as payments
from app.payments.service import PaymentDeps
from tests.conftest import World
from tests.factories import Citizen, city, later, run_jobs
from tests.payments.helpers import (
    DUE_DATE,
    Bill,
    confirm,
    intents_of,
    new_key,
    postings,
    read,
    start,
    step_up,
    stripe_control,
)
from tests.payments.helpers import (
    order as payment_order,
)

from .support import (
    ORDERS,
    another_bill,
    collections,
    look_again,
    make_order,
    status_of,
    tick,
    until,
)

DUE_DAY = date.fromisoformat(DUE_DATE)
DUE = datetime.combine(DUE_DAY - timedelta(days=2), time(10), CITY_TIME)


def told(rooms: Rooms, citizen: Citizen) -> list[str]:
    """Return the kinds of what a citizen was told of standing orders, oldest first."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        kinds = uow.scalars(
            text("select kind from inbox_messages where citizen_id = :who order by created_at"),
            {"who": citizen.id},
        )
        return [kind for kind in kinds if kind.startswith("autopay")]


def test_a_bill_is_announced_once_and_taken_on_its_day(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    look_again(rooms, order["id"])
    [announced] = collections(rooms, order["id"])
    assert (announced.status, announced.amount, announced.charge_at) == ("announced", 4250, DUE)
    with later(until(DUE) - 60):
        tick(rooms)
        assert [row.status for row in collections(rooms, order["id"])] == ["announced"]
    assert postings(world, bill) == []
    with later(until(DUE)):
        for _ in range(3):
            tick(rooms)
    [taken] = collections(rooms, order["id"])
    assert (taken.status, taken.tries) == ("succeeded", 1)
    payment = read(client, citizen, str(taken.payment_id))
    assert (payment["status"], payment["items"][0]["status"]) == ("succeeded", "fulfilled")
    assert payment["receipt_code"]
    assert len(postings(world, bill)) == 1
    assert told(rooms, citizen) == ["autopay-began", "autopay-announced"]


def test_a_bill_paid_by_hand_or_withdrawn_is_not_taken(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    paid = start(client, citizen, payment_order(bill)).json
    confirm(paid)
    read(client, citizen, paid["id"])
    run_jobs(rooms)
    with later(until(DUE)):
        tick(rooms)
    [row] = collections(rooms, order["id"])
    assert (row.status, row.payment_id) == ("skipped", None)
    assert len(postings(world, bill)) == 1


def test_a_payment_that_somebody_has_begun_is_left_alone(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    by_hand = start(client, citizen, payment_order(bill)).json
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update autopay_collections set next_at = now() where order_id = :id"),
            {"id": order["id"]},
        )
    tick(rooms)
    [row] = collections(rooms, order["id"])
    assert (row.status, row.reason, row.payment_id) == ("skipped", "payment-in-progress", None)
    assert read(client, citizen, by_hand["id"])["status"] == "pending"


def test_a_bill_that_changes_is_announced_anew(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    change_amount(world, bill, 5_000)
    with later(until(DUE)):
        tick(rooms)
        rows = collections(rooms, order["id"])
        assert [(r.status, r.amount) for r in rows] == [("skipped", 4250), ("announced", 5000)]
        notice_ends = rows[1].charge_at
        assert (notice_ends - DUE).days == 3
    assert postings(world, bill) == []
    with later(until(notice_ends)):
        tick(rooms)
    assert [r.status for r in collections(rooms, order["id"])] == ["skipped", "succeeded"]
    assert [posting["amount"] for posting in postings(world, bill)] == [5_000]


def change_amount(world: World, bill: Bill, amount: int) -> None:
    """Let the biller state another amount for a bill."""
    path = f"/billers/{bill.biller}/bills/{bill.biller_reference}"
    city(world, "PUT", path, {"amount": amount})


def test_what_is_above_a_bound_waits_for_its_citizen(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen, cap_per_bill=4_000)
    tick(rooms)
    [held] = collections(rooms, order["id"])
    assert (held.status, held.reason) == ("held", "above_bill_cap")
    with later(until(DUE)):
        tick(rooms)
    assert postings(world, bill) == []
    path = f"/v1/autopay/collections/{held.id}/approval"
    with later(400):
        assert client.post(path, headers=citizen.auth).status_code == 401  # a proof, not only a tap
    for _ in range(2):
        assert client.post(path, headers=citizen.auth).json["status"] == "announced"
    with later(until(DUE)):
        tick(rooms)
    assert [r.status for r in collections(rooms, order["id"])] == ["succeeded"]
    assert len(postings(world, bill)) == 1


def test_a_month_has_its_bound_too(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    another_bill(world, bill, 4_000)
    order = make_order(client, rooms, citizen, cap_per_bill=5_000, cap_per_month=8_000)
    with later(60):  # bills are asked for anew
        tick(rooms)
    with later(until(DUE)):
        tick(rooms)
    rows = collections(rooms, order["id"])
    assert sorted((r.status, r.reason) for r in rows) == [
        ("held", "above_month_cap"),
        ("succeeded", None),
    ]


def test_an_unusual_amount_waits(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    with later(until(DUE)):
        tick(rooms)
    another_bill(world, bill, 4_250 + 5_001, str(DUE_DAY + timedelta(days=15)))
    with later(until(DUE) + 60):
        look_again(rooms, order["id"])
    usual, strange = collections(rooms, order["id"])
    assert (usual.status, strange.status, strange.reason) == ("succeeded", "held", "unusual")
    skip = f"/v1/autopay/collections/{strange.id}/skip"
    assert client.post(skip, headers=citizen.auth).json["status"] == "skipped"
    look_again(rooms, order["id"])
    assert len(collections(rooms, order["id"])) == 2  # a no is a no


def test_a_declined_card_is_tried_by_the_plan_and_then_given_up(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen, "pm_card_chargeCustomerFail")
    tick(rooms)
    tried = []
    for tries in range(1, 5):
        [row] = collections(rooms, order["id"])
        with later(until(row.charge_at)):
            tick(rooms)
        [row] = collections(rooms, order["id"])
        assert row.tries == tries
        tried.append(str(row.payment_id))
    assert (row.status, row.reason, row.next_at) == ("abandoned", "declined", None)
    assert len(set(tried)) == 4
    assert {read(client, citizen, one)["status"] for one in tried} == {"cancelled"}
    for one in tried:
        assert [intent["status"] for intent in intents_of(world, one)] == ["canceled"]
    assert told(rooms, citizen)[2:] == ["autopay-declined"] * 3 + ["autopay-given-up"]
    assert (status_of(rooms, order["id"]), postings(world, bill)) == ("active", [])
    look_again(rooms, order["id"])
    assert len(collections(rooms, order["id"])) == 1  # it is its citizen's to pay now
    assert start(client, citizen, payment_order(bill)).status_code == 201


def test_a_card_that_can_never_be_charged_stops_the_order_at_once(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    step_up(rooms, citizen)
    method = order["payment_method_id"]
    gone = client.delete(f"/v1/payment-methods/{method}", headers=citizen.auth)
    assert gone.status_code == 204
    with later(until(DUE)):
        tick(rooms)
    [row] = collections(rooms, order["id"])
    assert (row.status, row.payment_id) == ("abandoned", None)
    assert status_of(rooms, order["id"]) == "inactive"
    assert told(rooms, citizen)[-2:] == ["autopay-given-up", "autopay-stopped"]
    resumed = client.post(f"{ORDERS}/{order['id']}/resumption", headers=citizen.auth)
    assert (resumed.status_code, resumed.json["code"]) == (409, "saved-method-unusable")


@pytest.mark.parametrize("fault", ["drop", "error_after", "timeout"])
def test_a_lost_answer_takes_the_money_once(
    client: FlaskClient, rooms: Rooms, world: World, citizen: Citizen, bill: Bill, fault: str
) -> None:
    order = make_order(client, rooms, citizen)
    tick(rooms)
    plan: dict[str, Any] = {"operation": "payment_intents.create", "kind": fault, "times": 2}
    if fault == "timeout":
        plan["seconds"] = 9
    stripe_control(world, "PUT", "/faults", plan)
    with later(until(DUE)):
        tick(rooms)
        [row] = collections(rooms, order["id"])
        assert row.status in {"charging", "succeeded"}
    stripe_control(world, "DELETE", "/faults")
    with later(until(DUE) + 600):
        with rooms.units.open(actor="test") as uow:
            payments.question_due(uow, rooms.deps[PaymentDeps])
        run_jobs(rooms)
        tick(rooms)
    [row] = collections(rooms, order["id"])
    statuses = [one["status"] for one in intents_of(world, str(row.payment_id))]
    assert statuses == ["succeeded"]
    assert (row.status, row.tries) == ("succeeded", 1)
    assert len(postings(world, bill)) == 1


def test_a_method_is_proven_again_before_a_bill_is_approved(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    order = make_order(client, rooms, citizen, cap_per_bill=100)
    tick(rooms)
    [held] = collections(rooms, order["id"])
    headers = {**citizen.auth, "Idempotency-Key": new_key()}
    ended = client.delete(f"{ORDERS}/{order['id']}", headers=headers)
    assert ended.status_code == 204
    late = client.post(f"/v1/autopay/collections/{held.id}/approval", headers=citizen.auth)
    assert (late.status_code, late.json["code"]) == (409, "collection-state")
