"""The money limits: on unless set otherwise, exact, also for parallel payments."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.factory import Rooms
from app.payments.models import Payment
from tests.conftest import World
from tests.factories import Citizen, later, today_for
from tests.identity.ways_in import step_up
from tests.live import Answer, Live, at_once, serve
from tests.payments.helpers import Bill, make_bill, new_key, order


@pytest.fixture(scope="module")
def limited(world: World) -> Iterator[Live]:
    """Return the product with both limits set, and room for all who come at once."""
    limits = {"STEP_UP_ABOVE_FEN": "20000", "STEP_UP_DAILY_FEN": "50000"}
    with serve(world, WEB_THREADS="64", **limits) as server:
        yield server


def start(live: Live, citizen: Citizen, bill: Bill) -> Answer:
    headers = {**citizen.auth, "Idempotency-Key": new_key()}
    return live.post("/v1/payments", order(bill), headers)


def test_an_amount_above_the_limit_asks_for_a_step_up(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, limited: Live
) -> None:
    within = make_bill(client, world, citizen, amount=20_000)
    above = make_bill(client, world, citizen, amount=20_001)
    refused = start(limited, citizen, above)
    assert (refused.status, refused.json["code"]) == (401, "step-up-required")
    assert 'error="insufficient_user_authentication"' in refused.headers["www-authenticate"]
    assert start(limited, citizen, within).status == 201
    with rooms.units.open(actor="test", read_only=True) as uow:
        mine = select(func.sum(Payment.amount)).where(Payment.citizen_id == citizen.id)
        assert uow.scalar(mine) == 20_000


def test_parallel_payments_cannot_pass_the_daily_limit_together(
    client: FlaskClient, world: World, citizen: Citizen, limited: Live
) -> None:
    today_for(60)
    bills = [make_bill(client, world, citizen, amount=20_000) for _ in range(6)]
    answers = at_once([lambda bill=bill: start(limited, citizen, bill) for bill in bills])
    assert sorted(answer.status for answer in answers) == [201, 201, 401, 401, 401, 401]


def test_the_limits_are_on_by_themselves_and_a_step_up_passes_them(
    client: FlaskClient, world: World, citizen: Citizen, rooms: Rooms
) -> None:
    def pay(amount: int) -> int:
        bill = make_bill(client, world, citizen, amount=amount)
        headers = {**citizen.auth, "Idempotency-Key": new_key()}
        return client.post("/v1/payments", json=order(bill), headers=headers).status_code

    today_for(60)
    assert [pay(amount) for amount in (20_001, 20_000)] == [401, 201]
    assert [pay(20_000) for _ in range(4)] == [201] * 4
    assert pay(1) == 401  # the day's hundred thousand are full
    step_up(rooms, citizen)
    assert [pay(1), pay(120_000)] == [201, 201]
    with later(301):  # which may be another day, with nothing paid yet
        assert pay(20_001) == 401
