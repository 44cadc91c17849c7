"""Starting a payment, and every way it can be refused."""

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, log_in, run_jobs
from tests.payments.helpers import (
    confirm,
    deliver,
    intents_of,
    make_bill,
    new_key,
    order,
    postings,
    read,
    start,
)


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


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
    assert [item["status"] for item in paid["items"]] == ["fulfilled"]
    assert paid["items"][0]["biller_reference"]
    assert paid["receipt_code"]
    assert [p["effective"] for p in postings(world, bill)] == [True]
    assert len(intents_of(world, payment["id"])) == 1
    receipt = client.get(f"/v1/payments/{payment['id']}/receipt", headers=citizen.auth)
    assert receipt.status_code == 200, receipt.text
    assert receipt.json["amount"] == 4250
    valid = client.get(f"/v1/receipts/{receipt.json['code']}/validity?amount=4250")
    assert valid.json == {"valid": True}
    wrong = client.get(f"/v1/receipts/{receipt.json['code']}/validity?amount=4251")
    assert wrong.json == {"valid": False}
    one = client.get(f"/v1/utilities/bills/{bill.id}", headers=citizen.auth)
    assert one.json["status"] == "paid"


def test_the_same_key_gets_the_same_bytes(
    client: FlaskClient, world: World, citizen: Citizen
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
