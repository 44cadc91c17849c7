"""Alipay and WeChat Pay: a page or a code, an approval, sometimes a wait."""

import re
from typing import Any

import pytest
import stripe
import urllib3

from .world import Caller

RETURN = "https://city.example/back?bill=1"


def start(client: stripe.StripeClient, kind: str) -> stripe.PaymentIntent:
    options = {"wechat_pay": {"client": "web"}} if kind == "wechat_pay" else {}
    params: dict[str, Any] = {
        "amount": 4250,
        "currency": "cny",
        "payment_method_types": [kind],
        "payment_method_data": {"type": kind},
        "confirm": True,
        "return_url": RETURN,
    }
    return client.v1.payment_intents.create(
        {**params, "payment_method_options": options} if options else params
    )


@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_a_wallet_is_asked_and_approves(
    client: stripe.StripeClient, caller: Caller, kind: str
) -> None:
    intent = start(client, kind)
    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    caller.steer("POST", f"/payment_intents/{intent.id}/approve")
    paid = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (paid.status, paid.amount_received, paid.next_action) == ("succeeded", 4250, None)
    assert paid.latest_charge.payment_method_details.type == kind
    assert paid.latest_charge.id.startswith("py_")
    refused = caller.form("POST", f"/sandbox/payment_intents/{intent.id}/approve")
    assert refused.body["error"]["code"] == "payment_intent_unexpected_state"


@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_a_wallet_can_say_no(client: stripe.StripeClient, caller: Caller, kind: str) -> None:
    intent = start(client, kind)
    caller.steer("POST", f"/payment_intents/{intent.id}/decline")
    now = client.v1.payment_intents.retrieve(intent.id)
    assert now.status == "requires_payment_method"
    assert now.last_payment_error.code == "payment_method_customer_decline"
    assert client.v1.balance_transactions.list().data == []


@pytest.mark.parametrize(
    ("end", "status"), [("approve", "succeeded"), ("decline", "requires_payment_method")]
)
def test_a_wallet_can_take_its_time(
    client: stripe.StripeClient, caller: Caller, end: str, status: str
) -> None:
    intent = start(client, "alipay")
    caller.steer("POST", f"/payment_intents/{intent.id}/approve", {"as": "processing"})
    waiting = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (waiting.status, waiting.latest_charge.status) == ("processing", "pending")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.cancel(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    caller.steer("POST", f"/payment_intents/{intent.id}/{end}")
    assert client.v1.payment_intents.retrieve(intent.id).status == status
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_alipay_redirects_to_a_page_and_back(client: stripe.StripeClient) -> None:
    intent = start(client, "alipay")
    action = intent.next_action.alipay_handle_redirect
    assert intent.next_action.type == "alipay_handle_redirect"
    assert action.return_url == RETURN
    with urllib3.PoolManager(retries=False) as http:
        page = http.request("GET", action.url)
        assert re.findall(rb'value="(\w+)"', page.data) == [b"approve", b"decline"]
        back = http.request_encode_body(
            "POST", action.url, {"outcome": "approve"}, encode_multipart=False, redirect=False
        )
    assert back.status == 303
    assert back.headers["Location"] == (
        f"{RETURN}&payment_intent={intent.id}"
        f"&payment_intent_client_secret={intent.client_secret}&redirect_status=succeeded"
    )
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_wechat_pay_shows_a_code(client: stripe.StripeClient) -> None:
    intent = start(client, "wechat_pay")
    code = intent.next_action.wechat_pay_display_qr_code
    assert code.data == code.hosted_instructions_url
    with urllib3.PoolManager(retries=False) as http:
        assert http.request("GET", code.image_url_png).data.startswith(b"\x89PNG")
        assert http.request("GET", code.image_url_svg).data.startswith(b"<svg")


@pytest.mark.parametrize("device", ["ios", "android"])
def test_wechat_pay_opens_the_app(client: stripe.StripeClient, device: str) -> None:
    intent = client.v1.payment_intents.create(
        {
            "amount": 4250,
            "currency": "cny",
            "payment_method_types": ["wechat_pay"],
            "payment_method_data": {"type": "wechat_pay"},
            "payment_method_options": {"wechat_pay": {"client": device, "app_id": "wx1"}},
            "confirm": True,
        }
    )
    assert intent.next_action.type == f"wechat_pay_redirect_to_{device}_app"


def test_what_the_wallets_need(client: stripe.StripeClient) -> None:
    base = {"amount": 4250, "currency": "cny", "confirm": True}
    for kind, param in [
        ("alipay", "return_url"),
        ("wechat_pay", "payment_method_options[wechat_pay][client]"),
    ]:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.create(
                {**base, "payment_method_types": [kind], "payment_method_data": {"type": kind}}
            )
        assert (refused.value.code, refused.value.param) == ("parameter_missing", param)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(
            {**base, "payment_method_types": ["card"], "payment_method_data": {"type": "alipay"}}
        )
    assert refused.value.code == "payment_intent_incompatible_payment_method"


def test_another_method_replaces_one_that_was_asked(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {"amount": 4250, "currency": "cny", "payment_method_types": ["card", "alipay"]}
    )
    asked = client.v1.payment_intents.confirm(
        intent.id, {"payment_method_data": {"type": "alipay"}, "return_url": RETURN}
    )
    assert asked.status == "requires_action"
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"
