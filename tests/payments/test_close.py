"""Ending a payment: the gateway is asked first, and money that comes too late goes back."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.events import EventLog, LegalMove
from app.factory import Rooms
from app.payments import service
from app.payments.models import Payment, PaymentAttempt, PaymentItem, Refund
from app.payments.service import PaymentDeps
from app.payments.service.settle import end_payment
from app.payments.values import AttemptStatus, PaymentStatus
from tests.conftest import World
from tests.factories import Citizen, later, run_jobs
from tests.payments.helpers import (
    confirm,
    deliver,
    intents_of,
    make_bill,
    order,
    postings,
    read,
    start,
    stripe_control,
)
from tests.payments.test_settle import assert_balanced, assert_paid_once

LIFETIME = 900
ENTITIES = [model.ENTITY for model in (Payment, PaymentItem, PaymentAttempt, Refund)]


def tick(rooms: Rooms) -> None:
    """Let the janitor look, and run what it queued."""
    with rooms.units.open(actor="test") as uow:
        service.question_due(uow, rooms.deps[PaymentDeps])
    run_jobs(rooms)


def cancel(client: FlaskClient, citizen: Citizen, payment_id: str) -> tuple[int, dict[str, str]]:
    """Ask to cancel a payment."""
    answer = client.post(f"/v1/payments/{payment_id}/cancellation", headers=citizen.auth)
    return answer.status_code, answer.json


def test_a_cancelled_payment_frees_its_bill(
    client: FlaskClient, world: World, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    status, body = cancel(client, citizen, payment["id"])
    assert (status, body["status"], body["next_action"]) == (200, "cancelled", None)
    assert [i["status"] for i in intents_of(world, payment["id"])] == ["canceled"]
    assert cancel(client, citizen, payment["id"])[0] == 200
    assert start(client, citizen, order(bill)).status_code == 201


def test_a_payment_whose_money_came_cannot_be_cancelled(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    confirm(payment)  # and no webhook
    status, body = cancel(client, citizen, payment["id"])
    assert (status, body["code"]) == (409, "payment-not-pending")
    run_jobs(rooms)
    assert read(client, citizen, payment["id"])["status"] == "succeeded"
    assert_paid_once(rooms, payment["id"])


def test_a_gateway_that_does_not_answer_leaves_the_payment_as_it_is(
    client: FlaskClient, world: World, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    fault = {"operation": "payment_intents.retrieve", "kind": "error_before", "times": 2}
    stripe_control(world, "PUT", "/faults", fault)
    try:
        status, body = cancel(client, citizen, payment["id"])
    finally:
        stripe_control(world, "DELETE", "/faults")
    assert (status, body["code"]) == (503, "gateway-unavailable")
    assert read(client, citizen, payment["id"])["status"] == "pending"


def test_another_method_cancels_the_first_intent(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    answer = client.post(
        f"/v1/payments/{payment['id']}/attempts",
        json={"method": "alipay", "return_url": "https://app.example/"},
        headers=citizen.auth,
    )
    assert answer.status_code == 201, answer.text
    assert answer.json["method"] == "alipay"
    assert answer.json["next_action"]["type"] == "redirect"
    states = sorted(intent["status"] for intent in intents_of(world, payment["id"]))
    assert states == ["canceled", "requires_action"]
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = uow.scalars(
            select(PaymentAttempt.status)
            .where(PaymentAttempt.payment_id == payment["id"])
            .order_by(PaymentAttempt.number)
        )
        assert list(found) == ["cancelled", "open"]


def test_a_payment_past_its_end_expires_and_frees_its_bill(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    with later(LIFETIME + 1):
        tick(rooms)
    assert read(client, citizen, payment["id"])["status"] == "expired"
    assert [i["status"] for i in intents_of(world, payment["id"])] == ["canceled"]
    assert start(client, citizen, order(bill)).status_code == 201


def test_a_payment_that_was_paid_at_the_last_moment_does_not_expire(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    confirm(payment)
    with later(LIFETIME + 1):
        tick(rooms)
    assert read(client, citizen, payment["id"])["status"] == "succeeded"
    assert_paid_once(rooms, payment["id"])


def test_a_silent_gateway_keeps_an_overdue_payment_open(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    fault = {"operation": "payment_intents.retrieve", "kind": "error_before", "times": 2}
    stripe_control(world, "PUT", "/faults", fault)
    try:
        with later(LIFETIME + 1):
            tick(rooms)
            pending = select(PaymentItem.is_live).where(PaymentItem.payment_id == payment["id"])
            with rooms.units.open(actor="test", read_only=True) as uow:
                assert uow.scalars(pending).all() == [True]
    finally:
        stripe_control(world, "DELETE", "/faults")
    with later(LIFETIME + 3_600):
        tick(rooms)
    assert read(client, citizen, payment["id"])["status"] == "expired"


def test_an_intent_that_was_never_heard_of_again_ends_with_its_payment(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    bill = make_bill(client, world, citizen)
    fault = {"operation": "payment_intents.create", "kind": "drop_before", "times": 2}
    stripe_control(world, "PUT", "/faults", fault)
    payment = start(client, citizen, order(bill)).json
    stripe_control(world, "DELETE", "/faults")
    assert payment["next_action"] is None
    with later(LIFETIME + 1):
        tick(rooms)
    assert read(client, citizen, payment["id"])["status"] == "expired"
    assert all(i["status"] == "canceled" for i in intents_of(world, payment["id"]))


def test_an_opening_that_failed_for_good_does_not_hold_the_bill(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    """The gateway repeats its failure under our key for a day; its search knows of no intent."""
    bill = make_bill(client, world, citizen)
    fault = {"operation": "payment_intents.create", "kind": "error_kept", "times": 1}
    stripe_control(world, "PUT", "/faults", fault)
    payment = start(client, citizen, order(bill)).json
    with later(60):
        tick(rooms)
    assert read(client, citizen, payment["id"])["status"] == "pending"
    assert start(client, citizen, order(bill)).status_code == 409
    with later(LIFETIME + 1):
        tick(rooms)
    assert read(client, citizen, payment["id"])["status"] == "failed"
    assert intents_of(world, payment["id"]) == []
    again = start(client, citizen, order(bill))
    assert again.status_code == 201
    assert again.json["next_action"]["type"] == "stripe"


def test_a_cancellation_that_failed_once_is_not_refused_for_a_day(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    """The gateway would repeat its failure under a key of ours."""
    bill = make_bill(client, world, citizen)
    fault = {"operation": "payment_intents.cancel", "kind": "error_kept", "times": 1}
    stripe_control(world, "PUT", "/faults", fault)
    payment = start(client, citizen, order(bill)).json
    with later(LIFETIME + 1):
        tick(rooms)
    with later(LIFETIME + 600):
        tick(rooms)
    assert read(client, citizen, payment["id"])["status"] == "expired"
    assert [intent["status"] for intent in intents_of(world, payment["id"])] == ["canceled"]


def believe_too_early(rooms: Rooms, payment_id: str) -> None:
    """Close a payment as if its cancellation had been believed while the intent lived on."""
    with rooms.units.open(actor="test") as uow:
        attempt = uow.scalars(
            select(PaymentAttempt).where(PaymentAttempt.payment_id == payment_id)
        ).one()
        uow.move(attempt, AttemptStatus.CANCELLED, cause="test")
        payment = uow.get_one(Payment, attempt.payment_id)
        end_payment(uow, payment, PaymentStatus.CANCELLED, cause="test")


@pytest.mark.parametrize("times", [1, 3])
def test_money_that_comes_after_the_end_goes_back_once(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, times: int
) -> None:
    bill = make_bill(client, world, citizen)
    payment = start(client, citizen, order(bill)).json
    believe_too_early(rooms, payment["id"])
    confirm(payment)
    for _ in range(times):
        deliver(client, payment)
        run_jobs(rooms)
    seen = read(client, citizen, payment["id"])
    assert seen["status"] == "cancelled"
    assert postings(world, bill) == []
    with rooms.units.open(actor="test", read_only=True) as uow:
        attempt = uow.scalars(
            select(PaymentAttempt).where(PaymentAttempt.payment_id == payment["id"])
        ).one()
        assert attempt.status == "succeeded_late"
        assert (attempt.captured_amount, attempt.refunded_amount) == (4250, 4250)
        refunds = uow.scalars(select(Refund).where(Refund.payment_id == payment["id"])).all()
        assert [(r.amount, r.status) for r in refunds] == [(4250, "succeeded")]
    journal = stripe_control(world, "GET", "/journal?operation=refunds.create&limit=1000")
    assert journal["items"]
    assert_balanced(client, rooms)
    inbox = client.get("/v1/me/inbox", headers=citizen.auth).json["items"]
    assert [m["kind"] for m in inbox] == ["refund-succeeded"]
    assert start(client, citizen, order(bill)).status_code == 201


def test_the_janitor_finishes_what_a_crash_left_requested(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    """A process that died between its two phases left an attempt in `requested`."""
    bill = make_bill(client, world, citizen)
    fault = {"operation": "payment_intents.create", "kind": "error_after", "times": 1}
    stripe_control(world, "PUT", "/faults", fault)
    payment = start(client, citizen, order(bill)).json
    with later(60):
        tick(rooms)
    found = read(client, citizen, payment["id"])
    assert found["next_action"]["type"] == "stripe"
    assert len(intents_of(world, payment["id"])) == 1


def test_every_move_of_the_run_is_an_edge_of_the_published_graph(rooms: Rooms) -> None:
    with rooms.units.open(actor="test", read_only=True) as uow:
        stray = (
            select(func.count())
            .select_from(EventLog)
            .outerjoin(
                LegalMove,
                (LegalMove.entity == EventLog.entity)
                & (LegalMove.from_state == func.coalesce(EventLog.from_state, ""))
                & (LegalMove.to_state == EventLog.to_state),
            )
            .where(EventLog.entity.in_(ENTITIES), LegalMove.entity.is_(None))
        )
        assert uow.scalar(stray) == 0
        assert uow.scalar(select(func.count()).where(EventLog.entity.in_(ENTITIES))) > 0
