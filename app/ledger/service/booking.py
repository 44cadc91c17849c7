"""Booking once, whole and for ever; PostgreSQL itself refuses what does not sum to zero."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.ledger.errors import BookingDiffers
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction
from app.ledger.values import AccountRef, Booking, Kind, Line, account_named

_HOLD = text("select pg_advisory_xact_lock(hashtextextended(:name, 7302061))")


def book(uow: UnitOfWork, booking: Booking) -> UUID:
    """Record a transaction once and return its id.

    Idempotent by (kind, external_ref): a repeat with the same lines returns the first id, with
    other lines it raises `BookingDiffers`. Lines that do not sum to zero fail the commit; an
    account that is not in the plan is a ValueError.
    """
    check_lines(booking)
    accounts = open_accounts(uow, {line.account for line in booking.lines}, booking.currency)
    transaction_id: UUID | None = uow.scalar(
        insert(LedgerTransaction)
        .values(
            id=new_id(),
            kind=booking.kind,
            external_ref=booking.external_ref,
            subject_id=booking.subject_id,
            lines=len(booking.lines),
            reversal_of=booking.reversal_of,
            occurred_at=booking.occurred_at,
            recorded_at=now(),
        )
        .on_conflict_do_nothing(index_elements=["kind", "external_ref"])
        .returning(LedgerTransaction.id)
    )
    if transaction_id is None:
        return _same_booking(uow, booking, accounts)
    uow.execute(
        insert(LedgerEntry),
        [
            {
                "transaction_id": transaction_id,
                "line_no": number,
                "account_id": accounts[line.account],
                "amount": line.amount,
                "currency": booking.currency,
            }
            for number, line in enumerate(booking.lines, start=1)
        ],
    )
    return transaction_id


def check_lines(booking: Booking) -> None:
    """Raise ValueError for an account that is not in the plan."""
    for line in booking.lines:
        if account_named(line.account.code) != line.account:
            raise ValueError(f"{line.account.code} is no {line.account.kind} in the plan")


def open_accounts(
    uow: UnitOfWork, wanted: set[AccountRef], currency: str
) -> dict[AccountRef, UUID]:
    """Return the ids of accounts; those that do not exist are opened, in one order for all."""
    found = _find_accounts(uow, wanted, currency)
    missing = sorted(wanted - found.keys())
    if missing:
        values = [
            {"id": new_id(), "code": ref.code, "kind": ref.kind, "currency": currency}
            for ref in missing
        ]
        uow.execute(insert(LedgerAccount).values(values).on_conflict_do_nothing())
        found = _find_accounts(uow, wanted, currency)
    return found


def _find_accounts(
    uow: UnitOfWork, wanted: Iterable[AccountRef], currency: str
) -> dict[AccountRef, UUID]:
    by_code = {ref.code: ref for ref in wanted}
    rows = uow.execute(
        select(LedgerAccount.code, LedgerAccount.id).where(
            LedgerAccount.code.in_(by_code), LedgerAccount.currency == currency
        )
    )
    return {by_code[code]: account_id for code, account_id in rows}


def _same_booking(uow: UnitOfWork, booking: Booking, accounts: dict[AccountRef, UUID]) -> UUID:
    row = uow.scalars(
        select(LedgerTransaction).where(
            LedgerTransaction.kind == booking.kind,
            LedgerTransaction.external_ref == booking.external_ref,
        )
    ).one()
    entries = uow.execute(
        select(LedgerEntry.account_id, LedgerEntry.amount)
        .where(LedgerEntry.transaction_id == row.id)
        .order_by(LedgerEntry.line_no)
    )
    wanted = [(accounts[line.account], line.amount) for line in booking.lines]
    if [tuple(entry) for entry in entries] != wanted:
        raise BookingDiffers
    return row.id


def find_transaction(uow: UnitOfWork, kind: str, external_ref: str) -> UUID | None:
    """Return the id of what was booked for a foreign object, or None."""
    found: UUID | None = uow.scalar(
        select(LedgerTransaction.id).where(
            LedgerTransaction.kind == kind, LedgerTransaction.external_ref == external_ref
        )
    )
    return found


def hold(uow: UnitOfWork, thing_id: UUID) -> None:
    """Let nobody else book about a split or a transaction until the commit.

    Their rows are append-only, so they cannot be locked themselves.
    """
    uow.execute(_HOLD, {"name": str(thing_id)})


def lines_of(uow: UnitOfWork, transaction_id: UUID) -> list[Line]:
    """Return the lines of a transaction in their order."""
    rows = uow.execute(
        select(LedgerAccount.code, LedgerAccount.kind, LedgerEntry.amount)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(LedgerEntry.transaction_id == transaction_id)
        .order_by(LedgerEntry.line_no)
    )
    return [Line(AccountRef(code, Kind(kind)), amount) for code, kind, amount in rows]
