"""Disputes: a card-holder's bank takes money back until somebody has decided whose it is."""

from sandbox.stripe import balance, lists
from sandbox.stripe.errors import Body, invalid
from sandbox.stripe.events import emit
from sandbox.stripe.ids import new_id
from sandbox.stripe.rules import EXPAND, LIST, Schema, instants, text
from sandbox.stripe.world import Call, Operation

OPEN = ("needs_response", "under_review")
OUTCOMES = ("under_review", "won", "lost")
_EVIDENCE_WITHIN = 7 * 86_400


def is_disputed(call: Call, charge: Body) -> bool:
    """Say whether a charge cannot be refunded because its holder's bank has, or may have, it."""
    return any(dispute["status"] != "won" for dispute in _of_charge(call, charge))


def open_dispute(call: Call, charge: Body, *, reason: str, amount: int | None = None) -> Body:
    """Take what is not refunded of a charge back, until the dispute is decided."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    if charge["status"] != "succeeded" or not 0 < amount <= left:
        raise invalid("There is not so much money to dispute.", param="amount")
    if is_disputed(call, charge):
        raise invalid("The charge is disputed already.", code="charge_disputed")
    dispute = _shape(call, charge, amount, reason)
    call.store.add(dispute, parent=charge["payment_intent"])
    dispute["balance_transactions"] = [balance.book_dispute(call, dispute, -amount)]
    call.store.save(dispute)
    charge["disputed"] = True
    call.store.save(charge)
    emit(call, "charge.dispute.created", dispute)
    emit(call, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def settle(call: Call, dispute: Body, outcome: str) -> Body:
    """Go on with a dispute: evidence is under review, or it is decided."""
    if outcome not in OUTCOMES:
        raise invalid(f"A dispute becomes one of: {', '.join(OUTCOMES)}.", param="as")
    if dispute["status"] not in OPEN:
        raise invalid(f"The dispute is {dispute['status']} and stays so.")
    dispute["status"] = outcome
    if outcome == "won":
        entry = balance.book_dispute(call, dispute, dispute["amount"])
        dispute["balance_transactions"].append(entry)
    call.store.save(dispute)
    if outcome == "under_review":
        emit(call, "charge.dispute.updated", dispute)
        return dispute
    emit(call, "charge.dispute.closed", dispute)
    if outcome == "won":
        emit(call, "charge.dispute.funds_reinstated", dispute)
    return dispute


def _of_charge(call: Call, charge: Body) -> list[Body]:
    found = call.store.of_kind("dispute", parent=charge["payment_intent"])
    return [dispute for dispute in found if dispute["charge"] == charge["id"]]


def _shape(call: Call, charge: Body, amount: int, reason: str) -> Body:
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": call.now + _EVIDENCE_WITHIN,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "needs_response",
    }


def _retrieve(call: Call) -> Body:
    return call.store.get("dispute", call.target)


def _close(call: Call) -> Body:
    """Accept a dispute: the money is the card-holder's."""
    return settle(call, call.store.get("dispute", call.target), "lost")


def _list(call: Call) -> Body:
    intent, charge = call.params.get("payment_intent"), call.params.get("charge")
    if intent:
        call.store.get("payment_intent", intent, param="payment_intent")
    return lists.page(
        call,
        "dispute",
        "/v1/disputes",
        parent=intent,
        fits=lambda dispute: charge in (None, dispute["charge"]),
    )


_PATH = "/v1/disputes"
OPERATIONS = (
    Operation(
        name="disputes.retrieve",
        method="GET",
        path=f"{_PATH}/<target>",
        handler=_retrieve,
        schema=Schema({"expand": EXPAND}),
    ),
    Operation(
        name="disputes.list",
        method="GET",
        path=_PATH,
        handler=_list,
        schema=Schema({**LIST, "created": instants(), "payment_intent": text(), "charge": text()}),
    ),
    Operation(
        name="disputes.close",
        method="POST",
        path=f"{_PATH}/<target>/close",
        handler=_close,
        schema=Schema({"expand": EXPAND}),
    ),
)
