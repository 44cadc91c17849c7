"""Refunds by people: one asks, another decides, and never a fen goes back too much."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import errors
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.core.events import EventLog
from app.factory import Rooms
from app.ledger.models import LedgerEntry, LedgerTransaction
from app.payments.gateway import SEARCH_LAG
from app.payments.models import PaymentAttempt, PaymentItem, Refund
from app.sdk.registry import Registry
from tests.conftest import World
from tests.factories import Citizen, bearer, later, run_jobs, staff_token
from tests.journeys.house import wait_until
from tests.payments.helpers import (
    Bill,
    confirm,
    deliver,
    make_bill,
    new_key,
    order,
    pay,
    read,
    start,
    stripe_control,
)
from tests.payments.test_close import tick
from tests.payments.test_fulfil import behaving, money_in, run_until
from tests.payments.test_settle import assert_balanced

DAY = 86_400


@dataclass
class Desk:
    """Two members of staff with the same powers."""

    one: dict[str, str]
    two: dict[str, str]


@pytest.fixture
def desk(rooms: Rooms) -> Desk:
    """Return two finance officers."""
    return Desk(*(bearer(staff_token(rooms, "finance")) for _ in range(2)))


def wish(payment: dict[str, Any], amount: int | None = None, **more: object) -> dict[str, Any]:
    """Return the body that asks a payment's first item back."""
    body: dict[str, Any] = {
        "item_id": payment["items"][0]["id"],
        "reason": "wrong-amount",
        "client_reference": new_key(),
        **more,
    }
    return body if amount is None else {**body, "amount": amount}


def ask(
    client: FlaskClient, who: dict[str, str], payment: dict[str, Any], body: dict[str, Any]
) -> TestResponse:
    """Ask for a refund as staff."""
    return client.post(
        "/v1/refunds",
        json={"payment_id": payment["id"], **body},
        headers={**who, "Idempotency-Key": new_key()},
    )


def decide(
    client: FlaskClient, who: dict[str, str], refund_id: str, what: str = "approval"
) -> TestResponse:
    """Approve, decline or retry a refund."""
    body = {"reason": "owed"} if what == "refusal" else None
    return client.post(f"/v1/refunds/{refund_id}/{what}", json=body, headers=who)


def give_back(
    client: FlaskClient,
    rooms: Rooms,
    desk: Desk,
    payment: dict[str, Any],
    amount: int | None = None,
) -> str:
    """Ask, approve and send: return the refund's id."""
    asked = ask(client, desk.one, payment, wish(payment, amount))
    assert asked.status_code == 201, asked.text
    approved = decide(client, desk.two, asked.json["id"])
    assert approved.status_code == 200, approved.text
    run_jobs(rooms)
    return str(asked.json["id"])


def case(client: FlaskClient, desk: Desk, refund_id: str) -> dict[str, Any]:
    """Return a refund as the desk sees it."""
    answer = client.get(f"/v1/refunds/{refund_id}", headers=desk.one)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def refunds_at_stripe(world: World, rooms: Rooms, payment_id: str) -> list[dict[str, Any]]:
    """Return what Stripe has sent back of a payment."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        intent = uow.scalar(
            select(PaymentAttempt.intent_id).where(PaymentAttempt.payment_id == payment_id)
        )
    found = stripe_get(world, f"/v1/refunds?payment_intent={intent}&limit=100")
    items: list[dict[str, Any]] = found["data"]
    return items


def stripe_get(world: World, path: str) -> dict[str, Any]:
    """Read from the sandbox Stripe as we do."""
    request = Request(  # noqa: S310 - loopback
        world.stripe + path, headers={"Authorization": f"Bearer {world.env['STRIPE_API_KEY']}"}
    )
    with urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
        body: dict[str, Any] = json.loads(answer.read())
    return body


def kinds(client: FlaskClient, citizen: Citizen) -> list[str]:
    """Return what a citizen was told, oldest first."""
    inbox = client.get("/v1/me/inbox", headers=citizen.auth).json["items"]
    return [message["kind"] for message in reversed(inbox)]


@pytest.fixture
def bill(client: FlaskClient, world: World, citizen: Citizen) -> Bill:
    """Return a bill of the citizen."""
    return make_bill(client, world, citizen)


@pytest.fixture
def paid(client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill) -> dict[str, Any]:
    """Return a payment of one item that its biller has."""
    return pay(client, rooms, citizen, bill)


def test_a_citizen_asks_and_staff_approve(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    bill: Bill,
    paid: dict[str, Any],
    desk: Desk,
) -> None:
    path = f"/v1/payments/{paid['id']}/refunds"
    asked = client.post(
        path, json=wish(paid), headers={**citizen.auth, "Idempotency-Key": new_key()}
    )
    assert asked.status_code == 201, asked.text
    assert (asked.json["status"], asked.json["amount"]) == ("requested", 4250)
    run_jobs(rooms)
    assert refunds_at_stripe(world, rooms, paid["id"]) == []
    assert read(client, citizen, paid["id"])["items"][0]["status"] == "fulfilled"
    # Of this payment: what others have asked for before may be more than a page.
    waiting = f"/v1/refunds?status=requested&payment_id={paid['id']}"
    items = client.get(waiting, headers=desk.one).json["items"]
    assert [refund["id"] for refund in items] == [asked.json["id"]]
    approved = decide(client, desk.one, asked.json["id"])
    assert (approved.status_code, approved.json["status"]) == (200, "approved")
    assert approved.json["requested_by"] == f"citizen:{citizen.id}"
    run_jobs(rooms)
    seen = read(client, citizen, paid["id"])
    assert (seen["status"], seen["refunded_amount"]) == ("succeeded", 4250)
    assert [(i["status"], i["refunded_amount"]) for i in seen["items"]] == [("refunded", 4250)]
    assert [r["amount"] for r in refunds_at_stripe(world, rooms, paid["id"])] == [4250]
    assert [r["status"] for r in client.get(path, headers=citizen.auth).json["items"]] == [
        "succeeded"
    ]
    # Each is told by a job of its own, and they run beside each other.
    told = ["receipt-reversed", "refund-approved", "refund-succeeded"]
    assert sorted(kinds(client, citizen)[-3:]) == told
    assert_balanced(client, rooms)
    again = start(client, citizen, order(bill))  # its biller keeps it as paid: so do we
    assert (again.status_code, again.json["code"]) == (409, "already-paid")


def test_nobody_decides_their_own_request(
    client: FlaskClient, rooms: Rooms, paid: dict[str, Any], desk: Desk, world: World
) -> None:
    asked = ask(client, desk.one, paid, wish(paid)).json
    for what in ("approval", "refusal"):
        refused = decide(client, desk.one, asked["id"], what)
        assert (refused.status_code, refused.json["code"]) == (403, "refund-own-request")
    run_jobs(rooms)
    assert case(client, desk, asked["id"])["status"] == "requested"
    assert refunds_at_stripe(world, rooms, paid["id"]) == []


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("decided_by = requested_by, status = 'approved'", "four_eyes"),
        ("status = 'approved'", "decided"),
        ("status = 'submitted'", "decided"),
        ("decided_by = 'staff:another'", "decided"),
        ("amount = 0", "amount"),
    ],
)
def test_postgresql_asks_for_two_people(
    client: FlaskClient,
    world: World,
    paid: dict[str, Any],
    desk: Desk,
    change: str,
    constraint: str,
) -> None:
    asked = ask(client, desk.one, paid, wish(paid)).json
    url = world.env["DATABASE_URL"].replace("+psycopg", "")
    with (
        psycopg.connect(url) as raw,
        pytest.raises(errors.CheckViolation, match=f"ck_refunds_{constraint}"),
    ):
        raw.execute(f"update refunds set {change} where id = %s", (asked["id"],))  # noqa: S608


@pytest.mark.parametrize(
    "change",
    [
        "refunded_amount = amount + 1",
        "refunding_amount = amount, refunded_amount = 1",
        "refunding_amount = -1",
        "status = 'refunded'",
        "is_live = false",
    ],
)
def test_postgresql_bounds_what_goes_back_of_an_item(
    world: World, paid: dict[str, Any], change: str
) -> None:
    url = world.env["DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as raw, pytest.raises(errors.CheckViolation):
        raw.execute(
            f"update payment_items set {change} where payment_id = %s",  # noqa: S608
            (paid["id"],),
        )


def test_a_declined_request_moves_nothing_and_says_why(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    paid: dict[str, Any],
    desk: Desk,
) -> None:
    path = f"/v1/payments/{paid['id']}/refunds"
    asked = client.post(
        path, json=wish(paid), headers={**citizen.auth, "Idempotency-Key": new_key()}
    ).json
    declined = decide(client, desk.one, asked["id"], "refusal")
    assert (declined.status_code, declined.json["status"]) == (200, "declined")
    assert decide(client, desk.one, asked["id"], "refusal").status_code == 200
    late = decide(client, desk.two, asked["id"])
    assert (late.status_code, late.json["code"]) == (409, "refund-decided")
    run_jobs(rooms)
    (seen,) = client.get(path, headers=citizen.auth).json["items"]
    assert (seen["status"], seen["declined_because"]) == ("declined", "owed")
    assert kinds(client, citizen)[-1] == "refund-declined"
    assert refunds_at_stripe(world, rooms, paid["id"]) == []
    assert read(client, citizen, paid["id"])["refunded_amount"] == 0


def test_parts_of_an_item_go_back_until_nothing_is_left(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    paid: dict[str, Any],
    desk: Desk,
) -> None:
    give_back(client, rooms, desk, paid, 1000)
    seen = read(client, citizen, paid["id"])
    assert (seen["items"][0]["status"], seen["items"][0]["refunded_amount"]) == ("fulfilled", 1000)
    too_much = ask(client, desk.one, paid, wish(paid, 3251))
    assert (too_much.status_code, too_much.json["code"]) == (409, "refund-exceeds-available")
    assert too_much.json["available"] == 3250
    give_back(client, rooms, desk, paid, 3000)
    give_back(client, rooms, desk, paid)
    seen = read(client, citizen, paid["id"])
    assert (seen["items"][0]["status"], seen["refunded_amount"]) == ("refunded", 4250)
    assert sorted(r["amount"] for r in refunds_at_stripe(world, rooms, paid["id"])) == [
        250,
        1000,
        3000,
    ]
    nothing = ask(client, desk.one, paid, wish(paid, 1))
    assert (nothing.status_code, nothing.json["code"]) == (409, "item-not-refundable")
    assert_balanced(client, rooms)


def test_an_amount_that_is_out_of_date_is_refused(
    client: FlaskClient, rooms: Rooms, paid: dict[str, Any], desk: Desk
) -> None:
    give_back(client, rooms, desk, paid, 1000)
    stale = ask(client, desk.one, paid, wish(paid, 500, expected_available=4250))
    assert (stale.status_code, stale.json["code"]) == (409, "refund-amount-stale")
    assert stale.json["available"] == 3250
    assert ask(client, desk.one, paid, wish(paid, 500, expected_available=3250)).status_code == 201


def test_the_same_reference_is_the_same_request(
    client: FlaskClient, rooms: Rooms, paid: dict[str, Any], desk: Desk
) -> None:
    body = wish(paid, 1000)
    first, second = (ask(client, who, paid, body) for who in (desk.one, desk.two))
    assert first.json["id"] == second.json["id"]
    other = ask(client, desk.one, paid, {**body, "amount": 1001})
    assert (other.status_code, other.json["code"]) == (409, "refund-differs")
    for _ in range(3):
        assert decide(client, desk.two, first.json["id"]).status_code == 200
        run_jobs(rooms)
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = select(func.count()).where(Refund.payment_id == paid["id"])
        assert uow.scalar(rows) == 1


def test_requests_that_together_are_too_much_are_refused_when_approved(
    client: FlaskClient, world: World, rooms: Rooms, paid: dict[str, Any], desk: Desk
) -> None:
    asked = [ask(client, desk.one, paid, wish(paid, 2500)).json["id"] for _ in range(2)]
    answers = [decide(client, desk.two, refund_id) for refund_id in asked]
    assert [a.status_code for a in answers] == [200, 409]
    assert answers[1].json["code"] == "refund-exceeds-available"
    run_jobs(rooms)
    assert [r["amount"] for r in refunds_at_stripe(world, rooms, paid["id"])] == [2500]
    assert case(client, desk, asked[1])["status"] == "requested"


def test_a_department_asks_for_its_own_services_only(
    client: FlaskClient, rooms: Rooms, paid: dict[str, Any]
) -> None:
    service = next(s for s in rooms.deps[Registry].services.values() if s.id == "water-bill")
    theirs = bearer(staff_token(rooms, "department-operator", service.department))
    others = bearer(staff_token(rooms, "department-operator", "another-department"))
    nobodys = bearer(staff_token(rooms, "department-operator"))
    for who in (others, nobodys):
        refused = ask(client, who, paid, wish(paid))
        assert (refused.status_code, refused.json["code"]) == (403, "refund-other-department")
    asked = ask(client, theirs, paid, wish(paid))
    assert asked.status_code == 201, asked.text
    assert decide(client, theirs, asked.json["id"]).status_code == 403


def test_an_item_whose_biller_is_being_told_cannot_be_asked_back(
    client: FlaskClient, world: World, citizen: Citizen, bill: Bill, desk: Desk
) -> None:
    payment = read(client, citizen, money_in(client, world, citizen, bill))
    refused = ask(client, desk.one, payment, wish(payment))
    assert (refused.status_code, refused.json["code"]) == (409, "item-not-refundable")


def test_an_item_under_review_goes_back_as_a_whole(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, desk: Desk
) -> None:
    bill = make_bill(client, world, citizen, "gas-bill")
    payment_id = money_in(client, world, citizen, bill)
    with behaving(world, "gas-bill", "answer_lost"):
        run_jobs(rooms)
    run_until(client, rooms, citizen, payment_id, "under_review")
    payment = read(client, citizen, payment_id)
    part = ask(client, desk.one, payment, wish(payment, 1))
    assert (part.status_code, part.json["code"]) == (409, "refund-exceeds-available")
    give_back(client, rooms, desk, payment)
    assert read(client, citizen, payment_id)["items"][0]["status"] == "refunded"


def pay_with(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, card: str
) -> dict[str, Any]:
    """Pay a fresh bill with a test card."""
    started = start(client, citizen, order(make_bill(client, world, citizen))).json
    confirm(started, card)
    deliver(client, started)
    run_jobs(rooms)
    return read(client, citizen, started["id"])


@pytest.mark.parametrize("amount", [1000, 4250])
def test_a_refund_that_comes_back_is_owed_still_and_tried_again(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, desk: Desk, amount: int
) -> None:
    """Stripe says succeeded, and a day later failed: the money is ours again, and owed."""
    payment = pay_with(client, world, rooms, citizen, "pm_card_visa")
    refund_id = give_back(client, rooms, desk, payment, amount)
    assert case(client, desk, refund_id)["status"] == "succeeded"
    (theirs,) = refunds_at_stripe(world, rooms, payment["id"])
    stripe_control(world, "POST", f"/refunds/{theirs['id']}/settle", {"as": "failed"})
    with later(DAY + 60):
        tick(rooms)
    assert case(client, desk, refund_id)["status"] == "reversed"
    seen = read(client, citizen, payment["id"])
    whole = amount == 4250
    assert seen["refunded_amount"] == seen["items"][0]["refunded_amount"] == 0
    assert seen["items"][0]["status"] == ("under_review" if whole else "fulfilled")
    assert kinds(client, citizen)[-1] == "refund-delayed"
    path = f"/v1/payments/{payment['id']}/refunds"
    assert client.get(path, headers=citizen.auth).json["items"][0]["status"] == "under_review"
    assert booked(rooms, payment["id"], "refund.reversed") == [-amount, amount]
    assert_balanced(client, rooms)
    again = decide(client, desk.one, refund_id, "retry")
    assert (again.status_code, again.json["amount"]) == (200, amount)
    assert decide(client, desk.two, refund_id, "retry").json["id"] == again.json["id"]
    run_jobs(rooms)
    seen = read(client, citizen, payment["id"])
    assert seen["refunded_amount"] == amount
    assert seen["items"][0]["status"] == ("refunded" if whole else "fulfilled")
    assert len(refunds_at_stripe(world, rooms, payment["id"])) == 2
    assert_balanced(client, rooms)


def booked(rooms: Rooms, payment_id: str, kind: str) -> list[int]:
    """Return the lines of a payment's bookings of a kind, in order of their amounts."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return sorted(
            uow.scalars(
                select(LedgerEntry.amount)
                .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
                .where(LedgerTransaction.subject_id == payment_id, LedgerTransaction.kind == kind)
            )
        )


def test_a_refund_that_stripe_refuses_fails_and_is_tried_again_by_staff(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    paid: dict[str, Any],
    desk: Desk,
) -> None:
    asked = ask(client, desk.one, paid, wish(paid)).json
    decide(client, desk.two, asked["id"])
    with rooms.units.open(actor="test") as uow:
        attempt = uow.scalars(
            select(PaymentAttempt).where(PaymentAttempt.payment_id == paid["id"])
        ).one()
        intent, attempt.intent_id = attempt.intent_id, "pi_nobody_knows"
    run_jobs(rooms)
    assert case(client, desk, asked["id"])["status"] == "failed"
    assert read(client, citizen, paid["id"])["items"][0]["status"] == "refund_failed"
    assert sorted(kinds(client, citizen)[-2:]) == ["refund-approved", "refund-delayed"]
    early = decide(client, desk.two, asked["id"])
    assert early.status_code == 200  # what one has approved is approved
    with rooms.units.open(actor="test") as uow:
        attempt = uow.get_one(PaymentAttempt, attempt.id)
        assert attempt.refunded_amount == 0
        attempt.intent_id = intent
    assert decide(client, desk.one, asked["id"], "retry").status_code == 200
    run_jobs(rooms)
    seen = read(client, citizen, paid["id"])
    assert (seen["items"][0]["status"], seen["refunded_amount"]) == ("refunded", 4250)
    path = entity_path(rooms, seen["items"][0]["id"])
    assert path[-4:] == ["refunding", "refund_failed", "refunding", "refunded"]
    refused = decide(client, desk.one, case(client, desk, asked["id"])["id"], "retry")
    assert refused.status_code == 200  # the same failure, the same second try
    assert len(refunds_at_stripe(world, rooms, paid["id"])) == 1
    assert_balanced(client, rooms)


def test_a_refund_whose_failure_the_gateway_repeats_is_sent_anew_by_staff(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    paid: dict[str, Any],
    desk: Desk,
) -> None:
    """The gateway keeps a 500 under our key for a day; its list of refunds knows of none."""
    fault = {"operation": "refunds.create", "kind": "error_kept", "times": 1}
    stripe_control(world, "PUT", "/faults", fault)
    asked = give_back(client, rooms, desk, paid)
    with later(SEARCH_LAG.seconds + 1):
        wait_until(lambda: tried(client, rooms, desk, asked), lambda status: status == "failed")
    assert refunds_at_stripe(world, rooms, paid["id"]) == []
    assert decide(client, desk.one, asked, "retry").status_code == 200
    run_jobs(rooms)
    seen = read(client, citizen, paid["id"])
    assert (seen["items"][0]["status"], seen["refunded_amount"]) == ("refunded", 4250)
    assert len(refunds_at_stripe(world, rooms, paid["id"])) == 1
    assert_balanced(client, rooms)


def tried(client: FlaskClient, rooms: Rooms, desk: Desk, refund_id: str) -> str:
    """Run the retries that are due, which are spread over seconds; return the refund's status."""
    run_jobs(rooms)
    return str(case(client, desk, refund_id)["status"])


def entity_path(rooms: Rooms, entity_id: str) -> list[str]:
    """Return the states a record has been in."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return list(
            uow.scalars(
                select(EventLog.to_state)
                .where(EventLog.entity_id == entity_id)
                .order_by(EventLog.sequence)
            )
        )


def test_somebody_elses_payment_looks_like_none(
    client: FlaskClient, rooms: Rooms, stranger: Citizen, paid: dict[str, Any]
) -> None:
    path = f"/v1/payments/{paid['id']}/refunds"
    headers = {**stranger.auth, "Idempotency-Key": new_key()}
    assert client.post(path, json=wish(paid), headers=headers).status_code == 404
    assert client.get(path, headers=stranger.auth).status_code == 404
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert uow.scalar(select(func.count()).where(Refund.payment_id == paid["id"])) == 0
        item = uow.scalars(select(PaymentItem).where(PaymentItem.payment_id == paid["id"])).one()
        assert item.refunding_amount == 0


def test_a_person_confirms_what_the_biller_cannot_be_asked(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, desk: Desk
) -> None:
    bill = make_bill(client, world, citizen, "gas-bill")
    payment_id = money_in(client, world, citizen, bill)
    with behaving(world, "gas-bill", "answer_lost"):
        run_jobs(rooms)
    run_until(client, rooms, citizen, payment_id, "under_review")
    item = read(client, citizen, payment_id)["items"][0]["id"]
    waiting = client.get("/v1/item-reviews?limit=100", headers=desk.one).json["items"]
    assert item in [review["id"] for review in waiting]
    said = {"biller_reference": "GAS-1", "fulfilled_at": "2026-11-28T10:00:00+08:00"}
    for _ in range(2):
        answer = client.post(f"/v1/item-reviews/{item}/confirmation", json=said, headers=desk.one)
        assert (answer.status_code, answer.json["status"]) == (200, "fulfilled")
    other = {**said, "biller_reference": "GAS-2"}
    refused = client.post(f"/v1/item-reviews/{item}/confirmation", json=other, headers=desk.one)
    assert (refused.status_code, refused.json["code"]) == (409, "not-under-review")
    run_jobs(rooms)
    seen = read(client, citizen, payment_id)
    assert seen["items"][0]["biller_reference"] == "GAS-1"
    assert seen["receipt_code"] is not None
