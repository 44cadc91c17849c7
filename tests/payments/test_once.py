"""Once, whatever happens: races for one bill, lost answers, late money, events in any order."""

import itertools
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.clock import now
from app.factory import Rooms
from app.payments.models import BillerPosting, Payment, PaymentAttempt, PaymentItem, Refund
from app.payments.service.settle import end_payment
from app.payments.values import AttemptStatus, PaymentStatus
from app.receipts.models import Receipt
from tests.conftest import World
from tests.factories import Citizen, later, log_in, run_jobs
from tests.live import Live, at_once
from tests.payments.helpers import (
    Bill,
    confirm,
    deliver,
    intents_of,
    make_bill,
    new_key,
    order,
    postings,
    read,
    signed_event,
    start,
    stripe_control,
)
from tests.payments.test_close import believe_too_early, tick
from tests.payments.test_refunds import Desk, ask, decide, desk, refunds_at_stripe, wish
from tests.payments.test_settle import WEBHOOKS, assert_balanced, assert_paid_once

__all__ = ["desk"]
DAY = 86_400
LIFETIME = 900
PAYERS = 20
KINDS = (
    "payment_intent.created",
    "payment_intent.requires_action",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
)
PER_CITIZEN = 8  # payments of one citizen within a minute


def link(client: FlaskClient, citizen: Citizen, bill: Bill) -> None:
    """Let another citizen pay the bills of an account, too."""
    linked = client.post(
        "/v1/utilities/accounts",
        json={"biller": bill.biller, "number": bill.account, "holder_name": "张三"},
        headers=citizen.auth,
    )
    assert linked.status_code == 201, linked.text
    listed = client.get("/v1/utilities/bills?status=open&limit=100", headers=citizen.auth)
    assert bill.reference in [found["reference"] for found in listed.json["items"]]


def refunds_of(rooms: Rooms, payment_id: str) -> list[tuple[int, str]]:
    """Return the refunds of a payment, with their states."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.scalars(select(Refund).where(Refund.payment_id == payment_id)).all()
        return [(row.amount, row.status) for row in rows]


@pytest.mark.promise("P03")
def test_one_bill_is_paid_once_whoever_races_for_it(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    live: Live,
    shows: Callable[[str], None],
) -> None:
    """Twenty devices of four citizens race; then two payments of the bill are paid all the same."""
    citizens = [log_in(client, world, rooms) for _ in range(4)]
    bill = make_bill(client, world, citizens[0])
    for citizen in citizens[1:]:
        link(client, citizen, bill)

    def race(citizen: Citizen) -> tuple[Citizen, int, dict[str, Any]]:
        headers = {**citizen.auth, "Idempotency-Key": new_key()}
        answer = live.post("/v1/payments", order(bill), headers)
        return citizen, answer.status, json.loads(answer.body)

    answers = at_once([lambda c=c: race(c) for c in citizens * (PAYERS // 4)])
    made = [(citizen, body) for citizen, status, body in answers if status == 201]
    assert len(made) == 1
    assert {body["code"] for _, status, body in answers if status != 201} <= {
        "payment-in-progress",
        "crowded",
        "unavailable",
    }
    ((first, one),) = made
    believe_too_early(rooms, one["id"])
    second = next(citizen for citizen in citizens if citizen.id != first.id)
    two = start(client, second, order(bill)).json
    for payment in (one, two):
        assert confirm(payment)["status"] == "succeeded"
    for payment in (one, two):
        deliver(client, payment)
        run_jobs(rooms)
    assert read(client, second, two["id"])["items"][0]["status"] == "fulfilled"
    assert read(client, first, one["id"])["status"] == "cancelled"
    assert refunds_of(rooms, one["id"]) == [(4250, "succeeded")]
    assert refunds_of(rooms, two["id"]) == []
    assert [p["effective"] for p in postings(world, bill)] == [True]
    assert_paid_once(rooms, two["id"])
    assert_balanced(client, rooms)
    shows(f"{PAYERS} devices raced one bill: 1 accepted; 2 paid: 1 posted, 1 refunded in full")


OPENINGS = ("drop_before", "drop", "error_before", "error_after", "rate_limit")


@pytest.mark.promise("P05")
def test_an_answer_that_was_lost_is_asked_for(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    desk: Desk,
    shows: Callable[[str], None],
) -> None:
    """The gateway acts or not and does not say so: the schedule asks, and there is one intent."""
    paid = []
    for kind in OPENINGS:
        bill = make_bill(client, world, citizen)
        with failing(world, "payment_intents.create", kind):
            payment = start(client, citizen, order(bill)).json
        assert attempt_states(rooms, payment["id"]) in (["unknown"], ["open"]), kind
        with later(60):
            tick(rooms)
        assert attempt_states(rooms, payment["id"]) == ["open"], kind
        payment = read(client, citizen, payment["id"])
        assert confirm(payment)["status"] == "succeeded"
        with failing(world, "payment_intents.retrieve", kind), later(120):
            tick(rooms)
        with later(600):
            tick(rooms)
        assert read(client, citizen, payment["id"])["status"] == "succeeded", kind
        assert len(intents_of(world, payment["id"])) == 1, kind
        assert_paid_once(rooms, payment["id"])
        paid.append(payment)
    for kind, payment in zip(OPENINGS, paid, strict=True):
        asked = ask(client, desk.one, payment, wish(payment)).json
        assert decide(client, desk.two, asked["id"]).status_code == 200
        with failing(world, "refunds.create", kind):
            run_jobs(rooms)
        deadline = time.monotonic() + 60
        while refunds_of(rooms, payment["id"]) != [(4250, "succeeded")]:
            assert time.monotonic() < deadline, (kind, refunds_of(rooms, payment["id"]))
            run_jobs(rooms)
            time.sleep(0.05)
        sent = refunds_at_stripe(world, rooms, payment["id"])
        assert [refund["amount"] for refund in sent] == [4250], kind
    assert_balanced(client, rooms)
    shows(
        f"{len(OPENINGS)} ways to lose an answer x openings, questions and refunds: "
        f"{3 * len(OPENINGS)} resolved by asking, 0 duplicates"
    )


class failing:  # noqa: N801 - reads as a phrase
    """Let two calls of an operation fail at Stripe: one, and its retry by the library."""

    def __init__(self, world: World, operation: str, kind: str) -> None:
        self._world = world
        self._fault = {"operation": operation, "kind": kind, "times": 2}

    def __enter__(self) -> None:
        stripe_control(self._world, "PUT", "/faults", self._fault)

    def __exit__(self, *_: object) -> None:
        stripe_control(self._world, "DELETE", "/faults")


def attempt_states(rooms: Rooms, payment_id: str) -> list[str]:
    """Return the states of a payment's attempts."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = select(PaymentAttempt.status).where(PaymentAttempt.payment_id == payment_id)
        return list(uow.scalars(found.order_by(PaymentAttempt.number)))


HEAD_STARTS = (0, 0.05, 0.2, 0.4)
LATE = (1, 60, 3_600, DAY, 3 * DAY)


@pytest.mark.promise("P09")
def test_money_that_comes_late_goes_back_by_itself(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    live: Live,
    shows: Callable[[str], None],
) -> None:
    late = []
    for seconds in LATE:
        bill = make_bill(client, world, citizen)
        payment = start(client, citizen, order(bill)).json
        close_without_asking(rooms, payment["id"])
        confirm(payment)
        with later(LIFETIME + seconds):
            raw, headers = signed_event(
                "payment_intent.succeeded",
                {"id": payment["next_action"]["intent"]},
                at=int(now().timestamp()),
            )
            assert client.post(WEBHOOKS, data=raw, headers=headers).status_code == 204
            run_jobs(rooms)
        assert refunds_of(rooms, payment["id"]) == [(4250, "succeeded")], seconds
        assert postings(world, bill) == []
        late.append(payment)
    outcomes = [
        race_of_cancel_and_confirm(client, world, rooms, live, behind) for behind in HEAD_STARTS
    ]
    assert_balanced(client, rooms)
    paid = outcomes.count("succeeded")
    shows(
        f"{len(late)} payments paid 1 s to 3 days after their end: {len(late)} refunded once, "
        f"biller never told; {len(outcomes)} races of cancelling and paying: {paid} paid, "
        f"{len(outcomes) - paid} cancelled, 0 in between"
    )


def close_without_asking(rooms: Rooms, payment_id: str) -> None:
    """Expire a payment as if the gateway had said that no money comes, while its intent lives."""
    with rooms.units.open(actor="test") as uow:
        attempt = uow.scalars(
            select(PaymentAttempt).where(PaymentAttempt.payment_id == payment_id)
        ).one()
        uow.move(attempt, AttemptStatus.CANCELLED, cause="test")
        attempt.next_ask_at = None
        payment = uow.get_one(Payment, attempt.payment_id)
        end_payment(uow, payment, PaymentStatus.EXPIRED, cause="test")


def race_of_cancel_and_confirm(
    client: FlaskClient, world: World, rooms: Rooms, live: Live, behind: float
) -> str:
    """Cancel, and pay so many seconds later; return how it ended, once it is sure to be sound."""
    payer = log_in(client, world, rooms)
    bill = make_bill(client, world, payer)
    payment = start(client, payer, order(bill)).json
    path = f"/v1/payments/{payment['id']}/cancellation"

    def cancel() -> int:
        return live.call("POST", path, headers=payer.auth).status

    def pay() -> object:
        time.sleep(behind)
        return confirm(payment).get("status")

    cancelled, paid = at_once([cancel, pay])
    deliver(client, payment)
    run_jobs(rooms)
    seen = read(client, payer, payment["id"])
    (intent,) = intents_of(world, payment["id"])
    if seen["status"] == "succeeded":
        assert (cancelled, paid, intent["status"]) == (409, "succeeded", "succeeded")
        assert_paid_once(rooms, payment["id"])
        assert refunds_of(rooms, payment["id"]) == []
    else:
        assert seen["status"] == "cancelled"
        returned = [(4250, "succeeded")] if intent["status"] == "succeeded" else []
        assert refunds_of(rooms, payment["id"]) == returned
        assert postings(world, bill) == []
    return str(seen["status"])


@pytest.mark.promise("P15")
def test_an_event_that_comes_fifty_times_has_one_effect(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    live: Live,
    shows: Callable[[str], None],
) -> None:
    """At once, one after the other, and again after three and thirty days, signed anew."""
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    confirm(payment)
    about = {"id": payment["next_action"]["intent"]}
    name = f"evt_{payment['id']}"
    raw, headers = signed_event("payment_intent.succeeded", about, event_id=name)
    again = [lambda: live.call("POST", WEBHOOKS, body=raw, headers=headers).status] * 10
    statuses = [status for _ in range(5) for status in at_once(again)]
    run_jobs(rooms)
    for days in (3, 30):
        with later(days * DAY):
            stamp = int(now().timestamp())
            raw, headers = signed_event("payment_intent.succeeded", about, event_id=name, at=stamp)
            statuses.append(client.post(WEBHOOKS, data=raw, headers=headers).status_code)
            run_jobs(rooms)
    assert set(statuses) == {204}
    assert_paid_once(rooms, payment["id"])
    assert [p["effective"] for p in postings(world, bill)] == [True]
    assert refunds_of(rooms, payment["id"]) == []
    assert_balanced(client, rooms)
    shows(f"one event delivered {len(statuses)} times, over 30 days: always 204, 1 effect")


@pytest.mark.promise("P16")
@pytest.mark.parametrize("most", [2, pytest.param(5, marks=pytest.mark.timed)])
def test_events_in_any_order_end_the_same(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    most: int,
    shows: Callable[[str], None],
) -> None:
    """Every arrangement of up to five kinds of events, each on a payment of its own."""
    orders = [kinds for size in range(1, most + 1) for kinds in itertools.permutations(KINDS, size)]
    payments: list[dict[str, Any]] = []
    for number in range(len(orders)):
        if number % PER_CITIZEN == 0:
            payer = log_in(client, world, rooms)
        payment = start(client, payer, order(make_bill(client, world, payer))).json
        confirm(payment)
        payments.append(payment)
    for place in range(most):
        for kinds, payment in zip(orders, payments, strict=True):
            if place < len(kinds):
                deliver(client, payment, kinds[place])
        run_jobs(rooms)
    ends = {end_of(rooms, payment["id"]) for payment in payments}
    assert ends == {("succeeded", ("fulfilled",), 4250, 0, 1, 1)}
    assert_balanced(client, rooms)
    shows(f"{len(orders)} arrangements of up to {most} of {len(KINDS)} events: 1 final state")


def end_of(rooms: Rooms, payment_id: str) -> tuple[str, Sequence[str], int, int, int, int]:
    """Return where a payment, its items, money, notices and receipts have ended."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        payment = uow.get_one(Payment, payment_id)
        items = uow.scalars(select(PaymentItem).where(PaymentItem.payment_id == payment_id)).all()
        captured = select(func.sum(PaymentAttempt.captured_amount)).where(
            PaymentAttempt.payment_id == payment_id
        )
        posted = select(func.count()).where(BillerPosting.item_id.in_([i.id for i in items]))
        receipts = select(func.count()).where(Receipt.payment_id == payment_id)
        return (
            payment.status,
            tuple(item.status for item in items),
            int(uow.scalars(captured).one()),
            payment.refunded_amount,
            uow.scalars(posted).one(),
            uow.scalars(receipts).one(),
        )
