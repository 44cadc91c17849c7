"""Charges: one attempt to take the money, successful or not, below its intent."""

from sandbox.stripe import balance, lists, methods
from sandbox.stripe.cards import Decline
from sandbox.stripe.errors import Body
from sandbox.stripe.events import emit
from sandbox.stripe.ids import new_id
from sandbox.stripe.rules import EXPAND, LIST, Schema, instants, text
from sandbox.stripe.world import Call, Operation


def succeed(call: Call, intent: Body, method: Body) -> Body:
    """Make the charge that took the money, or reserved it when it is captured by hand."""
    captured = intent["capture_method"] != "manual"
    charge = _attempt(call, intent, method)
    charge |= {
        "paid": True,
        "captured": captured,
        "status": "succeeded",
        "outcome": _outcome("authorized", "approved_by_network", None, "Payment complete."),
    }
    call.store.save(charge)
    if captured:
        book(call, charge, intent["amount"])
    emit(call, "charge.succeeded", charge)
    return charge


def book(call: Call, charge: Body, amount: int) -> None:
    """Count the captured amount as ours; what was reserved beyond it goes back."""
    charge |= {"captured": True, "amount_captured": amount}
    charge["amount_refunded"] = charge["amount"] - amount
    number = call.store.hidden(charge["payment_method"]).get("number")
    charge["balance_transaction"] = balance.book_charge(call, charge, number)
    call.store.save(charge)


def fail(call: Call, intent: Body, method: Body, decline: Decline) -> Body:
    """Make the charge that was declined."""
    charge = _attempt(call, intent, method)
    reason = decline.decline_code or decline.code
    charge |= {
        "status": "failed",
        "failure_code": decline.code,
        "failure_message": decline.message,
        "outcome": _outcome("issuer_declined", "declined_by_network", reason, decline.message),
    }
    call.store.save(charge)
    emit(call, "charge.failed", charge)
    return charge


def pend(call: Call, intent: Body, method: Body) -> Body:
    """Make the charge of a wallet that has not yet decided."""
    charge = _attempt(call, intent, method)
    emit(call, "charge.pending", charge)
    return charge


def release(call: Call, charge: Body) -> None:
    """Give back money that was only reserved."""
    charge |= {"refunded": True, "amount_refunded": charge["amount"]}
    call.store.save(charge)
    emit(call, "charge.refunded", charge)


def _attempt(call: Call, intent: Body, method: Body) -> Body:
    """Return the charge that is still pending, or make one."""
    last = call.store.find(intent["latest_charge"]) if intent["latest_charge"] else None
    if last is not None and last["status"] == "pending":
        return last
    return call.store.add(_shape(call, intent, method), parent=intent["id"])


def _outcome(kind: str, network: str, reason: str | None, message: str) -> Body:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network,
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 17,
        "seller_message": message,
        "type": kind,
    }


def _shape(call: Call, intent: Body, method: Body) -> Body:
    charge_id = new_id("ch" if method["type"] == "card" else "py")
    nothing = (
        "application", "application_fee", "application_fee_amount", "balance_transaction",
        "customer", "failure_balance_transaction", "failure_code", "failure_message",
        "on_behalf_of", "outcome", "receipt_number", "receipt_url", "review", "source",
        "source_transfer", "transfer_data",
    )  # fmt: skip
    taken = (
        "amount", "currency", "description", "receipt_email", "shipping", "statement_descriptor",
        "statement_descriptor_suffix", "transfer_group",
    )  # fmt: skip
    return {
        "id": charge_id,
        "object": "charge",
        **dict.fromkeys(nothing),
        **{name: intent[name] for name in taken},
        "amount_captured": 0,
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": intent["statement_descriptor"] or "SANDBOX",
        "captured": False,
        "created": call.now,
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": methods.shown_data(method),
        "radar_options": {},
        "refunded": False,
        "status": "pending",
    }


def _retrieve(call: Call) -> Body:
    return call.store.get("charge", call.target)


def _list(call: Call) -> Body:
    intent = call.params.get("payment_intent")
    if intent:
        call.store.get("payment_intent", intent, param="payment_intent")
    return lists.page(call, "charge", "/v1/charges", parent=intent)


OPERATIONS = (
    Operation(
        name="charges.retrieve",
        method="GET",
        path="/v1/charges/<target>",
        handler=_retrieve,
        schema=Schema({"expand": EXPAND}),
    ),
    Operation(
        name="charges.list",
        method="GET",
        path="/v1/charges",
        handler=_list,
        schema=Schema({**LIST, "created": instants(), "payment_intent": text()}),
    ),
)
