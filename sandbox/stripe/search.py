"""Stripe's search language, as far as intents need it: fields, metadata, `AND`, `OR`, `-`."""

import re
from collections.abc import Callable
from itertools import islice

from sandbox.stripe import lists
from sandbox.stripe.errors import ApiError, Body, invalid
from sandbox.stripe.world import Call

_CLAUSE = re.compile(
    r"""\s*(?P<no>-)?(?P<field>status|currency|amount|created|metadata)
    (?:\[\s*(?P<kq>['"])(?P<key>(?:\\.|(?!(?P=kq)).)*)(?P=kq)\s*\])?
    \s*(?P<sign>:|>=|<=|>|<|~)\s*
    (?:(?P<vq>['"])(?P<text>(?:\\.|(?!(?P=vq)).)*)(?P=vq)|(?P<number>-?\d+|null))\s*""",
    re.VERBOSE,
)
_JOIN = re.compile(r"(AND|OR)\b", re.IGNORECASE)
_DEFAULT = 10

Test = Callable[[Body], bool]


def find(call: Call, kind: str, url: str) -> Body:
    """Return the objects that the query finds, newest first, a page at a time."""
    fits = read_query(call.params["query"])
    offset = _offset(call.params.get("page"))
    limit = call.params.get("limit", _DEFAULT)
    following = offset + limit
    matching = (body for body in lists.walk(call, ["kind = ?"], [kind]) if fits(body))
    # One more than the page tells whether there is a next one.
    found = list(islice(matching, following + 1))
    more = len(found) > following
    return {
        "object": "search_result",
        "data": found[offset:following],
        "has_more": more,
        "next_page": f"page_{following}" if more else None,
        "url": url,
    }


def read_query(query: str) -> Test:
    """Return the test that a query describes, or refuse a query that cannot be read."""
    tests: list[Test] = []
    joins: set[str] = set()
    rest = query
    while True:
        match = _CLAUSE.match(rest)
        if match is None:
            raise _unreadable()
        tests.append(_clause(match))
        rest = rest[match.end() :]
        if not rest:
            break
        join = _JOIN.match(rest)
        if join:
            joins.add(join[1].upper())
            rest = rest[join.end() :]
        else:
            joins.add("AND")
    if len(joins) > 1:
        raise invalid("AND and OR may not be mixed in one query.", param="query")
    quantifier = any if joins == {"OR"} else all
    return lambda body: quantifier(test(body) for test in tests)


def _clause(match: re.Match[str]) -> Test:
    field, key = match["field"], match["key"]
    if (field == "metadata") != (key is not None):
        raise _unreadable()
    raw = match["text"] if match["number"] is None else match["number"]
    wanted = re.sub(r"\\(.)", r"\1", raw)
    test = _comparison(match["sign"], None if match["number"] == "null" else wanted)

    def fits(body: Body) -> bool:
        value = body["metadata"].get(re.sub(r"\\(.)", r"\1", key)) if key else body[field]
        return test(value) != bool(match["no"])

    return fits


def _comparison(sign: str, wanted: str | None) -> Callable[[str | int | None], bool]:
    if wanted is None:
        return lambda value: value is None
    if sign == "~":
        return lambda value: value is not None and wanted.lower() in str(value).lower()
    if sign == ":":
        return lambda value: value is not None and str(value).lower() == wanted.lower()
    if not wanted.removeprefix("-").isdecimal():
        raise _unreadable()
    bound = int(wanted)
    compare: dict[str, Callable[[int], bool]] = {
        ">": lambda number: number > bound,
        ">=": lambda number: number >= bound,
        "<": lambda number: number < bound,
        "<=": lambda number: number <= bound,
    }
    return lambda value: isinstance(value, int) and compare[sign](value)


def _offset(page: str | None) -> int:
    if page is None:
        return 0
    number = page.removeprefix("page_")
    if not number.isdecimal():
        raise invalid("The page token could not be read.", param="page")
    return int(number)


def _unreadable() -> ApiError:
    return invalid("The search query could not be read.", param="query")
