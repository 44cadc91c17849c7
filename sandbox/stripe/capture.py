"""Capturing reserved money, and cancelling an intent."""

from sandbox.stripe import charges, intent_rules
from sandbox.stripe.errors import Body, invalid
from sandbox.stripe.events import emit
from sandbox.stripe.rules import merge_metadata
from sandbox.stripe.states import unexpected_state
from sandbox.stripe.world import Call, Operation

_CANCELLABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
)


def _capture(call: Call) -> Body:
    intent = call.store.get("payment_intent", call.target)
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "captured", ("requires_capture",))
    amount = int(call.params.get("amount_to_capture") or intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        raise invalid(
            f"At most {intent['amount_capturable']} {intent['currency']} can be captured.",
            code="amount_too_large",
            param="amount_to_capture",
            payment_intent=intent,
        )
    charge = call.store.get("charge", intent["latest_charge"])
    charges.book(call, charge, amount)
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        if name in call.params:
            intent[name] = call.params[name]
    if "metadata" in call.params:
        intent["metadata"] = merge_metadata(intent["metadata"], call.params["metadata"])
    call.store.save(intent)
    emit(call, "charge.captured", charge)
    emit(call, "payment_intent.succeeded", intent)
    return intent


def _cancel(call: Call) -> Body:
    intent = call.store.get("payment_intent", call.target)
    if intent["status"] not in _CANCELLABLE:
        raise unexpected_state(intent, "canceled", _CANCELLABLE)
    if intent["status"] == "requires_capture":
        charges.release(call, call.store.get("charge", intent["latest_charge"]))
    intent |= {
        "amount_capturable": 0,
        "canceled_at": call.now,
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
        "status": "canceled",
    }
    call.store.save(intent)
    emit(call, "payment_intent.canceled", intent)
    return intent


OPERATIONS = (
    Operation(
        name="payment_intents.capture",
        method="POST",
        path="/v1/payment_intents/<target>/capture",
        handler=_capture,
        schema=intent_rules.CAPTURE,
    ),
    Operation(
        name="payment_intents.cancel",
        method="POST",
        path="/v1/payment_intents/<target>/cancel",
        handler=_cancel,
        schema=intent_rules.CANCEL,
    ),
)
