"""The bill changed while its payment waited: a new attempt asks again; no one is surprised."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.payments.models import Payment, PaymentAttempt
from tests.conftest import World
from tests.factories import Citizen, city, run_jobs
from tests.payments.helpers import (
    Bill,
    confirm,
    deliver,
    intents_of,
    make_bill,
    order,
    read,
    start,
    stripe_control,
)
from tests.payments.test_fulfil import behaving


@pytest.fixture
def bill(client: FlaskClient, world: World, citizen: Citizen) -> Bill:
    """Return a bill of the citizen."""
    return make_bill(client, world, citizen)


@pytest.fixture
def payment(client: FlaskClient, citizen: Citizen, bill: Bill) -> dict[str, Any]:
    """Return a payment of the bill that waits for its payer."""
    body: dict[str, Any] = start(client, citizen, order(bill)).json
    return body


def change(world: World, bill: Bill, amount: int) -> None:
    """Let the biller ask for another amount."""
    city(world, "PUT", f"/billers/{bill.biller}/bills/{bill.biller_reference}", {"amount": amount})


def pay_at_the_counter(world: World, bill: Bill) -> None:
    """Pay a bill at its biller's own counter."""
    city(
        world, "POST", f"/billers/{bill.biller}/bills/{bill.biller_reference}/counter-payments", {}
    )


def try_again(client: FlaskClient, citizen: Citizen, payment: dict[str, Any]) -> TestResponse:
    """Ask for a fresh attempt by card."""
    return client.post(
        f"/v1/payments/{payment['id']}/attempts", json={"method": "card"}, headers=citizen.auth
    )


def test_a_bill_that_changed_ends_the_payment_and_is_free_at_once(
    client: FlaskClient, world: World, citizen: Citizen, bill: Bill, payment: dict[str, Any]
) -> None:
    change(world, bill, 5000)
    refused = try_again(client, citizen, payment)
    assert (refused.status_code, refused.json["code"]) == (409, "bill-changed")
    assert (refused.json["amount"], refused.json["payment_id"]) == (5000, payment["id"])
    seen = read(client, citizen, payment["id"])
    assert (seen["status"], seen["amount"], seen["next_action"]) == ("cancelled", 4250, None)
    assert [i["status"] for i in intents_of(world, payment["id"])] == ["canceled"]
    again = start(client, citizen, order(bill, expected_amount=5000))
    assert (again.status_code, again.json["amount"]) == (201, 5000)
    late = try_again(client, citizen, payment)
    assert (late.status_code, late.json["code"]) == (409, "payment-not-pending")


def test_a_bill_that_was_paid_elsewhere_ends_the_payment(
    client: FlaskClient, world: World, citizen: Citizen, bill: Bill, payment: dict[str, Any]
) -> None:
    pay_at_the_counter(world, bill)
    refused = try_again(client, citizen, payment)
    assert (refused.status_code, refused.json["code"]) == (409, "bill-withdrawn")
    assert refused.json["reason"] == "already-paid"
    assert read(client, citizen, payment["id"])["status"] == "cancelled"
    assert [i["status"] for i in intents_of(world, payment["id"])] == ["canceled"]


def test_the_same_bill_is_tried_again_on_the_same_payment(
    client: FlaskClient, citizen: Citizen, payment: dict[str, Any]
) -> None:
    declined = confirm(payment, "pm_card_chargeDeclined")
    assert declined["error"]["code"] == "card_declined"
    answer = try_again(client, citizen, payment)
    assert (answer.status_code, answer.json["id"]) == (201, payment["id"])
    assert answer.json["next_action"]["intent"] != payment["next_action"]["intent"]


def test_a_declined_card_and_then_another_pay_the_same_payment_once(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, payment: dict[str, Any]
) -> None:
    confirm(payment, "pm_card_chargeDeclined")
    deliver(client, payment, "payment_intent.payment_failed")
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "pending"
    assert confirm(payment)["status"] == "succeeded"
    deliver(client, payment)
    run_jobs(rooms)
    seen = read(client, citizen, payment["id"])
    assert (seen["status"], seen["items"][0]["status"]) == ("succeeded", "fulfilled")
    with rooms.units.open(actor="test", read_only=True) as uow:
        attempts = select(func.count()).where(PaymentAttempt.payment_id == payment["id"])
        assert uow.scalar(attempts) == 1
    assert len(intents_of(world, payment["id"])) == 1


def test_money_that_was_faster_than_the_change_is_kept_to(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    payment = start(client, citizen, order(bill)).json
    confirm(payment)  # and nobody has told us
    change(world, bill, 5000)
    refused = try_again(client, citizen, payment)
    assert (refused.status_code, refused.json["code"]) == (409, "payment-not-pending")
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "succeeded"


def test_a_biller_or_gateway_that_is_silent_leaves_the_payment_as_it_is(
    client: FlaskClient, world: World, citizen: Citizen, bill: Bill, payment: dict[str, Any]
) -> None:
    with behaving(world, "water-bill", "down"):
        assert try_again(client, citizen, payment).status_code == 503
    assert read(client, citizen, payment["id"])["status"] == "pending"
    change(world, bill, 5000)
    fault = {"operation": "payment_intents.retrieve", "kind": "error_before", "times": 2}
    stripe_control(world, "PUT", "/faults", fault)
    try:
        assert try_again(client, citizen, payment).status_code == 503
    finally:
        stripe_control(world, "DELETE", "/faults")
    assert read(client, citizen, payment["id"])["status"] == "pending"


def test_nothing_begins_when_the_payer_has_seen_another_amount(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    change(world, bill, 5000)
    refused = start(client, citizen, order(bill, expected_amount=4250))
    assert (refused.status_code, refused.json["code"]) == (409, "bill-changed")
    assert refused.json["amount"] == 5000
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert uow.scalar(select(func.count()).where(Payment.citizen_id == citizen.id)) == 0
