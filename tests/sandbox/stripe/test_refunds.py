"""Refunds never exceed what was taken; they succeed, wait or fail as the method's do."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from sandbox.stripe import Sandbox

from .world import Caller, Receiver, make_client, wait_for

PAID: dict[str, Any] = {
    "amount": 4250,
    "currency": "cny",
    "payment_method_types": ["card"],
    "payment_method": "pm_card_visa",
    "confirm": True,
}


def pay_by_wallet(client: stripe.StripeClient, caller: Caller) -> str:
    intent = client.v1.payment_intents.create(
        {
            "amount": 4250,
            "currency": "cny",
            "payment_method_types": ["alipay"],
            "payment_method_data": {"type": "alipay"},
            "confirm": True,
            "return_url": "https://city.example/back",
        }
    )
    caller.steer("POST", f"/payment_intents/{intent.id}/approve")
    return intent.id


def refunded(client: stripe.StripeClient, intent_id: str) -> tuple[int, bool]:
    charge = client.v1.charges.list({"payment_intent": intent_id}).data[0]
    return charge.amount_refunded, charge.refunded


def test_a_card_is_refunded_in_parts_and_no_further(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create(PAID)
    part = client.v1.refunds.create(
        {
            "payment_intent": paid.id,
            "amount": 1000,
            "reason": "requested_by_customer",
            "metadata": {"refund": "r-1"},
        }
    )
    assert (part.status, part.amount, part.charge) == ("succeeded", 1000, paid.latest_charge)
    assert (part.reason, part.metadata.to_dict()) == ("requested_by_customer", {"refund": "r-1"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 3251})
    assert (refused.value.http_status, refused.value.param) == (400, "amount")
    rest = client.v1.refunds.create({"charge": paid.latest_charge})
    assert rest.amount == 3250
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_already_refunded"
    listed = client.v1.refunds.list({"payment_intent": paid.id})
    assert [one.id for one in listed.data] == [rest.id, part.id]
    assert refunded(client, paid.id) == (4250, True)
    assert client.v1.refunds.retrieve(part.id).amount == 1000
    noted = client.v1.refunds.update(part.id, {"metadata": {"seen": "yes"}})
    assert noted.metadata.to_dict() == {"refund": "r-1", "seen": "yes"}


def test_twenty_at_once_never_give_back_too_much(sandbox: Sandbox) -> None:
    client = make_client(sandbox.url)
    paid = client.v1.payment_intents.create(PAID)

    def refund(_: int) -> int:
        try:
            made = client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})
        except stripe.InvalidRequestError:
            return 0
        return made.amount

    with ThreadPoolExecutor(20) as pool:
        amounts = list(pool.map(refund, range(20)))
    assert sum(amounts) == 4000
    assert refunded(client, paid.id) == (4000, False)
    assert len(client.v1.refunds.list({"payment_intent": paid.id, "limit": 100}).data) == 8


def test_what_a_refund_needs(client: stripe.StripeClient) -> None:
    unpaid = client.v1.payment_intents.create(
        {"amount": 4250, "currency": "cny", "payment_method_types": ["card"]}
    )
    for params, code in [
        ({}, "parameter_missing"),
        ({"payment_intent": unpaid.id}, "payment_intent_unexpected_state"),
        ({"payment_intent": "pi_nobody"}, "resource_missing"),
        ({"charge": "ch_nobody"}, "resource_missing"),
        ({"charge": "ch_nobody", "amount": 0}, "parameter_invalid_integer"),
    ]:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create(params)
        assert refused.value.code == code
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": unpaid.id, "reason": "because"})


def test_a_wallet_is_refunded_later(client: stripe.StripeClient, caller: Caller) -> None:
    intent_id = pay_by_wallet(client, caller)
    refund = client.v1.refunds.create({"payment_intent": intent_id, "amount": 1000})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert refunded(client, intent_id) == (1000, False)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.cancel(refund.id)
    caller.steer("POST", f"/refunds/{refund.id}/settle")
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_the_clock_settles_a_wallets_refund(client: stripe.StripeClient, caller: Caller) -> None:
    intent_id = pay_by_wallet(client, caller)
    refund = client.v1.refunds.create({"payment_intent": intent_id})
    caller.steer("POST", "/clock", {"advance": 3600})
    wait_for(lambda: client.v1.refunds.retrieve(refund.id).status == "succeeded")


def test_a_refund_can_fail_and_be_made_again(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    intent_id = pay_by_wallet(client, caller)
    refund = client.v1.refunds.create({"payment_intent": intent_id})
    caller.steer(
        "POST", f"/refunds/{refund.id}/settle", {"as": "failed", "failure_reason": "declined"}
    )
    failed = client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "declined")
    assert refunded(client, intent_id) == (0, False)
    wait_for(lambda: "refund.failed" in receiver.types(intent_id))
    again = client.v1.refunds.create({"payment_intent": intent_id})
    assert again.amount == 4250
    entries = client.v1.balance_transactions.list({"limit": 100}).data
    assert sum(entry.amount for entry in entries) == 0


def test_a_refund_that_succeeded_may_still_fail(
    client: stripe.StripeClient, caller: Caller
) -> None:
    paid = client.v1.payment_intents.create({**PAID, "payment_method": "pm_card_refundFail"})
    refund = client.v1.refunds.create({"payment_intent": paid.id})
    assert refund.status == "succeeded"
    caller.steer("POST", "/clock", {"advance": 3600})
    wait_for(lambda: client.v1.refunds.retrieve(refund.id).status == "failed")
    failed = client.v1.refunds.retrieve(refund.id)
    assert failed.failure_reason == "expired_or_canceled_card"
    entry = client.v1.balance_transactions.retrieve(failed.failure_balance_transaction)
    assert (entry.type, entry.amount) == ("refund_failure", 4250)


def test_a_refund_that_needs_the_citizen_may_be_cancelled(
    client: stripe.StripeClient, caller: Caller
) -> None:
    intent_id = pay_by_wallet(client, caller)
    refund = client.v1.refunds.create({"payment_intent": intent_id})
    caller.steer("POST", f"/refunds/{refund.id}/settle", {"as": "requires_action"})
    assert client.v1.refunds.cancel(refund.id).status == "canceled"
    assert refunded(client, intent_id) == (0, False)


def test_the_balance_shows_the_fee_and_the_way_back(
    client: stripe.StripeClient, caller: Caller
) -> None:
    paid = client.v1.payment_intents.create(PAID)
    refund = client.v1.refunds.create({"payment_intent": paid.id, "amount": 1000})
    back, taken = client.v1.balance_transactions.list().data
    assert (taken.type, taken.amount, taken.fee, taken.net) == ("charge", 4250, 345, 3905)
    assert (taken.source, taken.fee_details[0].amount) == (paid.latest_charge, 345)
    assert (back.type, back.amount, back.fee, back.source) == ("refund", -1000, 0, refund.id)
    assert client.v1.balance_transactions.retrieve(taken.id).status == "pending"
    caller.steer("POST", "/clock", {"advance": 2 * 86400})
    assert client.v1.balance_transactions.retrieve(taken.id).status == "available"
    only = client.v1.balance_transactions.list({"source": paid.latest_charge})
    assert [entry.id for entry in only.data] == [taken.id]
