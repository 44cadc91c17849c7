"""Disputes: learnt by asking, held back from refunds, and released or written off."""

from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors
from sqlalchemy import select

from app.factory import Rooms
from app.payments.models import Dispute, PaymentAttempt, PaymentItem
from app.payments.service.dispute import share
from tests.conftest import World
from tests.factories import Citizen, later, run_jobs
from tests.payments.helpers import confirm, make_bill, order, read, start, stripe_control
from tests.payments.test_close import tick
from tests.payments.test_fulfil import behaving, run_until
from tests.payments.test_refunds import (
    Desk,
    ask,
    booked,
    case,
    decide,
    desk,
    give_back,
    kinds,
    pay_with,
    refunds_at_stripe,
    wish,
)
from tests.payments.test_settle import assert_balanced
from tests.payments.webhooks import deliver_about

__all__ = ["desk"]
HOUR = 3_600


def intent_of(rooms: Rooms, payment_id: str) -> str:
    """Return the intent that paid a payment."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = select(PaymentAttempt.intent_id).where(PaymentAttempt.payment_id == payment_id)
        return str(uow.scalars(found).one())


def dispute(
    client: FlaskClient, world: World, rooms: Rooms, payment_id: str, amount: int | None = None
) -> dict[str, Any]:
    """Let the payer's bank dispute a payment, and Stripe tell us so."""
    intent = intent_of(rooms, payment_id)
    body = {} if amount is None else {"amount": amount}
    made = stripe_control(world, "POST", f"/payment_intents/{intent}/dispute", body)
    deliver_about(client, "charge.dispute.created", made)
    run_jobs(rooms)
    return made


def settle(
    client: FlaskClient, world: World, rooms: Rooms, made: dict[str, Any], outcome: str
) -> None:
    """Let the bank go on with a dispute, and Stripe tell us so."""
    stripe_control(world, "POST", f"/disputes/{made['id']}/settle", {"as": outcome})
    deliver_about(client, "charge.dispute.closed", made)
    run_jobs(rooms)


def held(rooms: Rooms, payment_id: str) -> tuple[int, int]:
    """Return what is disputed, and what is refunded or on its way, of a payment's attempt."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = select(PaymentAttempt).where(PaymentAttempt.payment_id == payment_id)
        attempt = uow.scalars(found).one()
        return attempt.disputed_amount, attempt.refunded_amount


def the_dispute(client: FlaskClient, desk: Desk, made: dict[str, Any]) -> dict[str, Any]:
    """Return a dispute as the desk reads it."""
    items = client.get("/v1/disputes?limit=100", headers=desk.one).json["items"]
    (found,) = [item for item in items if item["gateway_dispute_id"] == made["id"]]
    answer = client.get(f"/v1/disputes/{found['id']}", headers=desk.one)
    assert answer.json == found
    return dict(found)


@pytest.fixture
def paid(client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen) -> dict[str, Any]:
    """Return a payment of one item that its biller has."""
    return pay_with(client, world, rooms, citizen, "pm_card_visa")


def test_what_is_disputed_is_held_and_cannot_be_refunded(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    paid: dict[str, Any],
    desk: Desk,
) -> None:
    give_back(client, rooms, desk, paid, 1000)
    before = ask(client, desk.one, paid, wish(paid, 500)).json
    made = dispute(client, world, rooms, paid["id"])
    assert made["amount"] == 3250
    seen = the_dispute(client, desk, made)
    assert (seen["status"], seen["amount"], seen["held_amount"]) == ("needs_response", 3250, 3250)
    assert seen["evidence_due_at"] is not None
    assert held(rooms, paid["id"]) == (3250, 1000)
    for answer in (
        ask(client, desk.one, paid, wish(paid, 1)),
        decide(client, desk.two, before["id"]),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "payment-disputed")
    run_jobs(rooms)
    assert [r["amount"] for r in refunds_at_stripe(world, rooms, paid["id"])] == [1000]
    assert booked(rooms, paid["id"], "dispute.opened") == [-3250, 3250]
    assert kinds(client, citizen)[-1] == "dispute-opened"
    closing = client.get("/v1/me/closure", headers=citizen.auth)
    assert closing.status_code in {200, 404}
    assert_balanced(client, rooms)


@pytest.mark.parametrize("through", [[], ["under_review"]])
def test_a_dispute_that_is_won_gives_everything_free_again(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    paid: dict[str, Any],
    desk: Desk,
    through: list[str],
) -> None:
    made = dispute(client, world, rooms, paid["id"])
    for outcome in [*through, "won"]:
        settle(client, world, rooms, made, outcome)
    assert the_dispute(client, desk, made)["status"] == "won"
    assert held(rooms, paid["id"]) == (0, 0)
    assert booked(rooms, paid["id"], "dispute.won") == [-4250, 4250]
    assert kinds(client, citizen)[-1] == "dispute-closed"
    give_back(client, rooms, desk, paid)
    assert read(client, citizen, paid["id"])["items"][0]["status"] == "refunded"
    assert_balanced(client, rooms)


def test_a_dispute_that_is_lost_is_money_that_can_never_be_refunded(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    paid: dict[str, Any],
    desk: Desk,
) -> None:
    made = dispute(client, world, rooms, paid["id"], 3000)
    settle(client, world, rooms, made, "lost")
    assert the_dispute(client, desk, made)["status"] == "lost"
    assert held(rooms, paid["id"]) == (3000, 0)
    assert (
        sum(amount for amount in booked(rooms, paid["id"], "dispute.lost") if amount < 0) == -3000
    )
    too_much = ask(client, desk.one, paid, wish(paid, 1251))
    assert (too_much.status_code, too_much.json["code"]) == (409, "refund-exceeds-available")
    assert too_much.json["available"] == 1250
    seen = read(client, citizen, paid["id"])
    assert (seen["items"][0]["status"], seen["refunded_amount"]) == ("fulfilled", 0)
    assert_balanced(client, rooms)


def test_a_lost_dispute_is_shared_by_the_items_it_paid(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, desk: Desk
) -> None:
    bills = [
        make_bill(client, world, citizen, "water-bill", 1000),
        make_bill(client, world, citizen, "power-bill", 2000),
    ]
    started = start(client, citizen, order(*bills)).json
    confirm(started)
    with later(60):
        tick(rooms)
    made = dispute(client, world, rooms, started["id"], 100)
    settle(client, world, rooms, made, "lost")
    with rooms.units.open(actor="test", read_only=True) as uow:
        items = uow.scalars(
            select(PaymentItem)
            .where(PaymentItem.payment_id == started["id"])
            .order_by(PaymentItem.amount)
        )
        assert [item.disputed_amount for item in items] == [33, 67]
    assert_balanced(client, rooms)


def test_a_card_that_disputes_by_itself_is_learnt_by_asking_too(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, desk: Desk
) -> None:
    """The event names a dispute of nobody; what counts is what Stripe says of our intent."""
    payment = pay_with(client, world, rooms, citizen, "pm_card_createDispute")
    intent = intent_of(rooms, payment["id"])
    for _ in range(3):
        forged = {"id": "du_nobodys", "object": "dispute", "payment_intent": intent, "amount": 1}
        deliver_about(client, "charge.dispute.created", forged)
        run_jobs(rooms)
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = uow.scalars(select(Dispute).where(Dispute.payment_id == payment["id"])).all()
        assert [(d.amount, d.reason) for d in found] == [(4250, "fraudulent")]
        theirs = found[0].gateway_dispute_id
    stripe_control(world, "POST", f"/disputes/{theirs}/settle", {"as": "won"})
    with later(HOUR + 60):  # and no event about it
        tick(rooms)
    assert held(rooms, payment["id"]) == (0, 0)
    assert booked(rooms, payment["id"], "dispute.opened") == [-4250, 4250]


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_what_a_rule_returns_waits_until_the_dispute_is_decided(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, desk: Desk, outcome: str
) -> None:
    bill = make_bill(client, world, citizen)
    started = start(client, citizen, order(bill)).json
    confirm(started)
    with behaving(world, "water-bill", "down"):
        deliver_about(client, "payment_intent.succeeded", {"id": started["next_action"]["intent"]})
        run_jobs(rooms)
        made = dispute(client, world, rooms, started["id"])
    with behaving(world, "water-bill", "refuse"):
        run_until(client, rooms, citizen, started["id"], "refunding")
    waiting = client.get(f"/v1/refunds?payment_id={started['id']}", headers=desk.one).json["items"]
    assert [(r["status"], r["requested_by"]) for r in waiting] == [("requested", "house")]
    settle(client, world, rooms, made, outcome)
    status = case(client, desk, waiting[0]["id"])["status"]
    seen = read(client, citizen, started["id"])
    if outcome == "won":
        assert (status, seen["refunded_amount"]) == ("succeeded", 4250)
        assert seen["items"][0]["status"] == "refunded"
    else:
        assert (status, seen["refunded_amount"]) == ("declined", 0)
        assert seen["items"][0]["status"] == "under_review"
        assert refunds_at_stripe(world, rooms, started["id"]) == []
    assert_balanced(client, rooms)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("payment_attempts", "refunded_amount = captured_amount - disputed_amount + 1"),
        ("payment_attempts", "disputed_amount = captured_amount + 1"),
        ("payment_items", "disputed_amount = amount + 1"),
        ("payment_items", "disputed_amount = amount, refunding_amount = 1"),
        ("disputes", "held_amount = amount + 1"),
        ("disputes", "status = 'over'"),
    ],
)
def test_postgresql_keeps_refunds_off_what_is_disputed(
    client: FlaskClient, world: World, rooms: Rooms, paid: dict[str, Any], table: str, change: str
) -> None:
    dispute(client, world, rooms, paid["id"])
    url = world.env["DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as raw, pytest.raises(errors.CheckViolation):
        raw.execute(f"update {table} set {change} where payment_id = %s", (paid["id"],))  # noqa: S608


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=20), st.data())
def test_a_loss_is_shared_to_the_last_fen(weights: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    parts = share(amount, weights)
    assert sum(parts) == amount
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))
