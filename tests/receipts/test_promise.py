"""P07: a receipt exists exactly where money came and the biller has it; numbers have no gap."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, run_jobs
from tests.payments.helpers import Bill, confirm, deliver, make_bill, order, postings, read, start
from tests.payments.test_fulfil import behaving
from tests.receipts.support import numbers, this_year

REFUSED = "pm_card_chargeDeclined"


@pytest.mark.promise("P07")
def test_a_receipt_exists_where_a_payment_was_paid_and_posted_and_nowhere_else(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    shows: Callable[[str], None],
) -> None:
    made: dict[str, list[Bill]] = {}

    def begin(*services: str) -> dict[str, Any]:
        bills = [make_bill(client, world, citizen, service) for service in services]
        answer = start(client, citizen, order(*bills))
        assert answer.status_code == 201, answer.text
        made[answer.json["id"]] = bills
        payment: dict[str, Any] = answer.json
        return payment

    def finish(payment: dict[str, Any]) -> None:
        confirm(payment)
        deliver(client, payment)

    for services in (["water-bill"], ["power-bill"], ["water-bill", "power-bill"]):
        finish(begin(*services))
    begin("water-bill")  # never paid
    confirm(begin("power-bill"), REFUSED)  # tried, and declined
    cancelled = begin("gas-bill")
    client.post(f"/v1/payments/{cancelled['id']}/cancellation", headers=citizen.auth)
    run_jobs(rooms)
    with behaving(world, "heat-bill", "refuse"):
        finish(begin("heat-bill"))  # paid, and refused
        finish(begin("heat-bill", "water-bill"))  # one of two refused
        _settle(client, rooms, citizen, made)

    counts = {"receipts": 0, "sections": 0, "postings": 0}
    seen = []
    for payment_id, bills in made.items():
        payment = read(client, citizen, payment_id)
        posted = {
            bill.reference
            for bill in bills
            if [one for one in postings(world, bill) if one["effective"]]
        }
        answer = client.get(f"/v1/payments/{payment_id}/receipt", headers=citizen.auth)
        paid_and_posted = payment["status"] == "succeeded" and bool(posted)
        assert answer.status_code == (200 if paid_and_posted else 404), payment
        sections = answer.json["sections"] if paid_and_posted else []
        assert sorted(one["reference"] for one in sections) == sorted(posted)
        counts["receipts"] += paid_and_posted
        counts["sections"] += len(sections)
        counts["postings"] += len(posted)
        if paid_and_posted:
            seen.append((answer.json["series"], answer.json["number"]))
    assert counts == {"receipts": 4, "sections": 5, "postings": 5}
    assert len(set(seen)) == 4
    found = numbers(rooms, this_year())
    assert found == list(range(1, len(found) + 1))
    assert {number for _, number in seen} <= set(found)
    shows(
        f"{len(made)} payments of 8 fates: {counts['postings']} postings, {counts['sections']} "
        f"sections on {counts['receipts']} receipts; {len(found)} numbers, 0 gaps, 0 repeats"
    )


def _settle(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, made: dict[str, list[Bill]]
) -> None:
    """Run the jobs until no item of a payment that was made waits for its biller or its refund."""
    busy = {"due", "unknown", "rejected", "refunding"}
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        run_jobs(rooms)
        states = {item["status"] for one in made for item in read(client, citizen, one)["items"]}
        if not states & busy:
            return
