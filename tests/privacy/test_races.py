"""Closing an account and starting a payment at once: never a closed account with open money."""

import random
import time
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.core.ids import new_id
from app.core.tokens import Principal
from app.factory import Rooms
from app.payments import service as payments
from app.payments.errors import PayerGone
from app.payments.service import PaymentDeps
from app.payments.values import Method, Order, OrderLine
from app.privacy import service
from app.privacy.service import PrivacyDeps
from tests.conftest import World
from tests.factories import Citizen
from tests.identity.support import in_parallel, log_in_quickly
from tests.payments.helpers import Bill, make_bill
from tests.privacy.support import close, read_all

SHORT, LONG = 25, 200
"""How many races: in the suite, and by `--promises`."""
CLOSED_WITH_MONEY = """
select count(*) from payments p join citizens c on c.id = p.citizen_id
where c.status = 'closed' and p.status in ('pending', 'processing')
"""


@pytest.mark.promise("P55")
def test_no_closed_account_has_an_open_payment(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    request: pytest.FixtureRequest,
    shows: Callable[[str], None],
) -> None:
    times = LONG if request.config.getoption("--promises") else SHORT
    outcomes = [_race(client, world, rooms) for _ in range(times)]
    paid, closed = outcomes.count("paid"), outcomes.count("closed")
    assert paid + closed == times
    assert read_all(rooms, CLOSED_WITH_MONEY) == [(0,)]
    shows(f"{times} races of closing and paying: {paid} paid, {closed} closed, 0 both")


def _race(client: FlaskClient, world: World, rooms: Rooms) -> str:
    """Let a closing that is due and a payment meet; say which of the two was first."""
    signed = log_in_quickly(rooms)
    citizen = Citizen(str(signed.citizen_id), "", signed.access_token, "", str(signed.session_id))
    bill = make_bill(client, world, citizen)
    with rooms.units.open(actor="test") as uow:
        closure = service.ask_closure(uow, rooms.deps[PrivacyDeps], signed.citizen_id)
    pause = random.uniform(0, 0.12)  # noqa: S311 - which comes first is chance

    def end() -> str:
        time.sleep(pause)  # the payment has its biller to ask first
        close(rooms, str(closure.id))
        return ""

    def begin() -> str:
        return _pay(rooms, signed.citizen_id, bill)

    said = in_parallel([end, begin])[1]
    ((state,),) = read_all(rooms, "select status from citizens where id = :c", c=signed.citizen_id)
    assert (said, state) in {("paid", "active"), ("refused", "closed")}
    return "paid" if said == "paid" else "closed"


def _pay(rooms: Rooms, citizen_id: UUID, bill: Bill) -> str:
    who = Principal("citizen", citizen_id, new_id())
    wanted = Order([OrderLine(bill.service, bill.reference)], Method.CARD)
    try:
        with rooms.units.open(actor=who.actor) as uow:
            payments.start_payment(uow, rooms.deps[PaymentDeps], who, wanted)
    except PayerGone:
        return "refused"
    return "paid"
