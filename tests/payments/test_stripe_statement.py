"""Stripe's books of a day: every movement once, with our ids, all of its pages or no line."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import stripe

from app.core.clock import city_day, now
from app.core.egress import Egress
from app.core.ids import new_id
from app.payments.gateway import (
    IntentRequest,
    Movement,
    RefundRequest,
    StatementLine,
    StatementUnavailable,
    StripeGateway,
)
from app.payments.values import Method
from sandbox.stripe import serve_stripe
from tests.factories import later, today_for
from tests.payments.helpers import steer

KEY = "sk_test_statement"
DAY = 86_400


@pytest.fixture
def base() -> Iterator[str]:
    """Return the address of a Stripe of this test's own."""
    keys = ("sk_test_statement", "pk_test_statement", "whsec_statement")
    with serve_stripe(api_key=keys[0], publishable_key=keys[1], webhook_secret=keys[2]) as sandbox:
        yield sandbox.url


@pytest.fixture
def gateway(base: str) -> Iterator[StripeGateway]:
    egress = Egress(frozenset({base.removeprefix("http://")}))
    yield StripeGateway(
        api_key=KEY,
        publishable_key="pk_test_statement",
        api_base=base,
        egress=egress,
        total_seconds=8.0,
        webhook_secret=None,
    )
    egress.close()


def charge(gateway: StripeGateway, base: str, amount: int) -> tuple[str, str]:
    """Open an intent as payments do and pay it; return the attempt's and the intent's id."""
    attempt = new_id()
    request = IntentRequest(str(attempt), new_id(), attempt, amount, "CNY", Method.CARD, None)
    intent = gateway.open_intent(request)
    client = stripe.StripeClient(KEY, base_addresses={"api": base})
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    return str(attempt), intent.id


def read(gateway: StripeGateway, day: date) -> list[StatementLine]:
    with later(2 * DAY):
        return list(gateway.list_statement(day))


def today() -> date:
    return today_for(60)


def test_every_movement_of_the_day_comes_once_with_our_ids(
    gateway: StripeGateway, base: str
) -> None:
    day = today()
    attempt, intent = charge(gateway, base, 10_000)
    refund_id = new_id()
    refund = gateway.send_refund(RefundRequest(str(refund_id), refund_id, intent, 2_500))
    steer(base, "POST", f"/refunds/{refund.id}/settle", {"as": "failed"})
    lines = {line.kind: line for line in read(gateway, day)}
    assert len(lines) == 3
    money = lines[Movement.CHARGE]
    assert (money.intent_id, money.our_id, money.refund_id) == (intent, attempt, None)
    assert (money.amount, money.fee, money.currency) == (10_000, 540, "CNY")
    for kind, amount in ((Movement.REFUND, -2_500), (Movement.REFUND_FAILED, 2_500)):
        line = lines[kind]
        assert (line.intent_id, line.our_id, line.refund_id) == (intent, str(refund_id), refund.id)
        assert (line.amount, line.fee) == (amount, 0)
    begins, ends = city_day(day)
    assert all(begins <= line.occurred_at < ends for line in lines.values())


def test_a_payout_is_a_line_that_names_itself(gateway: StripeGateway, base: str) -> None:
    day = today()
    charge(gateway, base, 10_000)
    steer(base, "POST", "/clock", {"advance": 2 * DAY})
    payout = steer(base, "POST", "/payouts", {"currency": "cny"})
    with later(4 * DAY):
        lines = list(gateway.list_statement(day + timedelta(days=2)))
    assert [(line.kind, line.amount, line.payout_id) for line in lines] == [
        (Movement.PAYOUT, -9_460, payout["id"])
    ]


def test_more_than_a_page_comes_complete(gateway: StripeGateway, base: str) -> None:
    day, wanted = today(), {}
    for number in range(103):
        attempt, _ = charge(gateway, base, 400 + number)
        wanted[attempt] = 400 + number
    lines = read(gateway, day)
    assert {line.our_id: line.amount for line in lines} == wanted
    assert len(lines) == len({line.id for line in lines}) == 103


def test_an_open_day_has_no_statement(gateway: StripeGateway, base: str) -> None:
    day = today()
    charge(gateway, base, 10_000)
    with pytest.raises(StatementUnavailable):
        gateway.list_statement(day)
    _, ends = city_day(day)
    with later((ends - now()).total_seconds() - 30), pytest.raises(StatementUnavailable):
        gateway.list_statement(day)


def test_a_silent_stripe_is_no_empty_day(gateway: StripeGateway, base: str) -> None:
    day = today()
    charge(gateway, base, 10_000)
    fault = {"operation": "balance_transactions.list", "kind": "error_before"}
    steer(base, "PUT", "/faults", fault)
    with later(2 * DAY), pytest.raises(StatementUnavailable):
        gateway.list_statement(day)


def test_a_stripe_that_falls_silent_half_way_is_no_short_day(
    gateway: StripeGateway, base: str
) -> None:
    day = today()
    for number in range(101):
        charge(gateway, base, 400 + number)
    with later(2 * DAY):
        lines = gateway.list_statement(day)
        for _ in range(100):
            next(lines)
        fault = {"operation": "balance_transactions.list", "kind": "error_before"}
        steer(base, "PUT", "/faults", fault)
        with pytest.raises(StatementUnavailable):
            next(lines)
