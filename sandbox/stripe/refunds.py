"""Refunds: never more than was taken; cards at once, wallets a little later, failures on demand."""

from sandbox.stripe import balance, disputes, lists, timers
from sandbox.stripe.errors import Body, invalid, missing_param
from sandbox.stripe.events import emit
from sandbox.stripe.ids import new_id
from sandbox.stripe.methods import card_of
from sandbox.stripe.rules import (
    EXPAND,
    LIST,
    Schema,
    instants,
    integer,
    merge_metadata,
    metadata,
    not_offered,
    text,
)
from sandbox.stripe.world import Call, Operation

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_NOT_OFFERED = (
    "currency", "customer", "instructions_email", "origin", "refund_application_fee",
    "reverse_transfer",
)  # fmt: skip
_OUTCOMES = ("succeeded", "failed", "requires_action")


def _create(call: Call) -> Body:
    charge = _charge(call)
    if disputes.is_disputed(call, charge):
        raise invalid(
            f"Charge {charge['id']} has been charged back; it cannot be refunded.",
            code="charge_disputed",
        )
    remaining = charge["amount"] - charge["amount_refunded"]
    if remaining <= 0:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = call.params.get("amount", remaining)
    if amount > remaining:
        raise invalid(
            f"Refund amount ({amount}) is greater than the unrefunded amount on the charge"
            f" ({remaining}).",
            param="amount",
        )
    fate = _fate(call, charge)
    refund = _shape(call, charge, amount, "succeeded" if fate != "later" else "pending")
    call.store.add(refund, parent=charge["payment_intent"])
    wallet = charge["payment_method_details"]["type"] != "card"
    refund["balance_transaction"] = balance.book_refund(call, refund, wallet=wallet)
    call.store.save(refund)
    _count(call, charge, amount)
    emit(call, "refund.created", refund)
    emit(call, "charge.refunded", charge)
    if fate != "at once":
        action = "refund.succeed" if fate == "later" else "refund.fail"
        timers.start(call.world, action, refund["id"], call.world.config.refund_seconds)
    return refund


def _charge(call: Call) -> Body:
    params = call.params
    if "charge" not in params and "payment_intent" not in params:
        raise missing_param("payment_intent")
    if "charge" in params:
        charge = call.store.get("charge", params["charge"], param="charge")
        if params.get("payment_intent", charge["payment_intent"]) != charge["payment_intent"]:
            raise invalid("The charge does not belong to the payment_intent.", param="charge")
    else:
        intent_id = params["payment_intent"]
        intent = call.store.get("payment_intent", intent_id, param="payment_intent")
        if intent["amount_received"] == 0:
            raise invalid(
                f"PaymentIntent {intent_id} has no successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
            )
        charge = call.store.get("charge", intent["latest_charge"])
    if not charge["captured"]:
        raise invalid(f"Charge {charge['id']} cannot be refunded.", code="charge_not_refundable")
    return charge


def _fate(call: Call, charge: Body) -> str:
    if charge["payment_method_details"]["type"] != "card":
        return "later"
    return card_of(call, call.store.get("payment_method", charge["payment_method"])).refund


def _shape(call: Call, charge: Body, amount: int, status: str) -> Body:
    kind = charge["payment_method_details"]["type"]
    details: Body = {}
    if kind == "card":
        details = {
            "reference": "7920927610000000" if status == "succeeded" else None,
            "reference_status": "available" if status == "succeeded" else "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        }
    return {
        "id": new_id("re" if kind == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "description": None,
        "destination_details": {kind: details, "type": kind},
        "metadata": merge_metadata({}, call.params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if status == "pending" else None,
        "reason": call.params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }


def _count(call: Call, charge: Body, amount: int) -> None:
    """Add to the refunded amount of the charge; the store's lock makes this safe in a race."""
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    call.store.save(charge)


def settle(call: Call, refund: Body, outcome: str, reason: str | None) -> Body:
    """Give a refund its outcome; one that succeeded may still fail, as banks do."""
    if outcome not in _OUTCOMES:
        raise invalid(f"A refund ends as one of: {', '.join(_OUTCOMES)}.", param="as")
    allowed = ("pending", "requires_action") + (("succeeded",) if outcome == "failed" else ())
    if refund["status"] not in allowed:
        raise invalid(f"The refund is {refund['status']} and cannot become {outcome}.")
    timers.stop(call.world, refund["id"])
    refund |= {"status": outcome, "pending_reason": None}
    if outcome == "failed":
        _return_money(call, refund)
        refund["failure_reason"] = reason or "unknown"
    call.store.save(refund)
    emit(call, "refund.updated", refund)
    emit(call, "charge.refund.updated", refund)
    if outcome == "failed":
        emit(call, "refund.failed", refund)
    return refund


def _return_money(call: Call, refund: Body) -> None:
    charge = call.store.get("charge", refund["charge"])
    wallet = charge["payment_method_details"]["type"] != "card"
    refund["failure_balance_transaction"] = balance.book_refund_failure(call, refund, wallet=wallet)
    _count(call, charge, -refund["amount"])


def _retrieve(call: Call) -> Body:
    return call.store.get("refund", call.target)


def _update(call: Call) -> Body:
    refund = call.store.get("refund", call.target)
    if "metadata" in call.params:
        refund["metadata"] = merge_metadata(refund["metadata"], call.params["metadata"])
        call.store.save(refund)
        emit(call, "refund.updated", refund)
    return refund


def _cancel(call: Call) -> Body:
    refund = call.store.get("refund", call.target)
    if refund["status"] != "requires_action":
        raise invalid(f"A refund that is {refund['status']} cannot be canceled.")
    _return_money(call, refund)
    refund["status"] = "canceled"
    call.store.save(refund)
    emit(call, "refund.updated", refund)
    return refund


def _list(call: Call) -> Body:
    intent, charge = call.params.get("payment_intent"), call.params.get("charge")
    if intent:
        call.store.get("payment_intent", intent, param="payment_intent")
    if charge:
        call.store.get("charge", charge, param="charge")
    return lists.page(
        call,
        "refund",
        "/v1/refunds",
        parent=intent,
        fits=lambda refund: charge in (None, refund["charge"]),
    )


_PATH = "/v1/refunds"
OPERATIONS = (
    Operation(
        name="refunds.create",
        method="POST",
        path=_PATH,
        handler=_create,
        schema=Schema(
            {
                "amount": integer(least=1),
                "charge": text(),
                "payment_intent": text(),
                "reason": text(choices=_REASONS),
                "metadata": metadata(),
                "expand": EXPAND,
                **{name: not_offered() for name in _NOT_OFFERED},
            }
        ),
    ),
    Operation(
        name="refunds.retrieve",
        method="GET",
        path=f"{_PATH}/<target>",
        handler=_retrieve,
        schema=Schema({"expand": EXPAND}),
    ),
    Operation(
        name="refunds.list",
        method="GET",
        path=_PATH,
        handler=_list,
        schema=Schema({**LIST, "created": instants(), "payment_intent": text(), "charge": text()}),
    ),
    Operation(
        name="refunds.update",
        method="POST",
        path=f"{_PATH}/<target>",
        handler=_update,
        schema=Schema({"metadata": metadata(), "expand": EXPAND}),
    ),
    Operation(
        name="refunds.cancel",
        method="POST",
        path=f"{_PATH}/<target>/cancel",
        handler=_cancel,
        schema=Schema({"expand": EXPAND}),
    ),
)
