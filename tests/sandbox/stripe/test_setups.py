"""Methods that are kept: set up with the citizen there, charged while they are away."""

from typing import Any

import pytest
import stripe

from .world import PUBLISHABLE_KEY, Caller

CHARGE: dict[str, Any] = {
    "amount": 4250,
    "currency": "cny",
    "payment_method_types": ["card"],
    "confirm": True,
    "off_session": True,
}


def set_up(client: stripe.StripeClient, caller: Caller, token: str) -> tuple[str, str]:
    """Attach a fresh card to a fresh customer, challenge included; return both ids."""
    customer = client.v1.customers.create({"metadata": {"saved": "s-1"}})
    setup = client.v1.setup_intents.create({"customer": customer.id})
    done = client.v1.setup_intents.confirm(setup.id, {"payment_method": token})
    if done.status == "requires_action":
        caller.steer("POST", f"/setup_intents/{setup.id}/approve")
        done = client.v1.setup_intents.retrieve(setup.id)
    assert done.status == "succeeded"
    return customer.id, str(done.payment_method)


def test_a_method_that_was_set_up_pays_again_and_again(
    client: stripe.StripeClient, caller: Caller
) -> None:
    customer, method = set_up(client, caller, "pm_card_visa")
    for _ in range(3):
        paid = client.v1.payment_intents.create(
            {**CHARGE, "customer": customer, "payment_method": method}
        )
        assert (paid.status, paid.amount_received, paid.customer) == ("succeeded", 4250, customer)
    assert client.v1.payment_methods.retrieve(method).customer == customer
    assert len(client.v1.payment_intents.list({"customer": customer}).data) == 3


@pytest.mark.parametrize(
    ("token", "decline"),
    [
        ("pm_card_authenticationRequired", "authentication_required"),
        ("pm_card_authenticationRequiredOnSetup", None),
        ("pm_card_chargeCustomerFail", "generic_decline"),
    ],
)
def test_what_a_card_does_while_its_owner_is_away(
    client: stripe.StripeClient, caller: Caller, token: str, decline: str | None
) -> None:
    customer, method = set_up(client, caller, token)
    order = {**CHARGE, "customer": customer, "payment_method": method}
    if decline is None:
        assert client.v1.payment_intents.create(order).status == "succeeded"
        return
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.create(order)
    error = refused.value.error
    assert error is not None
    assert error.decline_code == decline
    intent = client.v1.payment_intents.list({"customer": customer}).data[0]
    assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)


def test_a_card_that_is_declined_is_not_attached(
    client: stripe.StripeClient, caller: Caller
) -> None:
    customer = client.v1.customers.create()
    setup = client.v1.setup_intents.create({"customer": customer.id})
    with pytest.raises(stripe.CardError):
        client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_chargeDeclined"})
    failed = client.v1.setup_intents.retrieve(setup.id)
    assert (failed.status, failed.payment_method) == ("requires_payment_method", None)
    client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_threeDSecure2Required"})
    caller.steer("POST", f"/setup_intents/{setup.id}/decline")
    failed = client.v1.setup_intents.retrieve(setup.id)
    assert failed.last_setup_error is not None
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"
    assert client.v1.setup_intents.cancel(setup.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})


def test_what_belongs_to_a_customer_pays_for_nobody_else(
    client: stripe.StripeClient, caller: Caller
) -> None:
    customer, method = set_up(client, caller, "pm_card_visa")
    other = client.v1.customers.create()
    for named in ({}, {"customer": other.id}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.create({**CHARGE, **named, "payment_method": method})
    client.v1.payment_methods.detach(method)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({**CHARGE, "customer": customer, "payment_method": method})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_methods.detach(method)
    assert not client.v1.charges.list().data


def test_a_deleted_customer_has_no_methods_and_takes_none(
    client: stripe.StripeClient, caller: Caller
) -> None:
    customer, method = set_up(client, caller, "pm_card_visa")
    assert client.v1.customers.delete(customer).deleted
    assert client.v1.payment_methods.retrieve(method).customer is None
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.setup_intents.create({"customer": customer})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({**CHARGE, "customer": customer})


def test_a_client_sets_up_with_the_publishable_key_and_its_own_secret(
    client: stripe.StripeClient, caller: Caller
) -> None:
    customer = client.v1.customers.create()
    setup = client.v1.setup_intents.create({"customer": customer.id, "metadata": {"saved": "s-1"}})
    other = client.v1.setup_intents.create({"customer": customer.id})
    path = f"/v1/setup_intents/{setup.id}/confirm"
    fields = {"payment_method": "pm_card_visa"}
    for secret in (None, other.client_secret):
        given = fields | ({"client_secret": str(secret)} if secret else {})
        assert caller.form("POST", path, given, key=PUBLISHABLE_KEY).status == 400
    given = {**fields, "client_secret": str(setup.client_secret)}
    answer = caller.form("POST", path, given, key=PUBLISHABLE_KEY)
    assert (answer.status, answer.body["status"]) == (200, "succeeded")
    assert {"metadata", "customer"}.isdisjoint(answer.body)
    made = caller.form("POST", "/v1/customers", {}, key=PUBLISHABLE_KEY)
    assert made.status == 403


def test_the_shapes_are_those_of_the_library(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"description": "one"})
    setup = client.v1.setup_intents.create({"customer": customer.id})
    assert set(customer.to_dict()) <= set(stripe.Customer.__annotations__)
    assert set(setup.to_dict()) <= set(stripe.SetupIntent.__annotations__)
    assert [one.id for one in client.v1.customers.list().data] == [customer.id]
    assert [one.id for one in client.v1.setup_intents.list({"customer": customer.id}).data] == [
        setup.id
    ]
