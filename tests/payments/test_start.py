"""Starting a payment, and every way it can be refused."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.idempotency import IdempotencyKey
from app.factory import Rooms
from app.payments.models import Payment
from tests.conftest import World
from tests.factories import Citizen, city, run_jobs
from tests.journeys.house import wait_until
from tests.payments.helpers import (
    confirm,
    deliver,
    intents_of,
    make_bill,
    new_key,
    order,
    pay,
    postings,
    read,
    start,
    stripe_control,
)


def payments_of(rooms: Rooms, citizen: Citizen) -> int:
    """Return how many payments a citizen has."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return uow.scalar(select(func.count()).where(Payment.citizen_id == citizen.id)) or 0


def test_a_bill_is_paid_and_receipted(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    started = start(client, citizen, order(bill))
    assert started.status_code == 201, started.text
    payment = started.json
    assert started.headers["Location"] == f"/v1/payments/{payment['id']}"
    assert payment["status"] == "pending"
    assert payment["amount"] == 4250
    assert payment["next_action"]["type"] == "stripe"
    assert confirm(payment)["status"] == "succeeded"
    deliver(client, payment)
    run_jobs(rooms)
    paid = read(client, citizen, payment["id"])
    assert paid["status"] == "succeeded"
    assert paid["next_action"] is None
    assert [item["status"] for item in paid["items"]] == ["fulfilled"]
    assert paid["items"][0]["biller_reference"]
    assert [p["effective"] for p in postings(world, bill)] == [True]
    assert len(intents_of(world, payment["id"])) == 1
    receipt = client.get(f"/v1/payments/{payment['id']}/receipt", headers=citizen.auth)
    assert receipt.status_code == 200, receipt.text
    assert receipt.json["amount"] == 4250
    assert receipt.json["code"] == paid["receipt_code"]
    valid = client.get(f"/v1/receipts/{receipt.json['code']}/validity?amount=4250")
    assert valid.json == {"valid": True, "status": "issued", "standing_amount": 4250}
    wrong = client.get(f"/v1/receipts/{receipt.json['code']}/validity?amount=4251")
    assert wrong.json == {"valid": False, "status": None, "standing_amount": None}
    one = client.get(f"/v1/utilities/bills/{bill.id}", headers=citizen.auth)
    assert one.json["status"] == "paid"


def test_several_bills_of_several_payees_are_one_payment(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bills = [
        make_bill(client, world, citizen, "water-bill", 1000),
        make_bill(client, world, citizen, "power-bill", 2000),
        make_bill(client, world, citizen, "gas-bill", 3000),
        make_bill(client, world, citizen, "heat-bill", 4000),
    ]
    paid = pay(client, rooms, citizen, *bills)
    assert paid["amount"] == 10_000
    assert [item["status"] for item in paid["items"]] == ["fulfilled"] * 4
    receipt = client.get(f"/v1/payments/{paid['id']}/receipt", headers=citizen.auth)
    payees = {section["payee"]: section["amount"] for section in receipt.json["sections"]}
    assert payees == {bill.biller: bill.amount for bill in bills}


def test_the_same_key_gets_the_same_bytes(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    key = new_key()
    first = start(client, citizen, order(bill), key)
    second = start(client, citizen, order(bill), key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.data == first.data
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Location"] == first.headers["Location"]
    assert len(intents_of(world, first.json["id"])) == 1
    assert payments_of(rooms, citizen) == 1


def test_the_same_key_with_another_body_is_refused(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    one, two = (make_bill(client, world, citizen) for _ in range(2))
    key = new_key()
    start(client, citizen, order(one), key)
    again = start(client, citizen, order(two), key)
    assert (again.status_code, again.json["code"]) == (422, "idempotency-key-reused")
    assert payments_of(rooms, citizen) == 1


def test_a_key_is_needed(client: FlaskClient, world: World, citizen: Citizen) -> None:
    bill = make_bill(client, world, citizen)
    answer = client.post("/v1/payments", json=order(bill), headers=citizen.auth)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key-missing")


def test_another_key_names_the_live_payment_to_its_payer(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    first = start(client, citizen, order(bill))
    second = start(client, citizen, order(bill))
    assert (second.status_code, second.json["code"]) == (409, "payment-in-progress")
    assert second.json["payment_id"] == first.json["id"]
    live = read(client, citizen, second.json["payment_id"])
    assert confirm(live)["status"] == "succeeded"
    assert payments_of(rooms, citizen) == 1


def test_a_live_payment_is_not_named_to_somebody_else(
    client: FlaskClient, world: World, citizen: Citizen, stranger: Citizen
) -> None:
    bill = make_bill(client, world, citizen, holder="王五")
    linked = client.post(
        "/v1/utilities/accounts",
        json={"biller": bill.biller, "number": bill.account, "holder_name": "王五"},
        headers=stranger.auth,
    )
    assert linked.status_code == 201
    start(client, citizen, order(bill))
    answer = start(client, stranger, order(bill))
    assert (answer.status_code, answer.json["code"]) == (409, "payment-in-progress")
    assert "payment_id" not in answer.json


def test_a_paid_bill_cannot_be_paid_again(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    paid = pay(client, rooms, citizen, bill)
    again = start(client, citizen, order(bill))
    assert (again.status_code, again.json["code"]) == (409, "already-paid")
    assert len(postings(world, bill)) == 1
    assert len(intents_of(world, paid["id"])) == 1


def test_a_second_try_learns_that_the_first_was_paid(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    first = start(client, citizen, order(bill))
    confirm(first.json)  # no webhook comes
    again = wait_until(
        lambda: start(client, citizen, order(bill)),
        lambda answer: answer.json["code"] != "payment-in-progress",
    )
    assert (again.status_code, again.json["code"]) == (409, "already-paid")
    assert payments_of(rooms, citizen) == 1


def test_a_strangers_bill_does_not_exist(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, stranger: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    theirs = start(client, stranger, order(bill))
    absent = order(bill)
    absent["items"][0]["reference"] = "shiyan-water.nothing"
    nobodys = start(client, stranger, absent)
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json["code"] == nobodys.json["code"]
    assert payments_of(rooms, stranger) == 0


def test_a_strangers_payment_does_not_exist(
    client: FlaskClient, world: World, citizen: Citizen, stranger: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment_id = start(client, citizen, order(bill)).json["id"]
    absent = "019a0000-0000-7000-8000-000000000000"
    for path in ("", "/events", "/receipt"):
        theirs = client.get(f"/v1/payments/{payment_id}{path}", headers=stranger.auth)
        nobodys = client.get(f"/v1/payments/{absent}{path}", headers=stranger.auth)
        assert (theirs.status_code, theirs.json["code"]) == (404, "not-found")
        assert nobodys.json["code"] == theirs.json["code"]
    cancel = client.post(f"/v1/payments/{payment_id}/cancellation", headers=stranger.auth)
    retry = client.post(
        f"/v1/payments/{payment_id}/attempts", json={"method": "card"}, headers=stranger.auth
    )
    assert (cancel.status_code, retry.status_code) == (404, 404)
    assert read(client, citizen, payment_id)["status"] == "pending"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"items": []}, 422, "invalid-input"),
        ({"items": [{"service": "water-bill", "reference": "x"}] * 21}, 422, "invalid-input"),
        ({"items": [{"service": "water-bill", "reference": "x"}] * 2}, 422, "duplicate-item"),
        ({"items": [{"service": "no-such", "reference": "x"}]}, 404, "service-not-found"),
        ({"method": "cash"}, 422, "invalid-input"),
        ({"method": "alipay"}, 422, "return-url-missing"),
        ({"amount": 1}, 422, "invalid-input"),
        (
            {"items": [{"service": "water-bill", "reference": "x", "amount": 1}]},
            422,
            "invalid-input",
        ),
    ],
)
def test_a_bad_order_is_refused_and_stores_nothing(
    client: FlaskClient,
    rooms: Rooms,
    citizen: Citizen,
    change: dict[str, object],
    status: int,
    code: str,
) -> None:
    body = {"items": [{"service": "water-bill", "reference": "x"}], "method": "card"} | change
    key = new_key()
    answer = start(client, citizen, body, key)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert uow.scalar(select(func.count()).where(IdempotencyKey.key == key)) == 0
    assert payments_of(rooms, citizen) == 0


def test_a_silent_gateway_leaves_a_payment_that_completes_by_itself(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    fault = {"operation": "payment_intents.create", "kind": "error_after", "times": 1}
    stripe_control(world, "PUT", "/faults", fault)
    started = start(client, citizen, order(bill))
    assert started.status_code == 201, started.text
    assert started.json["status"] == "pending"
    assert started.json["next_action"] is None
    found = wait_until(
        lambda: read(client, citizen, started.json["id"]),
        lambda payment: payment["next_action"] is not None,
    )
    assert found["next_action"]["type"] == "stripe"
    assert len(intents_of(world, found["id"])) == 1
    confirm(found)
    deliver(client, found)
    run_jobs(rooms)
    assert read(client, citizen, found["id"])["status"] == "succeeded"


def test_a_biller_that_is_down_refuses_the_payment_before_anything_is_stored(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen, "heat-bill")
    city(world, "PUT", "/billers/shiyan-heat/behaviour", {"mode": "down"})
    try:
        answer = start(client, citizen, order(bill))
    finally:
        city(world, "PUT", "/billers/shiyan-heat/behaviour", {"mode": "ok"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert payments_of(rooms, citizen) == 0
