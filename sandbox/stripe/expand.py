"""`expand[]`: ids in an answer replaced by the objects that they name."""

from sandbox.stripe import balance
from sandbox.stripe.errors import ApiError, Body, invalid
from sandbox.stripe.world import Call

_DEEPEST = 4
_EXPANDABLE = {
    "payment_intent": ("latest_charge", "payment_method"),
    "setup_intent": ("payment_method",),
    "charge": ("balance_transaction", "payment_intent", "refunds"),
    "refund": (
        "balance_transaction",
        "charge",
        "failure_balance_transaction",
        "payment_intent",
        "payment_method",
    ),
    "balance_transaction": ("source",),
    "payout": ("balance_transaction", "failure_balance_transaction"),
}
_PUBLIC = ("payment_method",)


def expand(call: Call, body: Body) -> Body:
    """Return the answer with everything expanded that the call asked for."""
    for path in call.params.get("expand", []):
        steps = path.split(".")
        if len(steps) > _DEEPEST + (steps[0] == "data"):
            raise invalid(f"Expanding goes at most {_DEEPEST} levels deep.", param="expand")
        if call.publishable and steps[0] not in _PUBLIC:
            raise _unexpandable(path)
        body = _expand_one(call, body, steps, path)
    return body


def _expand_one(call: Call, body: Body, steps: list[str], path: str) -> Body:
    step, *rest = steps
    if step == "data" and isinstance(body.get("data"), list):
        return {**body, "data": [_expand_one(call, item, rest, path) for item in body["data"]]}
    if step not in _EXPANDABLE.get(body["object"], ()):
        raise _unexpandable(path)
    value = _load(call, body, step)
    if rest and value is not None:
        value = _expand_one(call, value, rest, path)
    return {**body, step: value}


def _load(call: Call, body: Body, step: str) -> Body | None:
    if step == "refunds":
        return _refunds(call, body)
    value: str | Body | None = body.get(step)
    if not isinstance(value, str):
        return value
    found = call.store.find(value)
    if found is not None and found["object"] == "balance_transaction":
        return balance.present(call, found)
    return found


def _refunds(call: Call, charge: Body) -> Body:
    below = call.store.of_kind("refund", parent=charge["payment_intent"])
    mine = [refund for refund in reversed(below) if refund["charge"] == charge["id"]]
    return {
        "object": "list",
        "data": mine[:10],
        "has_more": len(mine) > len(mine[:10]),
        "url": f"/v1/charges/{charge['id']}/refunds",
    }


def _unexpandable(path: str) -> ApiError:
    return invalid(f"This property cannot be expanded ({path}).", param="expand")
