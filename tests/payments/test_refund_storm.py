"""A storm of refunds: whatever is asked at once, however often, never more than was captured."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.errors import Conflict
from app.core.tokens import Principal
from app.factory import Rooms
from app.http.authentication import Authenticator
from app.payments import service
from app.payments.models import PaymentAttempt, PaymentItem, Refund
from app.payments.service import PaymentDeps
from app.payments.values import RefundReason, RefundWish
from tests.conftest import World
from tests.factories import log_in, run_jobs, staff_token
from tests.payments.helpers import confirm, deliver, make_bill, order, start
from tests.payments.test_refunds import refunds_at_stripe
from tests.payments.test_settle import assert_balanced

CAPTURED, PART, PARALLEL, THREADS = 1000, 60, 40, 8
PER_CITIZEN = 8  # payments of one citizen within a minute


def officers(rooms: Rooms) -> tuple[Principal, Principal]:
    """Return two finance officers."""
    read = rooms.deps[Authenticator].authenticate
    one, two = (read(staff_token(rooms, "finance"), fresh=True) for _ in range(2))
    return one, two


def fire(
    rooms: Rooms, desk: tuple[Principal, Principal], payment: UUID, item: UUID, number: int
) -> bool:
    """Ask for a part of an item and let the other one approve; say whether it was approved."""
    one, two = desk
    wish = RefundWish(item, RefundReason.OTHER, f"part-{number}", PART)
    try:
        with rooms.units.open(actor=one.actor) as uow:
            asked = service.ask_refund_for(uow, rooms.deps[PaymentDeps], one, payment, wish)
        with rooms.units.open(actor=two.actor) as uow:
            service.approve_request(uow, two, asked.id)
    except Conflict:
        return False
    return True


@pytest.mark.promise("P08")
@pytest.mark.parametrize("payments", [5, pytest.param(500, marks=pytest.mark.timed)])
def test_refunds_never_exceed_what_was_captured(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    payments: int,
    shows: Callable[[str], None],
) -> None:
    desk = officers(rooms)
    paid: list[tuple[UUID, UUID]] = []
    while len(paid) < payments:
        if len(paid) % PER_CITIZEN == 0:
            citizen = log_in(client, world, rooms)
        bills = [make_bill(client, world, citizen, amount=CAPTURED)]
        started = start(client, citizen, order(*bills)).json
        confirm(started)
        deliver(client, started)
        run_jobs(rooms)
        paid.append((UUID(started["id"]), UUID(started["items"][0]["id"])))
    calls = [
        partial(fire, rooms, desk, payment, item, number)
        for payment, item in paid
        for number in range(PARALLEL)
        for _twice in range(2)
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(lambda call: call(), calls))
    run_jobs(rooms)
    ids = [payment for payment, _ in paid]
    with rooms.units.open(actor="test", read_only=True) as uow:
        back = select(Refund.payment_id, func.sum(Refund.amount), func.count()).where(
            Refund.payment_id.in_(ids), Refund.decided_by.is_not(None)
        )
        sums = {p: (int(s), n) for p, s, n in uow.execute(back.group_by(Refund.payment_id))}
        rows = uow.scalars(
            select(func.count()).select_from(Refund).where(Refund.payment_id.in_(ids))
        ).one()
        attempts = select(PaymentAttempt).where(PaymentAttempt.payment_id.in_(ids))
        reserved = {a.payment_id: a.refunded_amount for a in uow.scalars(attempts)}
        items = select(PaymentItem).where(PaymentItem.payment_id.in_(ids))
        returned = {i.payment_id: i.refunded_amount for i in uow.scalars(items)}
    most = CAPTURED // PART
    assert sums == dict.fromkeys(ids, (most * PART, most))
    assert reserved == returned == dict.fromkeys(ids, most * PART)
    assert rows <= payments * PARALLEL
    sent = [sum(r["amount"] for r in refunds_at_stripe(world, rooms, str(p))) for p in ids[:20]]
    assert sent == [most * PART] * len(sent)
    assert_balanced(client, rooms)
    shows(
        f"{payments} payments x {PARALLEL} parallel partial refunds, each fired twice "
        f"({len(outcomes)} calls): {sum(n for _, n in sums.values())} made, "
        f"0 fen beyond what was captured"
    )
