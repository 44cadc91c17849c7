"""Every documented test card does what it is documented for."""

from typing import Any

import pytest
import stripe

from sandbox.stripe.cards import CARDS, passes_luhn

from .world import Caller

NEW: dict[str, Any] = {"amount": 4250, "currency": "cny", "payment_method_types": ["card"]}
DECLINES = [
    ("4000000000000002", "pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    (
        "4000000000009995",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
    ),
    ("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
    ("4000000000000119", "pm_card_chargeDeclinedProcessingError", "processing_error", None),
    (
        "4000000000006975",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "card_declined",
        "card_velocity_exceeded",
    ),
    ("4100000000000019", "pm_card_radarBlock", "card_declined", "fraudulent"),
    ("4000000000000341", "pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ("4111111111111111", None, "card_declined", "test_mode_live_card"),
]


def card(number: str, **more: object) -> dict[str, Any]:
    details = {"number": number, "exp_month": 12, "exp_year": 2030, "cvc": "123", **more}
    return {"type": "card", "card": details}


@pytest.mark.parametrize(("number", "token", "code", "decline_code"), DECLINES)
def test_a_declined_card_tells_why_and_leaves_the_intent_open(
    client: stripe.StripeClient, number: str, token: str | None, code: str, decline_code: str | None
) -> None:
    ways: list[dict[str, Any]] = [{"payment_method_data": card(number)}]
    if token:
        ways.append({"payment_method": token})
    for way in ways:
        intent = client.v1.payment_intents.create(NEW)
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_intents.confirm(intent.id, way)
        error = declined.value.error
        assert declined.value.http_status == 402
        assert (error.code, error.decline_code, error.type) == (code, decline_code, "card_error")
        assert error.payment_intent.id == intent.id
        now = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
        assert (now.status, now.payment_method) == ("requires_payment_method", None)
        assert now.last_payment_error.code == code
        assert now.last_payment_error.payment_method.card.last4 == number[-4:]
        assert (now.latest_charge.status, now.latest_charge.failure_code) == ("failed", code)
        assert error.charge == now.latest_charge.id
        assert now.amount_received == 0


def test_after_a_decline_another_card_pays(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(NEW)
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_radarBlock"})
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.last_payment_error, paid.amount_received) == ("succeeded", None, 4250)
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 2


def test_every_number_has_a_right_check_digit() -> None:
    assert all(passes_luhn(one.number) for one in CARDS)
    assert len({one.number for one in CARDS}) == len(CARDS)


def test_every_token_pays_declines_or_asks(client: stripe.StripeClient) -> None:
    for one in CARDS:
        for token in one.tokens:
            try:
                intent = client.v1.payment_intents.create(
                    {**NEW, "payment_method": token, "confirm": True}
                )
            except stripe.CardError:
                assert one.decline, token
                assert one.challenge == "never"
            else:
                asks = one.challenge in {"always", "on setup"}
                assert intent.status == ("requires_action" if asks else "succeeded"), token


@pytest.mark.parametrize(
    ("details", "code", "param"),
    [
        (card("4242424242424241"), "incorrect_number", "number"),
        (card("4242424242424242", exp_month=13), "invalid_expiry_month", "exp_month"),
        (card("4242424242424242", exp_year=2020), "invalid_expiry_year", "exp_year"),
        (card("4242424242424242", cvc="12"), "invalid_cvc", "cvc"),
    ],
)
def test_details_that_cannot_be_a_card_change_nothing(
    client: stripe.StripeClient, details: dict[str, Any], code: str, param: str
) -> None:
    intent = client.v1.payment_intents.create(NEW)
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method_data": details})
    assert (refused.value.http_status, refused.value.code) == (402, code)
    assert refused.value.param == param
    now = client.v1.payment_intents.retrieve(intent.id)
    assert (now.status, now.last_payment_error) == ("requires_payment_method", None)
    assert client.v1.charges.list({"payment_intent": intent.id}).data == []


def test_a_card_can_be_challenged_and_approved(client: stripe.StripeClient, caller: Caller) -> None:
    intent = client.v1.payment_intents.create(
        {**NEW, "payment_method": "pm_card_threeDSecure2Required", "confirm": True}
    )
    assert intent.status == "requires_action"
    assert intent.next_action.type == "use_stripe_sdk"
    assert intent.latest_charge is None
    caller.steer("POST", f"/payment_intents/{intent.id}/approve")
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_challenge_with_a_return_url_is_a_redirect(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {
            **NEW,
            "payment_method": "pm_card_authenticationRequired",
            "confirm": True,
            "return_url": "https://city.example/back",
        }
    )
    assert intent.next_action.type == "redirect_to_url"
    assert intent.next_action.redirect_to_url.return_url == "https://city.example/back"


def test_a_challenge_can_be_failed(client: stripe.StripeClient, caller: Caller) -> None:
    intent = client.v1.payment_intents.create(
        {**NEW, "payment_method": "pm_card_authenticationRequired", "confirm": True}
    )
    caller.steer("POST", f"/payment_intents/{intent.id}/decline")
    now = client.v1.payment_intents.retrieve(intent.id)
    assert (now.status, now.next_action) == ("requires_payment_method", None)
    assert now.last_payment_error.code == "payment_intent_authentication_failure"


def test_a_challenge_may_end_in_a_decline(client: stripe.StripeClient, caller: Caller) -> None:
    token = "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    intent = client.v1.payment_intents.create({**NEW, "payment_method": token, "confirm": True})
    caller.steer("POST", f"/payment_intents/{intent.id}/approve")
    now = client.v1.payment_intents.retrieve(intent.id)
    assert now.status == "requires_payment_method"
    assert now.last_payment_error.decline_code == "insufficient_funds"


def test_an_optional_challenge_is_asked_for(client: stripe.StripeClient) -> None:
    paid = {**NEW, "payment_method": "pm_card_threeDSecureOptional", "confirm": True}
    assert client.v1.payment_intents.create(paid).status == "succeeded"
    asked = {**paid, "payment_method_options": {"card": {"request_three_d_secure": "any"}}}
    assert client.v1.payment_intents.create(asked).status == "requires_action"


def test_a_challenge_nobody_can_answer_is_a_decline(client: stripe.StripeClient) -> None:
    for way in ("off_session", "error_on_requires_action"):
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_intents.create(
                {
                    **NEW,
                    "payment_method": "pm_card_authenticationRequired",
                    "confirm": True,
                    way: True,
                }
            )
        assert declined.value.code == "authentication_required"


def test_a_payment_method_pays_once(client: stripe.StripeClient) -> None:
    method = client.v1.payment_methods.create(card("4242424242424242"))
    paid = client.v1.payment_intents.create({**NEW, "payment_method": method.id, "confirm": True})
    assert (paid.status, paid.payment_method) == ("succeeded", method.id)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({**NEW, "payment_method": method.id})
