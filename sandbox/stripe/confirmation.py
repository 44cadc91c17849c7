"""Confirming an intent: the state machine from a payment method to money or a refusal."""

from sandbox.stripe import charges, disputes, intent_rules, methods, next_actions
from sandbox.stripe.cards import UNAUTHENTICATED, Card, Decline
from sandbox.stripe.errors import ApiError, Body, invalid, missing_param
from sandbox.stripe.events import emit
from sandbox.stripe.states import unexpected_state
from sandbox.stripe.world import Call, Operation

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
_ABANDONED = Decline(
    "payment_intent_authentication_failure",
    "The payment method could not be authenticated. Another one may be tried.",
)
_REFUSED = Decline(
    "payment_method_customer_decline", "The customer declined the payment in the wallet."
)
_PROVIDER = Decline("payment_method_provider_decline", "The wallet declined the payment.")


def confirm(call: Call, intent: Body) -> Body:
    """Try to take the money with the method that the call or the intent names."""
    if intent["status"] not in _CONFIRMABLE:
        raise unexpected_state(intent, "confirmed", _CONFIRMABLE)
    if call.params.get("amount_to_confirm", intent["amount"]) != intent["amount"]:
        raise invalid("amount_to_confirm is not the intent's amount.", param="amount_to_confirm")
    method = _attach(call, intent)
    _take_options(call, intent)
    _check_return_url(call, intent, method)
    intent |= {"payment_method": method["id"], "last_payment_error": None, "next_action": None}
    if method["type"] == "card":
        return _try_card(call, intent, method)
    return _ask(call, intent, method)


def _attach(call: Call, intent: Body) -> Body:
    params = call.params
    if "payment_method" in params and "payment_method_data" in params:
        raise invalid(
            "payment_method and payment_method_data may not be given together.",
            code="parameters_exclusive",
            param="payment_method",
        )
    created = call.target == ""
    if "payment_method" in params and not created:
        method = methods.from_token(call, params["payment_method"])
    elif "payment_method_data" in params and not created:
        method = methods.from_data(call, params["payment_method_data"])
    elif intent["payment_method"] is not None:
        method = call.store.get("payment_method", intent["payment_method"])
    else:
        raise invalid(
            "This PaymentIntent cannot be confirmed because it has no payment method.",
            code="payment_intent_unexpected_state",
            payment_intent=intent,
        )
    intent_rules.check_type(intent, method)
    methods.check_owner(method, intent["customer"])
    return method


def _take_options(call: Call, intent: Body) -> None:
    given = call.params.get("payment_method_options", {})
    for kind, options in given.items():
        present = intent["payment_method_options"].get(kind, {})
        intent["payment_method_options"][kind] = {**present, **options}
    if "receipt_email" in call.params:
        intent["receipt_email"] = call.params["receipt_email"]
    if "shipping" in call.params:
        intent["shipping"] = call.params["shipping"]
    if "capture_method" in call.params:
        intent["capture_method"] = call.params["capture_method"]
        intent_rules.check_types(intent)


def _check_return_url(call: Call, intent: Body, method: Body) -> None:
    """Ask for a return address wherever the method, or any allowed one, leaves the page."""
    automatic = intent["automatic_payment_methods"]
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    leaves = method["type"] == "alipay"
    if (redirects or leaves) and "return_url" not in call.params:
        raise missing_param("return_url")
    if method["type"] == "wechat_pay":
        options = intent["payment_method_options"].get("wechat_pay", {})
        if not options.get("client"):
            raise missing_param("payment_method_options[wechat_pay][client]")
        if options["client"] != "web" and not options.get("app_id"):
            raise missing_param("payment_method_options[wechat_pay][app_id]")


def _try_card(call: Call, intent: Body, method: Body) -> Body:
    card = methods.card_of(call, method)
    away = call.params.get("off_session")
    is_set_up = card.challenge == "on setup" and call.store.hidden(method["id"]).get("set_up")
    if not _challenged(card, intent) or (away and is_set_up):
        return _decide(call, intent, method, card.decline)
    if away or call.params.get("error_on_requires_action"):
        return _decide(call, intent, method, UNAUTHENTICATED)
    return _ask(call, intent, method)


def _challenged(card: Card, intent: Body) -> bool:
    options = intent["payment_method_options"].get("card", {})
    asked = options.get("request_three_d_secure") in ("any", "challenge")
    return card.challenge in ("always", "on setup") or (card.challenge == "optional" and asked)


def _ask(call: Call, intent: Body, method: Body) -> Body:
    intent["status"] = "requires_action"
    intent["next_action"] = next_actions.build(call, intent, method)
    call.store.hide(intent["id"], return_url=call.params.get("return_url"))
    call.store.save(intent)
    emit(call, "payment_intent.requires_action", intent)
    return intent


def _decide(call: Call, intent: Body, method: Body, decline: Decline | None) -> Body:
    """Take the money or record why not; a decline is an error that keeps its traces."""
    if decline is None:
        return complete(call, intent, method)
    fail(call, intent, method, decline)
    error = intent["last_payment_error"]
    more = {name: value for name, value in error.items() if name not in ("type", "doc_url")}
    raise ApiError(402, "card_error", more.pop("message"), **_typed(more, intent))


def _typed(fields: Body, intent: Body) -> Body:
    return {**fields, "keeps_effect": True, "payment_intent": intent}


def complete(call: Call, intent: Body, method: Body) -> Body:
    """Take the money, or reserve it for a capture by hand."""
    charge = charges.succeed(call, intent, method)
    call.store.hide(method["id"], used=True)
    held = intent["capture_method"] == "manual"
    intent |= {
        "latest_charge": charge["id"],
        "next_action": None,
        "last_payment_error": None,
        "processing": None,
        "status": "requires_capture" if held else "succeeded",
        "amount_capturable" if held else "amount_received": intent["amount"],
    }
    call.store.save(intent)
    kind = "amount_capturable_updated" if held else "succeeded"
    emit(call, f"payment_intent.{kind}", intent)
    if not held and method["type"] == "card" and methods.card_of(call, method).disputed:
        disputes.open_dispute(call, charge, reason="fraudulent")
    return intent


def fail(call: Call, intent: Body, method: Body, decline: Decline, *, charged: bool = True) -> None:
    """Record a failed attempt; the intent is open for another payment method."""
    charge = charges.fail(call, intent, method, decline) if charged else None
    error: Body = {
        "charge": charge["id"] if charge else None,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": method,
        "type": "card_error" if method["type"] == "card" and charged else "invalid_request_error",
    }
    intent |= {
        "last_payment_error": {name: value for name, value in error.items() if value is not None},
        "latest_charge": charge["id"] if charge else intent["latest_charge"],
        "next_action": None,
        "payment_method": None,
        "processing": None,
        "status": "requires_payment_method",
    }
    call.store.save(intent)
    emit(call, "payment_intent.payment_failed", intent)


def approve(call: Call, intent: Body, *, processing: bool) -> Body:
    """Do what the citizen's approval does: money, a late decline, or a wait in processing."""
    method = _awaited(call, intent)
    if processing and intent["status"] == "requires_action":
        charge = charges.pend(call, intent, method)
        intent |= {"status": "processing", "next_action": None, "latest_charge": charge["id"]}
        call.store.save(intent)
        emit(call, "payment_intent.processing", intent)
        return intent
    if method["type"] == "card":
        decline = methods.card_of(call, method).decline
        if decline is not None:
            fail(call, intent, method, decline)
            return intent
    return complete(call, intent, method)


def decline(call: Call, intent: Body) -> Body:
    """Do what the citizen's refusal, or a failure of what was processing, does."""
    method = _awaited(call, intent)
    if intent["status"] == "processing":
        fail(call, intent, method, _PROVIDER)
    elif method["type"] == "card":
        fail(call, intent, method, _ABANDONED, charged=False)
    else:
        fail(call, intent, method, _REFUSED, charged=False)
    return intent


def _awaited(call: Call, intent: Body) -> Body:
    waiting = ("requires_action", "processing")
    if intent["status"] not in waiting:
        raise unexpected_state(intent, "approved or declined", waiting)
    return call.store.get("payment_method", intent["payment_method"])


def _confirm(call: Call) -> Body:
    return confirm(call, call.store.get("payment_intent", call.target))


OPERATIONS = (
    Operation(
        name="payment_intents.confirm",
        method="POST",
        path="/v1/payment_intents/<target>/confirm",
        handler=_confirm,
        schema=intent_rules.CONFIRM,
        public=intent_rules.PUBLIC_CONFIRM,
    ),
)
