"""What a client may do with the publishable key and an intent's secret."""

from typing import Any

import pytest
import stripe

from sandbox.stripe import Sandbox

from .world import PUBLISHABLE_KEY, Caller

NEW: dict[str, Any] = {
    "amount": 4250,
    "currency": "cny",
    "payment_method_types": ["card"],
    "metadata": {"payment": "p-1"},
}


@pytest.fixture
def intent(client: stripe.StripeClient) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(NEW)


def confirm(caller: Caller, intent: stripe.PaymentIntent, **more: str) -> Any:  # noqa: ANN401
    fields = {"client_secret": str(intent.client_secret), "payment_method": "pm_card_visa", **more}
    path = f"/v1/payment_intents/{intent.id}/confirm"
    return caller.form("POST", path, fields, key=PUBLISHABLE_KEY)


def test_a_client_confirms_with_its_secret(
    client: stripe.StripeClient, caller: Caller, intent: stripe.PaymentIntent
) -> None:
    answer = confirm(caller, intent)
    assert (answer.status, answer.body["status"]) == (200, "succeeded")
    hidden = {"metadata", "latest_charge", "amount_received", "customer", "transfer_group"}
    assert not hidden & set(answer.body)
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_client_reads_only_with_its_secret(caller: Caller, intent: stripe.PaymentIntent) -> None:
    path = f"/v1/payment_intents/{intent.id}"
    secret = {"client_secret": str(intent.client_secret)}
    seen = caller.form("GET", path, secret, key=PUBLISHABLE_KEY)
    assert (seen.status, seen.body["amount"]) == (200, 4250)
    assert "metadata" not in seen.body
    assert caller.form("GET", path, key=PUBLISHABLE_KEY).status == 400
    wrong = caller.form("GET", path, {"client_secret": "x"}, key=PUBLISHABLE_KEY)
    assert (wrong.status, wrong.body["error"]["param"]) == (400, "client_secret")
    peek = {**secret, "expand[]": "latest_charge"}
    assert caller.form("GET", path, peek, key=PUBLISHABLE_KEY).status == 400


def test_a_wrong_secret_confirms_nothing(
    client: stripe.StripeClient, caller: Caller, intent: stripe.PaymentIntent
) -> None:
    assert confirm(caller, intent, client_secret=f"{intent.id}_secret_guess").status == 400
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


@pytest.mark.parametrize("name", ["off_session", "error_on_requires_action", "metadata[a]"])
def test_a_client_may_not_say_everything(
    caller: Caller, intent: stripe.PaymentIntent, name: str
) -> None:
    answer = confirm(caller, intent, **{name: "true"})
    assert (answer.status, answer.body["error"]["code"]) == (400, "parameter_unknown")


def test_a_client_sees_a_decline_without_what_is_hidden(
    caller: Caller, intent: stripe.PaymentIntent
) -> None:
    answer = confirm(caller, intent, payment_method="pm_card_visa_chargeDeclined")
    assert (answer.status, answer.body["error"]["code"]) == (402, "card_declined")
    assert "metadata" not in answer.body["error"]["payment_intent"]


def test_everything_else_needs_the_secret_key(caller: Caller, intent: stripe.PaymentIntent) -> None:
    for method, path in [
        ("POST", "/v1/payment_intents"),
        ("GET", "/v1/payment_intents"),
        ("POST", f"/v1/payment_intents/{intent.id}"),
        ("POST", f"/v1/payment_intents/{intent.id}/cancel"),
        ("POST", f"/v1/payment_intents/{intent.id}/capture"),
        ("POST", "/v1/refunds"),
        ("GET", "/v1/events"),
        ("GET", "/v1/balance_transactions"),
        ("POST", "/v1/webhook_endpoints"),
    ]:
        answer = caller.form(method, path, key=PUBLISHABLE_KEY)
        assert (answer.status, answer.body["error"]["code"]) == (403, "secret_key_required")


def test_the_publishable_key_may_come_in_the_body(
    caller: Caller, intent: stripe.PaymentIntent
) -> None:
    fields = {"key": PUBLISHABLE_KEY, "client_secret": str(intent.client_secret)}
    answer = caller.form("GET", f"/v1/payment_intents/{intent.id}", fields, key=None)
    assert answer.status == 200


def test_the_library_itself_may_be_the_client(
    sandbox: Sandbox, intent: stripe.PaymentIntent
) -> None:
    client = stripe.StripeClient(PUBLISHABLE_KEY, base_addresses={"api": sandbox.url})
    seen = client.v1.payment_intents.retrieve(intent.id, {"client_secret": intent.client_secret})
    assert seen.status == "requires_payment_method"
    with pytest.raises(stripe.PermissionError):
        client.v1.payment_intents.list()
