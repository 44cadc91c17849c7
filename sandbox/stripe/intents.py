"""PaymentIntents: their shape, and the calls that do not move money."""

from sandbox.stripe import (
    confirmation,
    currencies,
    customers,
    intent_rules,
    lists,
    methods,
    search,
)
from sandbox.stripe.errors import Body
from sandbox.stripe.events import emit
from sandbox.stripe.ids import new_client_secret, new_id
from sandbox.stripe.rules import merge_metadata
from sandbox.stripe.states import unexpected_state
from sandbox.stripe.world import Call, Operation

_UNSET = (
    "application", "application_fee_amount", "canceled_at", "cancellation_reason",
    "customer_account", "excluded_payment_method_types", "last_payment_error", "latest_charge",
    "next_action", "on_behalf_of", "payment_method", "payment_method_configuration_details",
    "processing", "review", "setup_future_usage", "source", "transfer_data",
)  # fmt: skip
_TEXTS = (
    "description", "receipt_email", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_MONEY = ("amount", "currency", "payment_method_types", "payment_method", "payment_method_data")


def _create(call: Call) -> Body:
    params = call.params
    currency = currencies.check_currency(params["currency"])
    currencies.check_amount(params["amount"], currency)
    intent_rules.check_combination(params)
    types, automatic = intent_rules.choose_types(params, currency)
    intent = _shape(call, currency, types, automatic)
    method = _method(call)
    if "customer" in params:
        customers.living(call, params["customer"])
    if method is not None:
        intent_rules.check_type(intent, method)
        methods.check_owner(method, intent["customer"])
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    call.store.add(intent)
    emit(call, "payment_intent.created", intent)
    if params.get("confirm"):
        return confirmation.confirm(call, intent)
    return intent


def _method(call: Call) -> Body | None:
    if "payment_method" in call.params:
        return methods.from_token(call, call.params["payment_method"])
    if "payment_method_data" in call.params:
        return methods.from_data(call, call.params["payment_method_data"])
    return None


def _shape(call: Call, currency: str, types: list[str], automatic: Body | None) -> Body:
    params = call.params
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        **dict.fromkeys(_UNSET),
        **{name: params.get(name) for name in _TEXTS},
        "amount": params["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "automatic_payment_methods": automatic,
        "capture_method": params.get("capture_method", "automatic_async"),
        "client_secret": new_client_secret(intent_id),
        "confirmation_method": params.get("confirmation_method", "automatic"),
        "created": call.now,
        "currency": currency,
        "customer": params.get("customer"),
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "payment_method_options": intent_rules.shown_options(params, types),
        "payment_method_types": types,
        "status": "requires_payment_method",
    }


def _retrieve(call: Call) -> Body:
    return call.store.get("payment_intent", call.target)


def _update(call: Call) -> Body:
    intent, params = call.store.get("payment_intent", call.target), call.params
    before = dict(intent)
    if any(name in params for name in _MONEY) and intent["status"] not in _OPEN:
        raise unexpected_state(intent, "updated in this way", _OPEN)
    if "amount" in params or "currency" in params:
        intent["currency"] = currencies.check_currency(params.get("currency") or intent["currency"])
        intent["amount"] = params.get("amount", intent["amount"])
        currencies.check_amount(intent["amount"], intent["currency"])
    if "payment_method_types" in params:
        intent["payment_method_types"] = params["payment_method_types"]
        intent["automatic_payment_methods"] = None
    if "capture_method" in params:
        intent["capture_method"] = params["capture_method"]
    intent_rules.check_types(intent)
    intent |= {name: params[name] for name in _TEXTS if name in params}
    if "metadata" in params:
        intent["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
    if "payment_method_options" in params:
        intent["payment_method_options"] |= intent_rules.shown_options(params, [])
    _update_method(call, intent)
    if intent != before:
        call.store.save(intent)
    return intent


def _update_method(call: Call, intent: Body) -> None:
    method = _method(call)
    if method is not None:
        intent_rules.check_type(intent, method)
        methods.check_owner(method, intent["customer"])
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    changed = any(name in call.params for name in _MONEY)
    if changed and intent["status"] == "requires_action":
        # What the citizen was about to approve is no longer what would be charged.
        intent["status"] = "requires_confirmation"
    if intent["status"] != "requires_action":
        intent["next_action"] = None


def _list(call: Call) -> Body:
    named = call.params.get("customer")
    if named is not None:
        customers.living(call, named)
    return lists.page(
        call,
        "payment_intent",
        "/v1/payment_intents",
        fits=lambda intent: named is None or intent["customer"] == named,
    )


def _search(call: Call) -> Body:
    return search.find(call, "payment_intent", "/v1/payment_intents/search")


_PATH = "/v1/payment_intents"
OPERATIONS = (
    Operation(
        name="payment_intents.create",
        method="POST",
        path=_PATH,
        handler=_create,
        schema=intent_rules.CREATE,
    ),
    Operation(
        name="payment_intents.search",
        method="GET",
        path=f"{_PATH}/search",
        handler=_search,
        schema=intent_rules.SEARCH,
    ),
    Operation(
        name="payment_intents.list",
        method="GET",
        path=_PATH,
        handler=_list,
        schema=intent_rules.LISTED,
    ),
    Operation(
        name="payment_intents.retrieve",
        method="GET",
        path=f"{_PATH}/<target>",
        handler=_retrieve,
        schema=intent_rules.RETRIEVE,
        public=intent_rules.PUBLIC_RETRIEVE,
    ),
    Operation(
        name="payment_intents.update",
        method="POST",
        path=f"{_PATH}/<target>",
        handler=_update,
        schema=intent_rules.UPDATE,
    ),
)
