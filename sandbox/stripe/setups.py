"""SetupIntents: a method is proven and attached to its customer, so that it may pay later."""

from sandbox.stripe import customers, lists, methods
from sandbox.stripe.cards import Decline
from sandbox.stripe.errors import ApiError, Body, invalid
from sandbox.stripe.events import emit
from sandbox.stripe.ids import new_client_secret, new_id
from sandbox.stripe.rules import (
    EXPAND,
    LIST,
    Rule,
    Schema,
    flag,
    instants,
    many,
    merge_metadata,
    metadata,
    not_offered,
    text,
)
from sandbox.stripe.world import Call, Operation

_PATH = "/v1/setup_intents"
_TYPES = ("card",)
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_UNSET = (
    "application", "attach_to_self", "automatic_payment_methods", "cancellation_reason",
    "excluded_payment_method_types", "flow_directions", "last_setup_error", "latest_attempt",
    "mandate", "next_action", "on_behalf_of", "payment_method",
    "payment_method_configuration_details", "single_use_mandate",
)  # fmt: skip
_ABANDONED = Decline(
    "setup_intent_authentication_failure",
    "The payment method could not be authenticated. Another one may be tried.",
)


def _create(call: Call) -> Body:
    params = call.params
    customer = customers.living(call, params["customer"])
    setup_id = new_id("seti")
    setup = {
        "id": setup_id,
        "object": "setup_intent",
        **dict.fromkeys(_UNSET),
        "client_secret": new_client_secret(setup_id),
        "created": call.now,
        "customer": customer["id"],
        "description": params.get("description"),
        "livemode": False,
        "metadata": merge_metadata({}, params.get("metadata")),
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": params.get("payment_method_types") or ["card"],
        "status": "requires_payment_method",
        "usage": params.get("usage", "off_session"),
    }
    call.store.add(setup)
    emit(call, "setup_intent.created", setup)
    return setup


def _retrieve(call: Call) -> Body:
    return call.store.get("setup_intent", call.target)


def _list(call: Call) -> Body:
    named = call.params.get("customer")
    return lists.page(
        call,
        "setup_intent",
        _PATH,
        fits=lambda setup: named is None or setup["customer"] == named,
    )


def _confirm(call: Call) -> Body:
    setup = call.store.get("setup_intent", call.target)
    if setup["status"] not in _OPEN:
        raise _unexpected(setup, "confirmed")
    method = _method(call, setup)
    card = methods.card_of(call, method)
    setup |= {"payment_method": method["id"], "last_setup_error": None, "next_action": None}
    if card.challenge in ("always", "on setup"):
        setup |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}}
        call.store.save(setup)
        emit(call, "setup_intent.requires_action", setup)
        return setup
    if card.decline is not None and card.declines_on_setup:
        _fail(call, setup, method, card.decline)
        error = dict(setup["last_setup_error"])
        message = error.pop("message")
        del error["type"]
        raise ApiError(402, "card_error", message, keeps_effect=True, setup_intent=setup, **error)
    return complete(call, setup)


def _method(call: Call, setup: Body) -> Body:
    params = call.params
    if "payment_method" in params and "payment_method_data" in params:
        raise invalid(
            "payment_method and payment_method_data may not be given together.",
            code="parameters_exclusive",
            param="payment_method",
        )
    if "payment_method" in params:
        method = methods.from_token(call, params["payment_method"])
    elif "payment_method_data" in params:
        method = methods.from_data(call, params["payment_method_data"])
    else:
        raise invalid(
            "This SetupIntent cannot be confirmed because it has no payment method.",
            code="setup_intent_unexpected_state",
            setup_intent=setup,
        )
    if method["type"] not in setup["payment_method_types"]:
        raise invalid(
            f"The PaymentMethod is of type {method['type']}, which this SetupIntent does not take.",
            code="setup_intent_invalid_parameter",
            param="payment_method",
        )
    methods.check_owner(method, setup["customer"])
    return method


def complete(call: Call, setup: Body) -> Body:
    """Attach the method to the customer: it may pay from now on, its owner being away."""
    method = call.store.get("payment_method", setup["payment_method"])
    methods.attach_to(call, method, setup["customer"])
    call.store.hide(method["id"], set_up=True)
    setup |= {"status": "succeeded", "next_action": None}
    call.store.save(setup)
    emit(call, "setup_intent.succeeded", setup)
    return setup


def approve(call: Call, setup: Body) -> Body:
    """Do what the citizen's approval of a challenge does."""
    if setup["status"] != "requires_action":
        raise _unexpected(setup, "approved")
    return complete(call, setup)


def decline(call: Call, setup: Body) -> Body:
    """Do what the citizen's refusal of a challenge does."""
    if setup["status"] != "requires_action":
        raise _unexpected(setup, "declined")
    method = call.store.get("payment_method", setup["payment_method"])
    _fail(call, setup, method, _ABANDONED)
    return setup


def _fail(call: Call, setup: Body, method: Body, reason: Decline) -> None:
    error = {
        "code": reason.code,
        "decline_code": reason.decline_code,
        "message": reason.message,
        "payment_method": method,
        "type": "card_error",
    }
    setup |= {
        "last_setup_error": {name: value for name, value in error.items() if value is not None},
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    call.store.save(setup)
    emit(call, "setup_intent.setup_failed", setup)


def _cancel(call: Call) -> Body:
    setup = call.store.get("setup_intent", call.target)
    if setup["status"] not in _OPEN:
        raise _unexpected(setup, "canceled")
    reason = call.params.get("cancellation_reason")
    setup |= {"status": "canceled", "next_action": None, "cancellation_reason": reason}
    call.store.save(setup)
    emit(call, "setup_intent.canceled", setup)
    return setup


def _unexpected(setup: Body, deed: str) -> ApiError:
    return invalid(
        f"This SetupIntent could not be {deed} because its status is {setup['status']}.",
        code="setup_intent_unexpected_state",
        setup_intent=setup,
    )


_CLIENT: dict[str, Rule] = {"client_secret": text(), "key": text(), "expand": EXPAND}
_CONFIRM: dict[str, Rule] = {
    "payment_method": text(),
    "payment_method_data": methods.DATA,
    "return_url": text(),
    "use_stripe_sdk": flag(),
    "mandate_data": not_offered(),
    "expand": EXPAND,
}
OPERATIONS = (
    Operation(
        name="setup_intents.create",
        method="POST",
        path=_PATH,
        handler=_create,
        schema=Schema(
            {
                "customer": text(),
                "description": text(longest=1000),
                "metadata": metadata(),
                "payment_method_types": many(text(choices=_TYPES), most=len(_TYPES)),
                "usage": text(choices=("off_session", "on_session")),
                "confirm": not_offered(),
                "payment_method": not_offered(),
                "automatic_payment_methods": not_offered(),
                "expand": EXPAND,
            },
            required=("customer",),
        ),
    ),
    Operation(
        name="setup_intents.list",
        method="GET",
        path=_PATH,
        handler=_list,
        schema=Schema({**LIST, "created": instants(), "customer": text()}),
    ),
    Operation(
        name="setup_intents.retrieve",
        method="GET",
        path=f"{_PATH}/<target>",
        handler=_retrieve,
        schema=Schema({"client_secret": text(), "expand": EXPAND}),
        public=Schema(_CLIENT, required=("client_secret",)),
    ),
    Operation(
        name="setup_intents.confirm",
        method="POST",
        path=f"{_PATH}/<target>/confirm",
        handler=_confirm,
        schema=Schema(_CONFIRM),
        public=Schema({**_CONFIRM, **_CLIENT}, required=("client_secret",)),
    ),
    Operation(
        name="setup_intents.cancel",
        method="POST",
        path=f"{_PATH}/<target>/cancel",
        handler=_cancel,
        schema=Schema(
            {
                "cancellation_reason": text(
                    choices=("abandoned", "requested_by_customer", "duplicate")
                ),
                "expand": EXPAND,
            }
        ),
    ),
)
