"""Signed webhooks: delivered, retried, repeated, reordered, held and lost on demand."""

import json
from typing import Any

import pytest
import stripe

from .world import WEBHOOK_SECRET, Caller, Receiver, start_receiver, wait_for

PAID: dict[str, Any] = {
    "amount": 4250,
    "currency": "cny",
    "payment_method_types": ["card"],
    "payment_method": "pm_card_visa",
    "confirm": True,
}
STORY = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def states(caller: Caller, intent_id: str) -> list[str]:
    found = caller.steer("GET", f"/webhooks/deliveries?payment_intent={intent_id}")
    return [item["state"] for item in found["items"]]


def tries(caller: Caller) -> list[int]:
    return [item["attempts"] for item in caller.steer("GET", "/webhooks/deliveries")["items"]]


def test_a_payment_tells_its_story_in_order(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    paid = client.v1.payment_intents.create(PAID, {"idempotency_key": "told"})
    wait_for(lambda: len(receiver.got) == 3)
    events = receiver.events()
    assert [event["type"] for event in events] == STORY
    assert [event["data"]["object"]["id"] for event in events] == [
        paid.id,
        paid.latest_charge,
        paid.id,
    ]
    assert events[0]["data"]["object"]["status"] == "requires_confirmation"
    assert events[2]["data"]["object"]["status"] == "succeeded"
    assert events[2]["api_version"] == "2026-10-28.endive"
    assert events[2]["request"]["idempotency_key"] == "told"
    wait_for(lambda: states(caller, paid.id) == ["delivered"] * 3)
    assert client.v1.events.retrieve(events[2]["id"]).pending_webhooks == 0


def test_every_kind_of_event(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    client.v1.refunds.create({"payment_intent": client.v1.payment_intents.create(PAID).id})
    opened = client.v1.payment_intents.create(
        {
            "amount": 4250,
            "currency": "cny",
            "payment_method_types": ["alipay"],
            "payment_method_data": {"type": "alipay"},
            "confirm": True,
            "return_url": "https://city.example/back",
        }
    )
    caller.steer("POST", f"/payment_intents/{opened.id}/approve", {"as": "processing"})
    caller.steer("POST", f"/payment_intents/{opened.id}/decline")
    client.v1.payment_intents.cancel(opened.id)
    told = {event.type for event in client.v1.events.list({"limit": 100}).data}
    assert told == {
        *STORY,
        "charge.failed",
        "charge.pending",
        "charge.refunded",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "refund.created",
    }
    wait_for(lambda: set(receiver.types()) == told)
    only = client.v1.events.list({"type": "charge.*"}).data
    assert {event.type for event in only} == {
        "charge.failed",
        "charge.pending",
        "charge.refunded",
        "charge.succeeded",
    }


def test_a_forged_or_altered_webhook_is_refused(
    client: stripe.StripeClient, receiver: Receiver
) -> None:
    client.v1.payment_intents.create(PAID)
    wait_for(lambda: len(receiver.got) == 3)
    signature, payload = receiver.got[0]
    assert stripe.Webhook.construct_event(payload, signature, WEBHOOK_SECRET).type == STORY[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload, signature, "whsec_other")
    altered = payload.replace(b"4250", b"1250")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(altered, signature, WEBHOOK_SECRET)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(payload, "t=1,v1=00", WEBHOOK_SECRET)


def test_a_failing_receiver_is_tried_again(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    receiver.planned[:] = [500, 503]
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "cny"})
    wait_for(lambda: states(caller, intent.id) == ["delivered"])
    assert receiver.types() == ["payment_intent.created"] * 3
    assert len({event["id"] for event in receiver.events()}) == 1
    [item] = caller.steer("GET", "/webhooks/deliveries")["items"]
    assert (item["attempts"], item["last_status"]) == (3, 204)


def test_the_tries_end(client: stripe.StripeClient, caller: Caller, receiver: Receiver) -> None:
    receiver.planned[:] = [302, 404, 500, 500]
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "cny"})
    # The count of the sender: it must have put off the last try before time moves.
    wait_for(lambda: tries(caller) == [3])
    caller.steer("POST", "/clock", {"advance": 60})
    wait_for(lambda: states(caller, intent.id) == ["failed"])
    assert len(receiver.got) == 4


def test_a_receiver_that_is_down_is_tried_again(
    client: stripe.StripeClient, caller: Caller
) -> None:
    client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/", "enabled_events": ["refund.*"]}
    )
    client.v1.refunds.create({"payment_intent": client.v1.payment_intents.create(PAID).id})

    def tried() -> bool:
        items = caller.steer("GET", "/webhooks/deliveries")["items"]
        return any(item["last_error"] and item["attempts"] for item in items)

    wait_for(tried)


def test_duplicates_on_demand(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    caller.steer("PUT", "/webhooks/behaviour", {"mode": "duplicate", "times": 3})
    client.v1.payment_intents.create(PAID)
    wait_for(lambda: len(receiver.got) == 6)
    assert sorted(receiver.types()) == sorted(STORY * 2)
    assert caller.steer("GET", "/webhooks/behaviour")["mode"] == "normal"


def test_a_reversed_order_on_demand(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    caller.steer("PUT", "/webhooks/behaviour", {"mode": "reorder", "times": 3})
    client.v1.payment_intents.create(PAID)
    wait_for(lambda: len(receiver.got) == 3)
    assert receiver.types() == STORY[::-1]


def test_lost_events_on_demand(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    caller.steer("PUT", "/webhooks/behaviour", {"mode": "drop", "times": 2})
    paid = client.v1.payment_intents.create(PAID)
    wait_for(lambda: len(receiver.got) == 1)
    assert states(caller, paid.id)[:2] == ["dropped", "dropped"]
    assert receiver.types() == STORY[2:]
    assert len(client.v1.events.list().data) == 3


def test_a_pause_holds_events_until_it_ends(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    caller.steer("PUT", "/webhooks/behaviour", {"mode": "paused"})
    paid = client.v1.payment_intents.create(PAID)
    assert states(caller, paid.id) == ["held"] * 3
    assert receiver.got == []
    caller.steer("PUT", "/webhooks/behaviour", {"mode": "normal"})
    wait_for(lambda: len(receiver.got) == 3)
    assert receiver.types() == STORY


def test_a_delay_on_demand(client: stripe.StripeClient, caller: Caller, receiver: Receiver) -> None:
    caller.steer("PUT", "/webhooks/behaviour", {"mode": "delay", "seconds": 3600})
    paid = client.v1.payment_intents.create(PAID)
    assert states(caller, paid.id) == ["pending"] * 3
    assert receiver.got == []
    caller.steer("POST", "/clock", {"advance": 3601})
    wait_for(lambda: len(receiver.got) == 3)
    # The signature carries the machine's time, so that the receiver's tolerance still holds.
    assert receiver.types() == STORY


def test_events_are_sent_again_on_demand(
    client: stripe.StripeClient, caller: Caller, receiver: Receiver
) -> None:
    paid = client.v1.payment_intents.create(PAID)
    wait_for(lambda: len(receiver.got) == 3)
    event = receiver.events()[2]["id"]
    order = {"event": event, "times": 20, "parallel": True}
    assert caller.steer("POST", "/webhooks/redeliver", order) == {"queued": 20}
    wait_for(lambda: len(receiver.got) == 23)
    assert {one["id"] for one in receiver.events()[3:]} == {event}
    assert caller.steer("POST", "/webhooks/redeliver", {"payment_intent": paid.id}) == {"queued": 3}
    wait_for(lambda: len(receiver.got) == 26)
    assert receiver.types()[23:] == STORY


def test_endpoints_made_by_the_api_get_what_they_asked_for(client: stripe.StripeClient) -> None:
    second, stop = start_receiver()
    try:
        endpoint = client.v1.webhook_endpoints.create(
            {"url": second.url, "enabled_events": ["charge.succeeded", "refund.created"]}
        )
        assert endpoint.secret.startswith("whsec_")
        assert "secret" not in client.v1.webhook_endpoints.retrieve(endpoint.id).to_dict()
        assert len(client.v1.webhook_endpoints.list().data) == 2
        client.v1.payment_intents.create(PAID)
        wait_for(lambda: len(second.got) == 1)
        signature, payload = second.got[0]
        event = stripe.Webhook.construct_event(payload, signature, endpoint.secret)
        assert event.type == "charge.succeeded"
        client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
        client.v1.payment_intents.create(PAID)
        assert client.v1.webhook_endpoints.delete(endpoint.id).deleted
        client.v1.payment_intents.create(PAID)
        assert len(client.v1.webhook_endpoints.list().data) == 1
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.webhook_endpoints.create({"url": "ftp://x", "enabled_events": ["*"]})
    finally:
        stop()
    assert len(second.got) == 1
    assert json.loads(second.got[0][1])["object"] == "event"
