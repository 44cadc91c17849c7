"""Disputes take money back, bar refunds, and end as the bank decides."""

from typing import Any

import pytest
import stripe

from .test_refunds import PAID
from .world import Caller


def disputed(client: stripe.StripeClient, intent_id: str) -> list[Any]:
    return client.v1.disputes.list({"payment_intent": intent_id}).data


def balance(client: stripe.StripeClient, source: str) -> list[tuple[str, str, int]]:
    found = client.v1.balance_transactions.list({"source": source}).data
    return [(e.type, e.reporting_category, e.amount) for e in reversed(found)]


def test_a_disputing_card_takes_its_money_back(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create({**PAID, "payment_method": "pm_card_createDispute"})
    assert paid.status == "succeeded"
    (dispute,) = disputed(client, paid.id)
    assert (dispute.status, dispute.amount, dispute.reason) == (
        "needs_response",
        4250,
        "fraudulent",
    )
    assert balance(client, dispute.id) == [("adjustment", "dispute", -4250)]
    assert client.v1.charges.retrieve(str(paid.latest_charge)).disputed
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_disputed"


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_a_dispute_ends_as_the_bank_decides(
    client: stripe.StripeClient, caller: Caller, outcome: str
) -> None:
    paid = client.v1.payment_intents.create(PAID)
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 1000})
    caller.steer("POST", f"/payment_intents/{paid.id}/dispute", {})
    (dispute,) = disputed(client, paid.id)
    assert dispute.amount == 3250
    caller.steer("POST", f"/disputes/{dispute.id}/settle", {"as": "under_review"})
    assert client.v1.disputes.retrieve(dispute.id).status == "under_review"
    caller.steer("POST", f"/disputes/{dispute.id}/settle", {"as": outcome})
    assert client.v1.disputes.retrieve(dispute.id).status == outcome
    back = [("adjustment", "dispute_reversal", 3250)] if outcome == "won" else []
    assert balance(client, dispute.id) == [("adjustment", "dispute", -3250), *back]
    if outcome == "won":
        assert client.v1.refunds.create({"payment_intent": paid.id}).amount == 3250
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.close(dispute.id)


def test_accepting_a_dispute_loses_it(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create({**PAID, "payment_method": "pm_card_createDispute"})
    (dispute,) = disputed(client, paid.id)
    assert client.v1.disputes.close(dispute.id).status == "lost"
