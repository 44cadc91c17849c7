"""What the calls on intents take, and which parameters go together."""

from sandbox.stripe import currencies
from sandbox.stripe.errors import Body, invalid
from sandbox.stripe.methods import DATA, TYPES
from sandbox.stripe.rules import (
    EXPAND,
    LIST,
    Params,
    Rule,
    Schema,
    flag,
    group,
    instants,
    integer,
    many,
    metadata,
    not_offered,
    text,
)

CANCELLATION_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
_CAPTURE = ("automatic", "automatic_async", "manual")
_NOT_OFFERED = (
    "allowed_payment_method_types", "amount_details", "application_fee_amount",
    "confirmation_token", "customer_account", "excluded_payment_method_types", "hooks",
    "mandate", "mandate_data", "on_behalf_of", "payment_details", "payment_method_configuration",
    "radar_options", "setup_future_usage", "transfer_data",
)  # fmt: skip
_ADDRESS = group(
    {
        name: text(unset=True)
        for name in ("city", "country", "line1", "line2", "postal_code", "state")
    }
)
_SHIPPING = group(
    {
        "address": _ADDRESS,
        "name": text(),
        "phone": text(unset=True),
        "carrier": text(unset=True),
        "tracking_number": text(unset=True),
    },
    required=("address", "name"),
)
_OPTIONS = group(
    {
        "card": group(
            {
                "request_three_d_secure": text(choices=("any", "automatic", "challenge")),
                "setup_future_usage": not_offered(),
                "capture_method": not_offered(),
            }
        ),
        "alipay": group({"setup_future_usage": not_offered()}),
        "wechat_pay": group(
            {
                "client": text(choices=("android", "ios", "web")),
                "app_id": text(),
                "setup_future_usage": text(choices=("none",)),
            }
        ),
    }
)
_TEXTS: dict[str, Rule] = {
    "description": text(longest=1000, unset=True),
    "metadata": metadata(),
    "receipt_email": text(longest=800, unset=True),
    "shipping": _SHIPPING,
    "statement_descriptor": text(longest=22, unset=True),
    "statement_descriptor_suffix": text(longest=22, unset=True),
    "transfer_group": text(),
}
_METHOD: dict[str, Rule] = {
    "payment_method": text(),
    "payment_method_data": DATA,
    "payment_method_options": _OPTIONS,
    "capture_method": text(choices=_CAPTURE),
}
_ON_CONFIRM: dict[str, Rule] = {
    "return_url": text(),
    "off_session": flag(),
    "error_on_requires_action": flag(),
    "use_stripe_sdk": flag(),
}
_LATER: dict[str, Rule] = {name: not_offered() for name in _NOT_OFFERED}
_TYPES = many(text(choices=TYPES), most=len(TYPES))

CREATE = Schema(
    {
        **_LATER,
        **_TEXTS,
        **_METHOD,
        **_ON_CONFIRM,
        "amount": integer(least=0),
        "currency": text(longest=3),
        "customer": text(),
        "payment_method_types": _TYPES,
        "automatic_payment_methods": group(
            {"enabled": flag(), "allow_redirects": text(choices=("always", "never"))},
            required=("enabled",),
        ),
        "confirm": flag(),
        "confirmation_method": text(choices=("automatic", "manual")),
        "expand": EXPAND,
    },
    required=("amount", "currency"),
)
UPDATE = Schema(
    {
        **_LATER,
        **_TEXTS,
        **_METHOD,
        "amount": integer(least=0),
        "currency": text(longest=3),
        "payment_method_types": _TYPES,
        "expand": EXPAND,
    }
)
CONFIRM = Schema(
    {
        **_LATER,
        **_METHOD,
        **_ON_CONFIRM,
        "receipt_email": _TEXTS["receipt_email"],
        "shipping": _SHIPPING,
        "amount_to_confirm": integer(least=0),
        "expand": EXPAND,
    }
)
# What a client may say with the publishable key; `key` carries that key in the body.
_CLIENT: dict[str, Rule] = {"client_secret": text(), "key": text(), "expand": EXPAND}
PUBLIC_CONFIRM = Schema(
    {
        **_CLIENT,
        "payment_method": text(),
        "payment_method_data": DATA,
        "payment_method_options": _OPTIONS,
        "return_url": text(),
        "use_stripe_sdk": flag(),
        "receipt_email": _TEXTS["receipt_email"],
        "shipping": _SHIPPING,
        "expected_payment_method_type": text(choices=TYPES),
    },
    required=("client_secret",),
)
RETRIEVE = Schema({"client_secret": text(), "expand": EXPAND})
PUBLIC_RETRIEVE = Schema(
    {**_CLIENT, "is_stripe_sdk": flag()},
    required=("client_secret",),
)
LISTED = Schema({**LIST, "created": instants(), "customer": text()})
SEARCH = Schema(
    {
        "query": text(),
        "limit": integer(least=1, most=100),
        "page": text(),
        "expand": EXPAND,
    },
    required=("query",),
)
CANCEL = Schema({"cancellation_reason": text(choices=CANCELLATION_REASONS), "expand": EXPAND})
CAPTURE = Schema(
    {
        **{name: not_offered() for name in _NOT_OFFERED},
        "amount_to_capture": integer(least=1),
        "final_capture": flag(),
        "metadata": metadata(),
        "statement_descriptor": _TEXTS["statement_descriptor"],
        "statement_descriptor_suffix": _TEXTS["statement_descriptor_suffix"],
        "expand": EXPAND,
    }
)


def check_combination(params: Params) -> None:
    """Refuse parameters that Stripe does not take together."""
    automatic = params.get("automatic_payment_methods")
    if automatic and automatic["enabled"] and "payment_method_types" in params:
        raise _together("automatic_payment_methods[enabled]", "payment_method_types")
    if "payment_method" in params and "payment_method_data" in params:
        raise _together("payment_method", "payment_method_data")
    if not params.get("confirm"):
        for name in _ON_CONFIRM:
            if name in params and name != "use_stripe_sdk":
                raise invalid(f"{name} may only be given with confirm=true.", param=name)


def _together(one: str, other: str) -> Exception:
    return invalid(
        f"{one} and {other} may not be given together.", code="parameters_exclusive", param=one
    )


def choose_types(params: Params, currency: str) -> tuple[list[str], Body | None]:
    """Return the intent's method types; without a list they are all that fit the currency."""
    automatic = params.get("automatic_payment_methods")
    named = params.get("payment_method_types")
    manual = params.get("capture_method") == "manual"
    if named or (automatic and not automatic["enabled"]):
        types = named or ["card"]
        shown = None
    else:
        redirects = (automatic or {}).get("allow_redirects", "always")
        fitting = [kind for kind in TYPES if currencies.takes(kind, currency)]
        types = ["card"] if redirects == "never" or manual else fitting
        shown = {"allow_redirects": redirects, "enabled": True}
    check_types(
        {
            "payment_method_types": types,
            "currency": currency,
            "capture_method": params.get("capture_method"),
        }
    )
    return types, shown


def check_types(intent: Body) -> None:
    """Refuse method types that cannot take the currency or cannot wait for a capture."""
    for kind in intent["payment_method_types"]:
        if not currencies.takes(kind, intent["currency"]):
            raise invalid(
                f"Payments with {kind} are not possible in {intent['currency']}.",
                code="payment_intent_invalid_parameter",
                param="currency",
            )
        if intent["capture_method"] == "manual" and kind != "card":
            raise invalid(
                f"Payments with {kind} cannot be captured by hand.",
                code="payment_intent_invalid_parameter",
                param="capture_method",
            )


def check_type(intent: Body, method: Body) -> None:
    """Refuse a payment method whose type the intent does not take."""
    if method["type"] not in intent["payment_method_types"]:
        raise invalid(
            f"The PaymentMethod is of type {method['type']}, and this PaymentIntent takes only:"
            f" {', '.join(intent['payment_method_types'])}.",
            code="payment_intent_incompatible_payment_method",
            param="payment_method",
        )


def shown_options(params: Params, types: list[str]) -> Body:
    """Return the options of the intent, with Stripe's defaults for its types."""
    defaults: dict[str, Body] = {
        "card": {
            "installments": None,
            "mandate_options": None,
            "network": None,
            "request_three_d_secure": "automatic",
        },
        "alipay": {},
        "wechat_pay": {"app_id": None, "client": None},
    }
    given = params.get("payment_method_options", {})
    kinds = [*types, *(kind for kind in given if kind not in types)]
    return {kind: {**defaults[kind], **given.get(kind, {})} for kind in kinds}
