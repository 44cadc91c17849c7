"""Money returned because others prove it: charges taken twice, and what departments give back."""

import json
import urllib.parse
from typing import Any
from urllib.request import Request, urlopen
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.errors import Conflict, Invalid, NotFound
from app.factory import Rooms
from app.payments import service
from app.payments.errors import NotADuplicate, RefundDiffers, RefundExceedsAvailable
from app.payments.models import PaymentAttempt, Refund
from app.payments.service import PaymentDeps
from tests.conftest import World
from tests.factories import Citizen, run_jobs
from tests.live import at_once
from tests.payments.helpers import Bill, make_bill, order, pay, read, start
from tests.payments.test_refunds import booked, kinds
from tests.payments.test_settle import assert_balanced


@pytest.fixture
def bill(client: FlaskClient, world: World, citizen: Citizen) -> Bill:
    """Return a bill of the citizen."""
    return make_bill(client, world, citizen)


@pytest.fixture
def paid(client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill) -> dict[str, Any]:
    """Return a payment of one item that its biller has."""
    return pay(client, rooms, citizen, bill)


def charge_again(world: World, attempt_id: UUID, amount: int = 4250) -> str:
    """Charge an attempt a second time behind our back; return the intent."""
    form = urllib.parse.urlencode(
        {
            "amount": amount,
            "currency": "cny",
            "payment_method_types[]": "card",
            "payment_method": "pm_card_visa",
            "confirm": "true",
            "metadata[attempt]": str(attempt_id),
        }
    )
    request = Request(  # noqa: S310 - loopback
        f"{world.stripe}/v1/payment_intents",
        data=form.encode(),
        headers={"Authorization": f"Bearer {world.env['STRIPE_API_KEY']}"},
    )
    with urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
        return str(json.loads(answer.read())["id"])


def attempt_of(rooms: Rooms, payment_id: str) -> PaymentAttempt:
    """Return the attempt that paid a payment."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return uow.scalars(
            select(PaymentAttempt).where(
                PaymentAttempt.payment_id == payment_id, PaymentAttempt.status == "succeeded"
            )
        ).one()


def give_duplicate_back(rooms: Rooms, attempt_id: UUID, intent: str) -> UUID | None:
    """Say that an intent took an attempt's money a second time."""
    with rooms.units.open(actor="test") as uow:
        return service.return_duplicate(uow, rooms.deps[PaymentDeps], attempt_id, intent)


def test_a_charge_that_was_taken_twice_goes_back_once(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, paid: dict[str, Any]
) -> None:
    attempt = attempt_of(rooms, paid["id"])
    intent = charge_again(world, attempt.id)
    ids = {give_duplicate_back(rooms, attempt.id, intent) for _ in range(3)}
    assert len(ids) == 1
    run_jobs(rooms)
    with rooms.units.open(actor="test", read_only=True) as uow:
        refund = uow.scalars(select(Refund).where(Refund.payment_id == paid["id"])).one()
        assert (refund.amount, refund.status, refund.reason) == (4250, "succeeded", "duplicate")
        second = uow.get_one(PaymentAttempt, refund.attempt_id)
        assert (second.number, second.status, second.intent_id) == (2, "succeeded_late", intent)
    seen = read(client, citizen, paid["id"])
    assert (seen["status"], seen["refunded_amount"]) == ("succeeded", 0)
    assert seen["items"][0]["status"] == "fulfilled"
    assert booked(rooms, paid["id"], "payment.late") == [-4250, 4250]
    # Each is told by a job of its own, and they run beside each other.
    assert sorted(kinds(client, citizen)[-2:]) == ["refund-approved", "refund-succeeded"]
    assert_balanced(client, rooms)


def test_what_was_not_taken_twice_stays(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, paid: dict[str, Any]
) -> None:
    attempt = attempt_of(rooms, paid["id"])
    unpaid = start(client, citizen, order(make_bill(client, world, citizen))).json
    for intent in (
        str(attempt.intent_id),
        "pi_nobodys",
        charge_again(world, UUID(int=1)),
    ):
        with pytest.raises(NotADuplicate):
            give_duplicate_back(rooms, attempt.id, intent)
    assert give_duplicate_back(rooms, attempt.id, unpaid["next_action"]["intent"]) is None
    with pytest.raises(NotFound):
        give_duplicate_back(rooms, UUID(int=1), "pi_nobodys")
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert uow.scalar(select(func.count()).where(Refund.payment_id == paid["id"])) == 0


def give_back(rooms: Rooms, reference: str, amount: int | None, reason: str) -> None:
    """Return money as the utilities plug-in would: through its own house."""
    provider = rooms.hosted.plugins["utilities"].provider
    assert provider is not None
    provider.house.return_payment(reference, amount, reason)


def test_a_plugin_returns_a_part_and_then_the_rest(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill, paid: dict[str, Any]
) -> None:
    for _ in range(2):
        give_back(rooms, bill.reference, 250, "contest-won")
        run_jobs(rooms)
    seen = read(client, citizen, paid["id"])
    assert (seen["items"][0]["status"], seen["refunded_amount"]) == ("fulfilled", 250)
    with pytest.raises(RefundDiffers):
        give_back(rooms, bill.reference, 251, "contest-won")
    with pytest.raises(RefundExceedsAvailable):
        give_back(rooms, bill.reference, 4001, "appeal-won")
    for _ in range(2):
        give_back(rooms, bill.reference, None, "withdrawn")
        run_jobs(rooms)
    seen = read(client, citizen, paid["id"])
    assert (seen["items"][0]["status"], seen["refunded_amount"]) == ("refunded", 4250)
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.scalars(
            select(Refund).where(Refund.payment_id == paid["id"]).order_by(Refund.id)
        ).all()
        assert [(r.amount, r.requested_by, r.decided_by) for r in rows] == [
            (250, "plugin:utilities", "rule:returned"),
            (4000, "plugin:utilities", "rule:returned"),
        ]
    assert_balanced(client, rooms)


def test_a_plugin_returns_nothing_that_nobody_paid(
    client: FlaskClient, rooms: Rooms, citizen: Citizen, bill: Bill
) -> None:
    start(client, citizen, order(bill))
    with pytest.raises(NotFound):
        give_back(rooms, bill.reference, None, "contest-won")
    with pytest.raises(Invalid):
        give_back(rooms, bill.reference, None, "not one word")


def test_ten_parallel_returns_of_one_reason_are_one(
    rooms: Rooms, bill: Bill, paid: dict[str, Any]
) -> None:
    def attempt() -> bool:
        try:
            give_back(rooms, bill.reference, 100, "contest-won")
        except Conflict:
            return False
        return True

    assert all(at_once([attempt] * 8))
    with rooms.units.open(actor="test", read_only=True) as uow:
        assert uow.scalar(select(func.count()).where(Refund.payment_id == paid["id"])) == 1
