"""Payouts: money that leaves the account for the bank, and the balance it leaves."""

from collections import defaultdict

from sandbox.stripe import balance, currencies, lists, timers
from sandbox.stripe.errors import Body, invalid
from sandbox.stripe.events import emit
from sandbox.stripe.ids import new_id
from sandbox.stripe.rules import (
    EXPAND,
    LIST,
    Schema,
    instants,
    integer,
    merge_metadata,
    metadata,
    text,
)
from sandbox.stripe.world import Call, Operation

_ARRIVES_AFTER = 86_400
_STATUSES = ("canceled", "failed", "in_transit", "paid", "pending")


def pay_out_all(call: Call, currency: str) -> Body:
    """Pay out all that is available, as Stripe does by itself, naming the entries it covers."""
    ripe = [
        entry
        for entry in call.store.of_kind("balance_transaction")
        if entry["currency"] == currency
        and entry["available_on"] <= call.now
        and not call.store.hidden(entry["id"]).get("payout")
    ]
    amount = sum(entry["net"] for entry in ripe)
    if amount <= 0:
        raise invalid("There is nothing available to pay out.", code="balance_insufficient")
    payout = _start(call, amount, currency, automatic=True)
    for entry in ripe:
        call.store.hide(entry["id"], payout=payout["id"])
    call.store.hide(payout["balance_transaction"], payout=payout["id"])
    return payout


def settle(call: Call, payout: Body, outcome: str) -> Body:
    """Let a payout arrive, or come back from the bank."""
    allowed = ("pending", "in_transit") + (("paid",) if outcome == "failed" else ())
    if payout["status"] not in allowed:
        raise invalid(f"The payout is {payout['status']} and cannot become {outcome}.")
    timers.stop(call.world, payout["id"])
    payout["status"] = outcome
    if outcome == "failed":
        entry = balance.book_payout(call, payout, "payout_failure", payout["amount"])
        payout |= {
            "failure_balance_transaction": entry,
            "failure_code": "could_not_process",
            "failure_message": "The bank could not process this payout.",
        }
    call.store.save(payout)
    emit(call, f"payout.{outcome}", payout)
    return payout


def _start(call: Call, amount: int, currency: str, *, automatic: bool) -> Body:
    payout: Body = {
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": call.now + _ARRIVES_AFTER,
        "automatic": automatic,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": call.params.get("description") or "STRIPE PAYOUT",
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": merge_metadata({}, call.params.get("metadata")),
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": call.params.get("statement_descriptor"),
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
    call.store.add(payout)
    payout["balance_transaction"] = balance.book_payout(call, payout, "payout", -amount)
    call.store.save(payout)
    timers.start(call.world, "payout.pay", payout["id"], _ARRIVES_AFTER)
    emit(call, "payout.created", payout)
    return payout


def _create(call: Call) -> Body:
    currency = currencies.check_currency(call.params["currency"])
    amount = call.params["amount"]
    if amount > _sums(call)[0][currency]:
        raise invalid(
            "There is not enough available for this payout.",
            code="balance_insufficient",
            param="amount",
        )
    return _start(call, amount, currency, automatic=False)


def _sums(call: Call) -> tuple[dict[str, int], dict[str, int]]:
    """Return what is available and what is pending, for each currency."""
    available: dict[str, int] = defaultdict(int)
    pending: dict[str, int] = defaultdict(int)
    for entry in call.store.of_kind("balance_transaction"):
        ripe = entry["available_on"] <= call.now
        (available if ripe else pending)[entry["currency"]] += entry["net"]
    return available, pending


def _balance(call: Call) -> Body:
    available, pending = _sums(call)
    known = sorted({*available, *pending}) or ["cny"]

    def shown(sums: dict[str, int]) -> list[Body]:
        return [
            {
                "amount": sums.get(currency, 0),
                "currency": currency,
                "source_types": {"card": sums.get(currency, 0)},
            }
            for currency in known
        ]

    return {
        "object": "balance",
        "available": shown(available),
        "livemode": False,
        "pending": shown(pending),
    }


def _cancel(call: Call) -> Body:
    payout = call.store.get("payout", call.target)
    if payout["status"] != "pending" or payout["automatic"]:
        raise invalid("Only a pending payout that was made by hand can be canceled.")
    timers.stop(call.world, payout["id"])
    balance.book_payout(call, payout, "payout_cancel", payout["amount"])
    payout["status"] = "canceled"
    call.store.save(payout)
    emit(call, "payout.canceled", payout)
    return payout


def _retrieve(call: Call) -> Body:
    return call.store.get("payout", call.target)


def _list(call: Call) -> Body:
    wanted = call.params.get("status")
    return lists.page(
        call, "payout", "/v1/payouts", fits=lambda payout: wanted in (None, payout["status"])
    )


_PATH = "/v1/payouts"
OPERATIONS = (
    Operation(name="balance.retrieve", method="GET", path="/v1/balance", handler=_balance),
    Operation(
        name="payouts.create",
        method="POST",
        path=_PATH,
        handler=_create,
        schema=Schema(
            {
                "amount": integer(least=1),
                "currency": text(longest=3),
                "description": text(),
                "metadata": metadata(),
                "statement_descriptor": text(longest=22),
                "expand": EXPAND,
            },
            required=("amount", "currency"),
        ),
    ),
    Operation(
        name="payouts.retrieve",
        method="GET",
        path=f"{_PATH}/<target>",
        handler=_retrieve,
        schema=Schema({"expand": EXPAND}),
    ),
    Operation(
        name="payouts.list",
        method="GET",
        path=_PATH,
        handler=_list,
        schema=Schema({**LIST, "created": instants(), "status": text(choices=_STATUSES)}),
    ),
    Operation(
        name="payouts.cancel",
        method="POST",
        path=f"{_PATH}/<target>/cancel",
        handler=_cancel,
        schema=Schema({"expand": EXPAND}),
    ),
)
