"""Balance transactions: every movement of money on the account, with Stripe's fee on charges."""

from sandbox.stripe import lists
from sandbox.stripe.errors import Body
from sandbox.stripe.ids import new_id
from sandbox.stripe.rules import EXPAND, LIST, Schema, instants, text
from sandbox.stripe.world import Call, Operation

_AVAILABLE_AFTER = 2 * 86_400
# Thousandths of the amount, and a fixed part in the smallest unit.
_FEES = {"card": (34, 200), "alipay": (22, 0), "wechat_pay": (22, 0)}
_BYPASS_PENDING = "4000000000000077"


def fee(amount: int, method: str) -> int:
    """Return Stripe's fee for a charge, rounded half up and never above the amount."""
    thousandths, fixed = _FEES[method]
    return min(amount, (amount * thousandths + 500) // 1000 + fixed)


def book_charge(call: Call, charge: Body, number: str | None) -> str:
    """Book the money of a charge less the fee; return the id of the entry."""
    kind = charge["payment_method_details"]["type"]
    reporting = "charge" if kind == "card" else "payment"
    amount = charge["amount_captured"]
    wait = 0 if number == _BYPASS_PENDING else _AVAILABLE_AFTER
    return _book(call, reporting, charge, amount, fee=fee(amount, kind), wait=wait)


def book_refund(call: Call, refund: Body, *, wallet: bool) -> str:
    """Book the money that goes back; the fee of the charge stays with Stripe."""
    return _book(call, "payment_refund" if wallet else "refund", refund, -refund["amount"])


def book_refund_failure(call: Call, refund: Body, *, wallet: bool) -> str:
    """Book the money of a failed refund as ours again."""
    kind = "payment_failure_refund" if wallet else "refund_failure"
    return _book(call, kind, refund, refund["amount"])


def book_dispute(call: Call, dispute: Body, amount: int) -> str:
    """Book money that a dispute takes or gives back; the sandbox asks no fee for one."""
    category = "dispute" if amount < 0 else "dispute_reversal"
    return _book(call, "adjustment", dispute, amount, category=category)


def book_payout(call: Call, payout: Body, kind: str, amount: int) -> str:
    """Book money that leaves for the bank, or comes back from it."""
    return _book(call, kind, payout, amount)


def _book(
    call: Call,
    kind: str,
    source: Body,
    amount: int,
    *,
    fee: int = 0,
    wait: int = 0,
    category: str | None = None,
) -> str:
    details = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    entry = {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": call.now + wait,
        "balance_type": "payments",
        "created": call.now,
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [details] if fee else [],
        "net": amount - fee,
        "reporting_category": category
        or {"payment": "charge", "payment_refund": "refund"}.get(kind, kind),
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    call.store.add(entry, parent=source["id"])
    return str(entry["id"])


def present(call: Call, entry: Body) -> Body:
    """Return the entry with the status that the clock gives it."""
    ripe = entry["available_on"] <= call.now
    return {**entry, "status": "available" if ripe else "pending"}


def _retrieve(call: Call) -> Body:
    return present(call, call.store.get("balance_transaction", call.target))


def _list(call: Call) -> Body:
    def fits(entry: Body) -> bool:
        if payout and call.store.hidden(entry["id"]).get("payout") != payout:
            return False
        return all(
            entry[name] == call.params[name] for name in ("type", "currency") if name in call.params
        )

    source, payout = call.params.get("source"), call.params.get("payout")
    url = "/v1/balance_transactions"
    page = lists.page(call, "balance_transaction", url, parent=source, fits=fits)
    return {**page, "data": [present(call, entry) for entry in page["data"]]}


OPERATIONS = (
    Operation(
        name="balance_transactions.retrieve",
        method="GET",
        path="/v1/balance_transactions/<target>",
        handler=_retrieve,
        schema=Schema({"expand": EXPAND}),
    ),
    Operation(
        name="balance_transactions.list",
        method="GET",
        path="/v1/balance_transactions",
        handler=_list,
        schema=Schema(
            {
                **LIST,
                "created": instants(),
                "source": text(),
                "type": text(),
                "currency": text(),
                "payout": text(),
            }
        ),
    ),
)
