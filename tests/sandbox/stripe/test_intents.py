"""The life of an intent, and what each call refuses."""

from typing import Any

import pytest
import stripe

from .world import Caller

NEW: dict[str, Any] = {"amount": 4250, "currency": "cny", "payment_method_types": ["card"]}
PAID = {**NEW, "payment_method": "pm_card_visa", "confirm": True}


def test_a_new_intent_has_the_fields_of_the_library(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({**NEW, "metadata": {"payment": "p-1"}})
    known = set(stripe.PaymentIntent.__annotations__)
    assert set(intent.to_dict()) <= known
    assert intent.id.startswith("pi_")
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert (intent.livemode, intent.object) == (False, "payment_intent")
    assert intent.metadata.to_dict() == {"payment": "p-1"}
    assert intent.payment_method_types == ["card"]


def test_the_shapes_have_no_field_that_the_library_does_not_know(
    client: stripe.StripeClient,
) -> None:
    intent = client.v1.payment_intents.create({**PAID, "expand": ["latest_charge"]})
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    entry = client.v1.balance_transactions.list().data[0]
    event = client.v1.events.list().data[0]
    method = client.v1.payment_methods.retrieve(intent.payment_method)
    for body, kind in [
        (intent.latest_charge, stripe.Charge),
        (refund, stripe.Refund),
        (entry, stripe.BalanceTransaction),
        (event, stripe.Event),
        (method, stripe.PaymentMethod),
    ]:
        assert set(body.to_dict()) <= set(kind.__annotations__), kind


def test_step_by_step_to_the_money(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(NEW)
    assert intent.status == "requires_payment_method"
    intent = client.v1.payment_intents.update(intent.id, {"payment_method": "pm_card_mastercard"})
    assert intent.status == "requires_confirmation"
    intent = client.v1.payment_intents.confirm(intent.id, {"expand": ["latest_charge"]})
    assert (intent.status, intent.amount_received) == ("succeeded", 4250)
    assert intent.latest_charge.payment_method_details.card.brand == "mastercard"
    assert intent.latest_charge.captured


def test_without_types_the_methods_fit_the_currency(client: stripe.StripeClient) -> None:
    def types(currency: str, **more: dict[str, Any]) -> list[str]:
        made = client.v1.payment_intents.create({"amount": 5000, "currency": currency, **more})
        return made.payment_method_types

    assert types("cny") == ["card", "alipay", "wechat_pay"]
    assert types("brl") == ["card"]
    automatic = {"enabled": True, "allow_redirects": "never"}
    assert types("cny", automatic_payment_methods=automatic) == ["card"]


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": 399}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"amount": "42.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": -1}, "parameter_invalid_integer", "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_method_types": ["cash"]}, None, "payment_method_types[0]"),
        ({"payment_method": "pm_nobody"}, "resource_missing", "payment_method"),
        ({"customer": "cus_x"}, "resource_missing", "customer"),
        ({"return_url": "https://x.example"}, None, "return_url"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        (
            {"currency": "brl", "payment_method_types": ["alipay"]},
            "payment_intent_invalid_parameter",
            "currency",
        ),
        (
            {"capture_method": "manual", "payment_method_types": ["wechat_pay"]},
            "payment_intent_invalid_parameter",
            "capture_method",
        ),
        (
            {"automatic_payment_methods": {"enabled": True}},
            "parameters_exclusive",
            "automatic_payment_methods[enabled]",
        ),
        ({"expand": ["customer_card"]}, None, "expand"),
    ],
)
def test_what_create_refuses(
    client: stripe.StripeClient, change: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({**NEW, **change})
    assert refused.value.http_status == 400
    assert (refused.value.code, refused.value.param) == (code, param)
    assert client.v1.payment_intents.list().data == []
    assert client.v1.events.list().data == []


@pytest.mark.parametrize("missing", ["amount", "currency"])
def test_what_create_needs(client: stripe.StripeClient, missing: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create({k: v for k, v in NEW.items() if k != missing})
    assert (refused.value.code, refused.value.param) == ("parameter_missing", missing)


def test_an_unknown_intent_is_404(client: stripe.StripeClient) -> None:
    for call in (
        client.v1.payment_intents.retrieve,
        client.v1.payment_intents.confirm,
        client.v1.payment_intents.cancel,
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            call("pi_nobody")
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_confirming_needs_a_method_and_an_open_intent(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(NEW)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error.payment_intent.status == "succeeded"
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_a_redirecting_intent_needs_a_return_url(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 4250, "currency": "cny"})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (refused.value.code, refused.value.param) == ("parameter_missing", "return_url")


def test_an_open_intent_is_cancelled_once(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(NEW)
    gone = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    assert gone.canceled_at is not None
    for call in (client.v1.payment_intents.cancel, client.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            call(intent.id)
        assert refused.value.code == "payment_intent_unexpected_state"


def test_a_paid_intent_is_neither_cancelled_nor_changed(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create(PAID)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(paid.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.update(paid.id, {"amount": 9000})
    assert refused.value.code == "payment_intent_unexpected_state"
    noted = client.v1.payment_intents.update(paid.id, {"metadata": {"a": "1", "b": "2"}})
    assert noted.metadata.to_dict() == {"a": "1", "b": "2"}
    noted = client.v1.payment_intents.update(paid.id, {"metadata": {"a": ""}})
    assert noted.metadata.to_dict() == {"b": "2"}
    assert (noted.status, noted.amount) == ("succeeded", 4250)


def test_money_may_be_reserved_and_captured_in_part(client: stripe.StripeClient) -> None:
    held = client.v1.payment_intents.create({**PAID, "capture_method": "manual"})
    assert (held.status, held.amount_capturable, held.amount_received) == (
        "requires_capture",
        4250,
        0,
    )
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": held.id})
    assert refused.value.http_status == 400
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.capture(held.id, {"amount_to_capture": 4251})
    assert refused.value.code == "amount_too_large"
    taken = client.v1.payment_intents.capture(held.id, {"amount_to_capture": 3000})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 3000, 0)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.capture(held.id)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": held.id, "amount": 3001})
    assert client.v1.refunds.create({"payment_intent": held.id}).amount == 3000


def test_reserved_money_goes_back_on_cancel(client: stripe.StripeClient) -> None:
    held = client.v1.payment_intents.create({**PAID, "capture_method": "manual"})
    gone = client.v1.payment_intents.cancel(held.id, {"expand": ["latest_charge"]})
    assert (gone.status, gone.latest_charge.refunded) == ("canceled", True)
    assert client.v1.balance_transactions.list().data == []


def test_lists_are_walked_by_cursor(client: stripe.StripeClient) -> None:
    made = [client.v1.payment_intents.create(NEW).id for _ in range(7)][::-1]
    first = client.v1.payment_intents.list({"limit": 3})
    assert [one.id for one in first.data] == made[:3]
    assert first.has_more
    after = client.v1.payment_intents.list({"limit": 3, "starting_after": made[2]})
    assert [one.id for one in after.data] == made[3:6]
    last = client.v1.payment_intents.list({"limit": 3, "starting_after": made[5]})
    assert ([one.id for one in last.data], last.has_more) == (made[6:], False)
    before = client.v1.payment_intents.list({"limit": 3, "ending_before": made[5]})
    assert ([one.id for one in before.data], before.has_more) == (made[2:5], True)
    walked = client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()
    assert [one.id for one in walked] == made
    for wrong in ({"limit": 101}, {"limit": 0}, {"starting_after": "pi_nobody"}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payment_intents.list(wrong)


def test_lists_are_bounded_by_time(client: stripe.StripeClient, caller: Caller) -> None:
    old = client.v1.payment_intents.create(NEW)
    caller.steer("POST", "/clock", {"advance": 3600})
    new = client.v1.payment_intents.create(NEW)
    assert new.created >= old.created + 3600
    found = client.v1.payment_intents.list({"created": {"gte": new.created}})
    assert [one.id for one in found.data] == [new.id]
    found = client.v1.payment_intents.list({"created": {"lt": new.created}})
    assert [one.id for one in found.data] == [old.id]
    found = client.v1.payment_intents.list({"created": old.created})
    assert [one.id for one in found.data] == [old.id]


def test_intents_are_found_by_metadata(client: stripe.StripeClient) -> None:
    mine = [
        client.v1.payment_intents.create({**NEW, "metadata": {"payment": "it's"}}).id
        for _ in range(3)
    ]
    client.v1.payment_intents.create({**PAID, "metadata": {"payment": "other"}})

    def found(query: str, **more: int | str) -> stripe.SearchResultObject[stripe.PaymentIntent]:
        return client.v1.payment_intents.search({"query": query, **more})

    assert [one.id for one in found("metadata['payment']:'it\\'s'").data] == mine[::-1]
    assert len(found("metadata['payment']:'other' AND status:'succeeded'").data) == 1
    assert found("metadata['payment']:'other' AND status:'canceled'").data == []
    assert len(found("-metadata['payment']:'other' AND amount>=4250").data) == 3
    assert len(found("status:'succeeded' OR status:'requires_payment_method'").data) == 4
    assert len(found("metadata['payment']:null").data) == 0
    page = found("currency:'cny'", limit=2)
    assert (len(page.data), page.has_more) == (2, True)
    rest = found("currency:'cny'", limit=2, page=page.next_page)
    assert (len(rest.data), rest.has_more) == (2, False)
    for wrong in ("payment:'x'", "metadata:'x'", "", "status:'a' AND status:'b' OR status:'c'"):
        with pytest.raises(stripe.InvalidRequestError):
            found(wrong)


def test_expanding_reaches_through_objects_and_lists(client: stripe.StripeClient) -> None:
    paid = client.v1.payment_intents.create(
        {**PAID, "expand": ["latest_charge.balance_transaction", "payment_method"]}
    )
    assert paid.latest_charge.balance_transaction.source == paid.latest_charge.id
    assert paid.payment_method.card.last4 == "4242"
    listed = client.v1.payment_intents.list({"expand": ["data.latest_charge"]})
    assert listed.data[0].latest_charge.paid
    refund = client.v1.refunds.create({"payment_intent": paid.id, "expand": ["charge.refunds"]})
    assert refund.charge.refunds.data[0].id == refund.id


def test_what_is_not_a_proper_request_is_refused(caller: Caller) -> None:
    path = "/v1/payment_intents"
    assert caller.form("GET", path, key=None).status == 401
    assert caller.form("GET", path, key="sk_test_wrong").status == 401
    assert caller.form("GET", "/v1/unheard_of").status == 404
    assert caller.form("POST", path, "amount[=1").status == 400
    assert caller.form("POST", path, "amount=1&amount[a]=2").status == 400
    assert caller.form("POST", path, "amount=%ff").status == 400
    assert caller.form("POST", path, headers={"Content-Type": "application/json"}).status == 400
    wrong = caller.form("GET", path, headers={"Stripe-Version": "tomorrow"})
    assert wrong.status == 400
    right = caller.form("GET", path, headers={"Stripe-Version": "2026-10-28.endive"})
    assert right.headers["Stripe-Version"] == "2026-10-28.endive"
    assert right.headers["Request-Id"].startswith("req_")
    assert [entry["status"] for entry in caller.journal()][:3] == [401, 401, 404]
