"""Cursor lists: newest first, `starting_after`, `ending_before`, `limit`, `created`."""

import json
from collections.abc import Callable, Iterator

from sandbox.stripe.errors import Body, invalid, not_found
from sandbox.stripe.world import Call

_DEFAULT = 10
_STEP = 200


def page(
    call: Call,
    kind: str,
    url: str,
    *,
    parent: str | None = None,
    fits: Callable[[Body], bool] = lambda _: True,
) -> Body:
    """Return one page of the objects of a kind that belong to `parent` and fit."""
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise invalid("Only one of starting_after and ending_before may be given.")
    limit = call.params.get("limit", _DEFAULT)
    clauses, values = _bounds(call, kind, parent)
    if after:
        clauses, values = (
            [*clauses, "seq < ?"],
            [*values, _seq(call, kind, after, "starting_after")],
        )
    if before:
        clauses, values = (
            [*clauses, "seq > ?"],
            [*values, _seq(call, kind, before, "ending_before")],
        )
    found: list[Body] = []
    for body in walk(call, clauses, values, oldest_first=bool(before)):
        if fits(body):
            found.append(body)
        if len(found) > limit:
            break
    chosen = found[:limit]
    return {
        "object": "list",
        "data": chosen[::-1] if before else chosen,
        "has_more": len(found) > limit,
        "url": url,
    }


def _bounds(call: Call, kind: str, parent: str | None) -> tuple[list[str], list[object]]:
    clauses, values = ["kind = ?"], list[object]([kind])
    if parent is not None:
        clauses, values = [*clauses, "parent = ?"], [*values, parent]
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    for name, moment in call.params.get("created", {}).items():
        clauses, values = [*clauses, f"created {signs[name]} ?"], [*values, moment]
    return clauses, values


def _seq(call: Call, kind: str, object_id: str, param: str) -> int:
    rows = call.store.run("select seq from objects where id = ? and kind = ?", (object_id, kind))
    if not rows:
        raise not_found(kind, object_id, param, status=400)
    return int(rows[0]["seq"])


def walk(
    call: Call, clauses: list[str], values: list[object], *, oldest_first: bool = False
) -> Iterator[Body]:
    """Read in steps, so that a filter over many objects never loads them all at once."""
    sign, order = (">", "asc") if oldest_first else ("<", "desc")
    last = -1 if oldest_first else 1 << 62
    while True:
        where = " and ".join([*clauses, f"seq {sign} ?"])
        rows = call.store.run(
            f"select seq, body from objects where {where} order by seq {order} limit {_STEP}",  # noqa: S608 - all parts are ours
            [*values, last],
        )
        for row in rows:
            yield json.loads(row["body"])
        if len(rows) < _STEP:
            return
        last = rows[-1]["seq"]
