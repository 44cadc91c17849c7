"""Each fault fails as it says, and has the effect that it says, or none."""

from typing import Any

import pytest
import stripe

from sandbox.stripe import Sandbox

from .world import Caller, make_client, wait_for

NEW: dict[str, Any] = {"amount": 4250, "currency": "cny", "payment_method_types": ["card"]}
KEY: dict[str, Any] = {"idempotency_key": "k"}


def count(client: stripe.StripeClient) -> int:
    return len(client.v1.payment_intents.list().data)


def plan(caller: Caller, kind: str, times: int = 1, **more: Any) -> None:  # noqa: ANN401
    fault = {"operation": "payment_intents.create", "kind": kind, "times": times, **more}
    caller.steer("PUT", "/faults", fault)


def test_a_slow_answer_has_its_effect(sandbox: Sandbox, caller: Caller) -> None:
    plan(caller, "timeout", seconds=1.5)
    with pytest.raises(stripe.APIConnectionError):
        make_client(sandbox.url, timeout=0.3).v1.payment_intents.create(NEW, KEY)
    client = make_client(sandbox.url, retries=8)
    wait_for(lambda: count(client) == 1)  # a crowded machine looks at it after the client has left
    assert client.v1.payment_intents.create(NEW, KEY).amount == 4250
    assert count(client) == 1


def test_an_answer_lost_after_the_effect(client: stripe.StripeClient, caller: Caller) -> None:
    plan(caller, "drop")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(NEW, KEY)
    assert count(client) == 1
    again = client.v1.payment_intents.create(NEW, KEY)
    assert count(client) == 1
    entry, replay = caller.journal("payment_intents.create")
    assert (entry["status"], entry["fault"], entry["replayed"]) == (None, "drop", False)
    assert (replay["status"], replay["replayed"], replay["object"]) == (200, True, again.id)


def test_a_connection_lost_before_the_effect(client: stripe.StripeClient, caller: Caller) -> None:
    plan(caller, "drop_before")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(NEW, KEY)
    assert count(client) == 0
    client.v1.payment_intents.create(NEW, KEY)
    assert count(client) == 1


def test_the_library_survives_lost_answers(sandbox: Sandbox, caller: Caller) -> None:
    client = make_client(sandbox.url, retries=2)
    plan(caller, "drop")
    plan(caller, "drop_before")
    client.v1.payment_intents.create(NEW)
    assert count(client) == 1
    assert len(caller.journal("payment_intents.create")) == 3


def test_an_error_before_the_effect_is_not_kept(
    client: stripe.StripeClient, caller: Caller
) -> None:
    plan(caller, "error_before")
    with pytest.raises(stripe.APIError) as failed:
        client.v1.payment_intents.create(NEW, KEY)
    assert failed.value.http_status == 500
    assert count(client) == 0
    client.v1.payment_intents.create(NEW, KEY)
    assert count(client) == 1


def test_an_error_after_the_effect_is_kept(sandbox: Sandbox, caller: Caller) -> None:
    client = make_client(sandbox.url, retries=2)
    plan(caller, "error_after")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            client.v1.payment_intents.create({**NEW, "metadata": {"payment": "p"}}, KEY)
        assert failed.value.http_status == 500
    found = client.v1.payment_intents.search({"query": "metadata['payment']:'p'"})
    assert len(found.data) == 1
    # Stripe tells the library not to retry what would only be replayed.
    assert len(caller.journal("payment_intents.create")) == 2


def test_an_error_instead_of_the_effect_is_kept(
    client: stripe.StripeClient, caller: Caller
) -> None:
    plan(caller, "error_kept")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            client.v1.payment_intents.create(NEW, KEY)
        assert failed.value.http_status == 500
    assert failed.value.headers["Idempotent-Replayed"] == "true"
    assert count(client) == 0


def test_too_many_calls(client: stripe.StripeClient, caller: Caller) -> None:
    plan(caller, "rate_limit", times=2)
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            client.v1.payment_intents.create(NEW, KEY)
    assert count(client) == 0
    client.v1.payment_intents.create(NEW, KEY)


def test_a_steering_call_may_be_sent_as_curl_does(caller: Caller) -> None:
    assert caller.form("PUT", "/sandbox/faults", '{"kind": "drop"}', key=None).status == 200
    assert caller.steer("GET", "/faults")["items"][0]["kind"] == "drop"


def test_faults_are_listed_cleared_and_checked(client: stripe.StripeClient, caller: Caller) -> None:
    caller.steer("PUT", "/faults", {"operation": "*", "kind": "error_before"})
    assert len(caller.steer("GET", "/faults")["items"]) == 1
    for call in (client.v1.payment_intents.list, client.v1.refunds.list):
        with pytest.raises(stripe.APIError):
            call()
    caller.steer("DELETE", "/faults")
    assert client.v1.payment_intents.list().data == []
    for wrong in ({"kind": "flood"}, {"kind": "drop", "operation": "payments.create"}):
        with pytest.raises(AssertionError):
            caller.steer("PUT", "/faults", wrong)


@pytest.mark.parametrize(
    "operation",
    [
        "payment_intents.confirm",
        "payment_intents.cancel",
        "payment_intents.retrieve",
        "refunds.create",
    ],
)
def test_other_operations_fail_too(
    client: stripe.StripeClient, caller: Caller, operation: str
) -> None:
    paid = client.v1.payment_intents.create(
        {**NEW, "payment_method": "pm_card_visa", "confirm": True}
    )
    opened = client.v1.payment_intents.create({**NEW, "payment_method": "pm_card_visa"})
    calls = {
        "payment_intents.confirm": lambda: client.v1.payment_intents.confirm(opened.id),
        "payment_intents.cancel": lambda: client.v1.payment_intents.cancel(opened.id),
        "payment_intents.retrieve": lambda: client.v1.payment_intents.retrieve(opened.id),
        "refunds.create": lambda: client.v1.refunds.create({"payment_intent": paid.id}),
    }
    caller.steer("PUT", "/faults", {"operation": operation, "kind": "drop", "times": 1})
    with pytest.raises(stripe.APIConnectionError):
        calls[operation]()
    now = client.v1.payment_intents.retrieve(opened.id).status
    expected = {"payment_intents.confirm": "succeeded", "payment_intents.cancel": "canceled"}
    assert now == expected.get(operation, "requires_confirmation")
    assert len(client.v1.refunds.list().data) == (operation == "refunds.create")
