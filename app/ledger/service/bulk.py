"""Booking many at once: the same promises as one by one, with a handful of statements in all."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerSplit, LedgerTransaction
from app.ledger.service.booking import check_lines, open_accounts
from app.ledger.service.fees import booking_of_fee
from app.ledger.values import AccountRef, Booking, Fee, FeeBearer, payee


def book_gateway_fees(uow: UnitOfWork, fees: Sequence[Fee]) -> list[str]:
    """Book what a gateway keeps of many movements; return the references that are booked otherwise.

    As `book_gateway_fee` for each of them, but that what differs is returned and left as it is.
    """
    bearers = _bearers(uow, {fee.subject_id for fee in fees if fee.subject_id is not None})
    bookings: dict[str, Booking] = {}
    differ: set[str] = set()
    for fee in fees:
        own = bearers.get(fee.subject_id) if fee.subject_id is not None else None
        booking = booking_of_fee(fee, own or {None: 1})
        first = bookings.setdefault(booking.external_ref, booking)
        if first.lines != booking.lines:
            differ.add(booking.external_ref)
    differ.update(_book_all(uow, list(bookings.values())))
    return [fee.reference for fee in fees if f"{fee.gateway}:{fee.reference}" in differ]


def _bearers(uow: UnitOfWork, subjects: set[UUID]) -> dict[UUID, dict[AccountRef | None, int]]:
    """Return who bears the fees of each payment, and how much of it they stand for."""
    rows = uow.execute(
        select(
            LedgerTransaction.subject_id,
            LedgerSplit.payee,
            LedgerSplit.fee_bearer,
            func.sum(LedgerSplit.amount),
        )
        .join(LedgerSplit, LedgerSplit.transaction_id == LedgerTransaction.id)
        .where(
            LedgerTransaction.subject_id.in_(subjects),
            LedgerTransaction.kind == "payment.captured",
        )
        .group_by(LedgerTransaction.subject_id, LedgerSplit.payee, LedgerSplit.fee_bearer)
        .order_by(LedgerTransaction.subject_id, LedgerSplit.payee, LedgerSplit.fee_bearer)
    )
    found: dict[UUID, dict[AccountRef | None, int]] = defaultdict(lambda: defaultdict(int))
    for subject, payee_id, bearer, amount in rows:
        found[subject][payee(payee_id) if bearer == FeeBearer.PAYEE else None] += int(amount)
    return found


def _book_all(uow: UnitOfWork, bookings: Sequence[Booking]) -> list[str]:
    """Record transactions of one kind and currency; return the references booked otherwise."""
    by_currency: dict[str, list[Booking]] = defaultdict(list)
    for booking in bookings:
        by_currency[booking.currency].append(booking)
    differ: list[str] = []
    for currency, some in by_currency.items():
        differ += _book_currency(uow, some, currency)
    return differ


def _book_currency(uow: UnitOfWork, bookings: Sequence[Booking], currency: str) -> list[str]:
    for booking in bookings:
        check_lines(booking)
    accounts = open_accounts(
        uow, {line.account for booking in bookings for line in booking.lines}, currency
    )
    moment = now()
    rows = [
        {
            "id": new_id(),
            "kind": booking.kind,
            "external_ref": booking.external_ref,
            "subject_id": booking.subject_id,
            "lines": len(booking.lines),
            "reversal_of": None,
            "occurred_at": booking.occurred_at,
            "recorded_at": moment,
        }
        for booking in bookings
    ]
    made = insert(LedgerTransaction).values(rows)
    made = made.on_conflict_do_nothing(index_elements=["kind", "external_ref"])
    returned = made.returning(LedgerTransaction.external_ref, LedgerTransaction.id)
    new = {row.external_ref: row.id for row in uow.execute(returned)}
    entries = [
        {
            "transaction_id": new[booking.external_ref],
            "line_no": number,
            "account_id": accounts[line.account],
            "amount": line.amount,
            "currency": currency,
        }
        for booking in bookings
        if booking.external_ref in new
        for number, line in enumerate(booking.lines, start=1)
    ]
    if entries:
        uow.execute(insert(LedgerEntry).values(entries))
    return _booked_otherwise(
        uow, [booking for booking in bookings if booking.external_ref not in new]
    )


def _booked_otherwise(uow: UnitOfWork, bookings: Sequence[Booking]) -> list[str]:
    """Return the references of bookings that stand in the books with other lines."""
    if not bookings:
        return []
    rows = uow.execute(
        select(LedgerTransaction.external_ref, LedgerAccount.code, LedgerEntry.amount)
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(
            LedgerTransaction.kind == bookings[0].kind,
            LedgerTransaction.external_ref.in_([b.external_ref for b in bookings]),
        )
        .order_by(LedgerTransaction.external_ref, LedgerEntry.line_no)
    )
    kept: dict[str, list[Any]] = defaultdict(list)
    for reference, code, amount in rows:
        kept[reference].append((code, amount))
    return [
        booking.external_ref
        for booking in bookings
        if kept[booking.external_ref]
        != [(line.account.code, line.amount) for line in booking.lines]
    ]
