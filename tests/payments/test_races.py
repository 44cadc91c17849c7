"""Many at once: one live payment and one intent, whatever the keys."""

import json
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.factory import Rooms
from app.payments.models import Payment, PaymentItem
from tests.conftest import World
from tests.factories import Citizen
from tests.live import Live, at_once, serve
from tests.payments.helpers import intents_of, make_bill, new_key, order

PARALLEL = 50


@pytest.fixture(scope="module")
def roomy(world: World) -> Iterator[Live]:
    """Return the product with room for all: a deadlock that goes on would be a 503, too."""
    with serve(world, WEB_THREADS="64") as server:
        yield server


@pytest.mark.parametrize("same_key", [True, False])
def test_fifty_parallel_tries_make_one_payment_and_one_intent(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    citizen: Citizen,
    roomy: Live,
    same_key: bool,  # noqa: FBT001 - pytest hands it over by name
) -> None:
    bill = make_bill(client, world, citizen)
    key = new_key()

    def start() -> tuple[int, dict[str, object]]:
        headers = {**citizen.auth, "Idempotency-Key": key if same_key else new_key()}
        answer = roomy.post("/v1/payments", order(bill), headers)
        return answer.status, json.loads(answer.body)

    answers = at_once([start] * PARALLEL)
    made = {body["id"] for status, body in answers if status == 201}
    refused = {body["code"] for status, body in answers if status != 201}
    assert len(made) == 1
    assert {status for status, _ in answers} <= {201, 409}
    expected = "idempotency-key-in-flight" if same_key else "payment-in-progress"
    assert refused <= {expected}
    with rooms.units.open(actor="test", read_only=True) as uow:
        mine = select(func.count()).where(Payment.citizen_id == citizen.id)
        assert uow.scalar(mine) == 1
        live_items = select(func.count()).where(
            PaymentItem.reference == bill.reference, PaymentItem.is_live
        )
        assert uow.scalar(live_items) == 1
    (payment_id,) = made
    assert len(intents_of(world, str(payment_id))) == 1


def test_parallel_payments_of_overlapping_bills_do_not_deadlock(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, roomy: Live
) -> None:
    bills = [make_bill(client, world, citizen) for _ in range(4)]
    pairs = [(bills[i % 4], bills[(i + 1) % 4]) for i in range(16)]

    def start(one: object, two: object) -> int:
        headers = {**citizen.auth, "Idempotency-Key": new_key()}
        return roomy.post("/v1/payments", order(one, two), headers).status  # type: ignore[arg-type]

    statuses = at_once([lambda pair=pair: start(*pair) for pair in pairs])
    assert set(statuses) == {201, 409}
    with rooms.units.open(actor="test", read_only=True) as uow:
        taken = uow.execute(
            select(PaymentItem.reference, func.count())
            .where(
                PaymentItem.reference.in_([bill.reference for bill in bills]),
                PaymentItem.is_live,
            )
            .group_by(PaymentItem.reference)
        ).all()
        assert all(count == 1 for _, count in taken)
