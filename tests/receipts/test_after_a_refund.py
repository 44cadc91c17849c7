"""From the money that went back to the red letter: payments, gateway and inbox together."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.core.ids import new_id
from app.factory import Rooms
from app.payments import service as payments
from app.payments.events import ItemClosed, RefundSucceeded
from app.payments.models import Payment, PaymentAttempt, PaymentItem
from app.payments.service.common import PaymentDeps
from app.payments.service.refund import approve_refund, captured_attempt
from tests.conftest import World
from tests.factories import Citizen, run_jobs
from tests.live import at_once
from tests.payments.helpers import make_bill, pay
from tests.privacy.support import read_all


@pytest.fixture
def paid(client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen) -> dict[str, Any]:
    """Return a payment of two bills with its receipt."""
    water = make_bill(client, world, citizen, "water-bill", 1500)
    power = make_bill(client, world, citizen, "power-bill", 2500)
    return pay(client, rooms, citizen, water, power)


def give_back(rooms: Rooms, item_id: str, amount: int | None = None) -> UUID:
    """Approve the refund of (a part of) an item, as a rule of ours does, and let it be made."""
    with rooms.units.open(actor="test") as uow:
        found = uow.get_one(PaymentItem, UUID(item_id))
        uow.lock(Payment, found.payment_id)
        item = uow.lock(PaymentItem, found.id)
        attempt_id = captured_attempt(uow, item.payment_id)
        assert attempt_id is not None
        refund = approve_refund(
            uow,
            uow.lock(PaymentAttempt, attempt_id),
            item=item,
            amount=amount or item.amount,
            reason="approved",
            client_reference=str(new_id()),
        )
    run_jobs(rooms)
    return refund.id


def receipt_of(client: FlaskClient, citizen: Citizen, payment_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/payments/{payment_id}/receipt", headers=citizen.auth)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def test_a_refund_takes_back_its_item_and_the_citizen_is_told(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, paid: dict[str, Any]
) -> None:
    before = receipt_of(client, citizen, paid["id"])
    assert (before["status"], before["standing_amount"], before["reversals"]) == (
        "issued",
        4000,
        [],
    )
    power, water = paid["items"]
    give_back(rooms, water["id"])
    after = receipt_of(client, citizen, paid["id"])
    (letter,) = after["reversals"]
    assert (after["status"], after["standing_amount"]) == ("partly_reversed", 2500)
    assert (after["number"], after["code"], after["amount"]) == (
        before["number"],
        before["code"],
        4000,
    )
    assert letter["amount"] == -1500
    sections = read_all(
        rooms, "select content->'sections' from receipts where id = :i", i=letter["id"]
    )[0][0]
    assert [(one["item_id"], one["amount"]) for one in sections] == [(water["id"], -1500)]
    inbox = client.get("/v1/me/inbox", headers=citizen.auth).json["items"]
    told = [message for message in inbox if message["kind"] == "receipt-reversed"]
    assert len(told) == 1
    assert letter["code"] in told[0]["body"]["zh"]
    assert "¥15.00" in told[0]["body"]["zh"]
    give_back(rooms, power["id"], 700)
    give_back(rooms, power["id"], 1800)
    amounts = [one["amount"] for one in receipt_of(client, citizen, paid["id"])["reversals"]]
    assert amounts == [-1500, -700, -1800]
    assert receipt_of(client, citizen, paid["id"])["status"] == "reversed"


def test_both_handlers_may_run_again_and_at_once(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, paid: dict[str, Any]
) -> None:
    item = paid["items"][1]
    refund_id = give_back(rooms, item["id"])
    desk: PaymentDeps = rooms.deps[PaymentDeps]

    def reverse() -> None:
        with rooms.units.open(actor="test") as uow:
            payments.reverse_receipt(uow, desk, RefundSucceeded(refund_id=refund_id))

    def issue() -> None:
        closed = ItemClosed(payment_id=UUID(paid["id"]), item_id=UUID(item["id"]))
        with rooms.units.open(actor="test") as uow:
            payments.issue_receipt(uow, desk, closed)

    at_once([reverse, issue] * 4)
    seen = receipt_of(client, citizen, paid["id"])
    assert [one["amount"] for one in seen["reversals"]] == [-1500]


def test_a_stranger_reads_no_receipt(
    client: FlaskClient, stranger: Citizen, paid: dict[str, Any]
) -> None:
    answer = client.get(f"/v1/payments/{paid['id']}/receipt", headers=stranger.auth)
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")
