"""Stripe's own books of a city day: its balance transactions, payouts among them."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from app.core.clock import city_day, now
from app.payments.gateway.contract import (
    GatewayAmbiguous,
    GatewayRefused,
    Movement,
    StatementLine,
    StatementUnavailable,
)

_PAGE = 100
_KINDS = {
    "charge": Movement.CHARGE,
    "payment": Movement.CHARGE,
    "refund": Movement.REFUND,
    "payment_refund": Movement.REFUND,
    "refund_failure": Movement.REFUND_FAILED,
    "payment_failure_refund": Movement.REFUND_FAILED,
    "payout": Movement.PAYOUT,
    "payout_cancel": Movement.PAYOUT,
    "payout_failure": Movement.PAYOUT,
    "stripe_fee": Movement.FEE,
    "stripe_fx_fee": Movement.FEE,
    "tax_fee": Movement.FEE,
}
_DISPUTES = {"dispute": Movement.DISPUTE, "dispute_reversal": Movement.DISPUTE_REVERSED}

ListPage = Callable[[Mapping[str, Any]], Any]
"""Asks for one page of balance transactions; raises what a gateway's call raises."""


def list_transactions(list_page: ListPage, day: date) -> Iterator[StatementLine]:
    """Return the lines of a closed day, newest first, page after page.

    Raise `StatementUnavailable` at once while the day lasts or Stripe does not answer, and at
    whatever line it stops to answer.
    """
    begins, ends = city_day(day)
    if now() < ends:
        raise StatementUnavailable
    params = {
        "created": {"gte": int(begins.timestamp()), "lt": int(ends.timestamp())},
        "limit": _PAGE,
        "expand": ["data.source"],
    }
    return _walk(list_page, params, _ask(list_page, params))


def _walk(list_page: ListPage, params: Mapping[str, Any], page: Any) -> Iterator[StatementLine]:  # noqa: ANN401 - the library's object
    while True:
        for entry in page.data:
            yield _line(entry.to_dict())
        if not page.has_more:
            return
        page = _ask(list_page, {**params, "starting_after": page.data[-1].id})


def _ask(list_page: ListPage, params: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the library's object
    try:
        return list_page(params)
    except (GatewayAmbiguous, GatewayRefused) as error:
        raise StatementUnavailable from error


def _line(entry: Mapping[str, Any]) -> StatementLine:
    kind = _kind(entry)
    source = entry.get("source") or {}
    if not isinstance(source, Mapping):  # an id that Stripe did not open: it names nothing of ours
        source = {"id": source}
    is_refund = kind in {Movement.REFUND, Movement.REFUND_FAILED}
    metadata = source.get("metadata") or {}
    return StatementLine(
        id=entry["id"],
        kind=kind,
        intent_id=_id(source.get("payment_intent")),
        refund_id=source.get("id") if is_refund else None,
        our_id=metadata.get("refund" if is_refund else "attempt"),
        amount=entry["amount"],
        fee=entry["fee"],
        currency=entry["currency"].upper(),
        occurred_at=datetime.fromtimestamp(entry["created"], UTC),
        payout_id=source.get("id") if kind is Movement.PAYOUT else None,
    )


def _kind(entry: Mapping[str, Any]) -> Movement:
    if entry["type"] in _KINDS:
        return _KINDS[entry["type"]]
    return _DISPUTES.get(entry.get("reporting_category", ""), Movement.OTHER)


def _id(value: object) -> str | None:
    """Return the id of what is named or opened."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return None if value is None else str(value)
