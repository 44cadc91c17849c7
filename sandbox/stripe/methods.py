"""Payment methods: made from a test token, from card details, or by naming a wallet."""

from sandbox.stripe import cards
from sandbox.stripe.cards import Card
from sandbox.stripe.errors import ApiError, Body, invalid, missing_param, not_found
from sandbox.stripe.events import emit
from sandbox.stripe.ids import new_id
from sandbox.stripe.rules import EXPAND, Schema, group, integer, metadata, not_offered, text
from sandbox.stripe.world import Call, Operation

TYPES = ("card", "alipay", "wechat_pay")

_ADDRESS = {
    name: text(unset=True) for name in ("city", "country", "line1", "line2", "postal_code", "state")
}
BILLING = group(
    {
        "address": group(_ADDRESS),
        "email": text(unset=True),
        "name": text(unset=True),
        "phone": text(unset=True),
        "tax_id": text(unset=True),
    }
)
_FIELDS = {
    "type": text(choices=TYPES),
    "card": group(
        {
            "number": text(longest=25),
            "exp_month": integer(),
            "exp_year": integer(),
            "cvc": text(longest=8),
            "token": not_offered(),
            "networks": not_offered(),
        }
    ),
    "alipay": group({}),
    "wechat_pay": group({}),
    "billing_details": BILLING,
    "allow_redisplay": text(choices=("always", "limited", "unspecified")),
    "metadata": metadata(),
}
DATA = group(_FIELDS, required=("type",))


def from_token(call: Call, method_id: str) -> Body:
    """Return the method with this id; a `pm_card_…` token makes a fresh one each time."""
    card = cards.by_token(method_id)
    if card is not None:
        return _add_card(call, card, {"type": "card"})
    method = call.store.find(method_id)
    if method is None or method["object"] != "payment_method":
        raise not_found("PaymentMethod", method_id, "payment_method", status=400)
    if method["customer"] is None and call.store.hidden(method_id).get("used"):
        raise invalid(
            "This PaymentMethod was used before without being attached to a customer,"
            " so it may not be used again.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )
    return method


def check_owner(method: Body, customer: str | None) -> None:
    """Refuse a method that belongs to another customer than the one named, or to one unnamed."""
    owner = method["customer"]
    if owner is None or owner == customer:
        return
    raise invalid(
        "The PaymentMethod is attached to a customer, and the call names another one or none.",
        code="payment_method_invalid_parameter",
        param="payment_method",
    )


def attach_to(call: Call, method: Body, customer: str) -> Body:
    """Attach a method to a customer: it may pay more than once from now on."""
    check_owner(method, customer)
    if method["customer"] is None and call.store.hidden(method["id"]).get("used"):
        raise invalid(
            "This PaymentMethod was used before without being attached to a customer,"
            " so it may not be attached now.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )
    method["customer"] = customer
    call.store.save(method)
    emit(call, "payment_method.attached", method)
    return method


def _detach(call: Call) -> Body:
    method = call.store.get("payment_method", call.target)
    if method["customer"] is None:
        raise invalid(
            "The PaymentMethod is not attached to a customer.",
            code="payment_method_unexpected_state",
        )
    method["customer"] = None
    call.store.save(method)
    # Once detached it can never be used again, as one that paid without a customer.
    call.store.hide(method["id"], used=True)
    emit(call, "payment_method.detached", method)
    return method


def from_data(call: Call, data: Body, outer: str = "payment_method_data") -> Body:
    """Make a method from the details that came with the call."""
    if data["type"] != "card":
        return _add(call, _shape(call, data), {})
    details = data.get("card")
    if details is None:
        raise missing_param(f"{outer}[card]")
    for name in ("number", "exp_month", "exp_year"):
        if name not in details:
            raise missing_param(f"{outer}[card][{name}]")
    return _add_card(call, _check_details(call, details), data)


def card_of(call: Call, method: Body) -> Card:
    """Return the test card that a card method stands for."""
    return cards.by_number(call.store.hidden(method["id"])["number"])


def shown_data(method: Body) -> Body:
    """Return the part of the method that a charge repeats."""
    details = dict(method[method["type"]])
    if method["type"] == "card":
        details |= {"network": details["brand"], "three_d_secure": None}
    return {"type": method["type"], method["type"]: details}


def _check_details(call: Call, details: Body) -> Card:
    number = details["number"].replace(" ", "").replace("-", "")
    if not number.isascii() or not number.isdecimal() or not cards.passes_luhn(number):
        raise _card_error("Your card number is incorrect.", "incorrect_number", "number")
    if not 1 <= details["exp_month"] <= 12:  # noqa: PLR2004 - the months of a year
        message = "Your card's expiration month is invalid."
        raise _card_error(message, "invalid_expiry_month", "exp_month")
    year = details["exp_year"] + (2000 if details["exp_year"] < 100 else 0)  # noqa: PLR2004
    if (year, details["exp_month"]) < _month(call):
        raise _card_error(
            "Your card's expiration year is invalid.", "invalid_expiry_year", "exp_year"
        )
    cvc = details.get("cvc", "000")
    if not (cvc.isascii() and cvc.isdecimal() and len(cvc) in (3, 4)):
        raise _card_error("Your card's security code is invalid.", "invalid_cvc", "cvc")
    return cards.by_number(number)


def _month(call: Call) -> tuple[int, int]:
    now = call.world.clock.moment()
    return now.year, now.month


def _card_error(message: str, code: str, param: str) -> ApiError:
    return ApiError(402, "card_error", message, code=code, param=param)


def _add_card(call: Call, card: Card, data: Body) -> Body:
    details = data.get("card", {})
    method = _shape(call, {**data, "type": "card"})
    method["card"] = {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "unchecked" if details.get("cvc") else None,
        },
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": details.get("exp_month", call.world.clock.moment().month),
        "exp_year": details.get("exp_year", call.world.clock.moment().year + 1),
        "fingerprint": f"fp{card.number[-10:]}",
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    return _add(call, method, {"number": card.number})


def _shape(call: Call, data: Body) -> Body:
    billing = data.get("billing_details", {})
    address = billing.get("address", {})
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": data.get("allow_redisplay", "unspecified"),
        "billing_details": {
            "address": {name: address.get(name) for name in _ADDRESS},
            "email": billing.get("email"),
            "name": billing.get("name"),
            "phone": billing.get("phone"),
            "tax_id": billing.get("tax_id"),
        },
        data["type"]: {},
        "created": call.now,
        "customer": None,
        "livemode": False,
        "metadata": data.get("metadata") or {},
        "type": data["type"],
    }


def _add(call: Call, method: Body, hidden: Body) -> Body:
    return call.store.add(method, hidden=hidden)


def _create(call: Call) -> Body:
    details = {name: value for name, value in call.params.items() if name != "expand"}
    return from_data(call, details, "payment_method")


def _retrieve(call: Call) -> Body:
    return call.store.get("payment_method", call.target)


OPERATIONS = (
    Operation(
        name="payment_methods.create",
        method="POST",
        path="/v1/payment_methods",
        handler=_create,
        schema=Schema({**_FIELDS, "expand": EXPAND}, required=("type",)),
    ),
    Operation(
        name="payment_methods.retrieve",
        method="GET",
        path="/v1/payment_methods/<target>",
        handler=_retrieve,
        schema=Schema({"expand": EXPAND}),
    ),
    Operation(
        name="payment_methods.detach",
        method="POST",
        path="/v1/payment_methods/<target>/detach",
        handler=_detach,
        schema=Schema({"expand": EXPAND}),
    ),
)
