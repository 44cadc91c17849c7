"""Payouts: what is available leaves for the bank, and every entry can be found again."""

from typing import Any

import pytest
import stripe

from .world import Caller, wait_for

PAID: dict[str, Any] = {
    "amount": 10_000,
    "currency": "cny",
    "payment_method_types": ["card"],
    "payment_method": "pm_card_visa",
    "confirm": True,
}
TWO_DAYS = {"advance": 2 * 86_400}


def test_the_balance_ripens(client: stripe.StripeClient, caller: Caller) -> None:
    client.v1.payment_intents.create(PAID)
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (0, 9460)
    caller.steer("POST", "/clock", TWO_DAYS)
    balance = client.v1.balance.retrieve()
    assert (balance.available[0].amount, balance.pending[0].amount) == (9460, 0)


def test_an_automatic_payout_names_its_entries(client: stripe.StripeClient, caller: Caller) -> None:
    for _ in range(3):
        paid = client.v1.payment_intents.create(PAID)
    caller.steer("POST", "/clock", TWO_DAYS)
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 1000})
    later = client.v1.payment_intents.create(PAID)
    made = caller.steer("POST", "/payouts")
    assert made["amount"] == 3 * 9460 - 1000
    entries = client.v1.balance_transactions.list({"payout": made["id"], "limit": 100}).data
    assert sorted(entry.type for entry in entries) == ["charge"] * 3 + ["payout", "refund"]
    assert sum(entry.net for entry in entries) == 0
    assert later.latest_charge not in {entry.source for entry in entries}
    assert set(made) <= set(stripe.Payout.__annotations__)
    caller.steer("POST", "/clock", TWO_DAYS)
    wait_for(lambda: client.v1.payouts.retrieve(made["id"]).status == "paid")
    told = [event.type for event in client.v1.events.list({"type": "payout.*"}).data]
    assert told == ["payout.paid", "payout.created"]


def test_a_payout_by_hand_takes_no_more_than_there_is(
    client: stripe.StripeClient, caller: Caller
) -> None:
    client.v1.payment_intents.create(PAID)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payouts.create({"amount": 1000, "currency": "cny"})
    assert refused.value.code == "balance_insufficient"
    caller.steer("POST", "/clock", TWO_DAYS)
    payout = client.v1.payouts.create({"amount": 1000, "currency": "cny"})
    assert client.v1.balance.retrieve().available[0].amount == 8460
    assert client.v1.payouts.cancel(payout.id).status == "canceled"
    assert client.v1.balance.retrieve().available[0].amount == 9460


def test_a_payout_may_come_back(client: stripe.StripeClient, caller: Caller) -> None:
    client.v1.payment_intents.create(PAID)
    caller.steer("POST", "/clock", TWO_DAYS)
    made = caller.steer("POST", "/payouts")
    caller.steer("POST", f"/payouts/{made['id']}/settle", {"as": "failed"})
    back = client.v1.payouts.retrieve(made["id"], {"expand": ["failure_balance_transaction"]})
    assert (back.status, back.failure_balance_transaction.amount) == ("failed", 9460)
    assert client.v1.balance.retrieve().available[0].amount == 9460
    assert [one.id for one in client.v1.payouts.list({"status": "failed"}).data] == [made["id"]]
