"""Booking and reading the ledger; PostgreSQL itself refuses what does not sum to zero."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.ledger.errors import BookingDiffers
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction
from app.ledger.values import (
    AccountBalance,
    AccountRef,
    Booking,
    CurrencyBalance,
    EntryView,
    TransactionView,
    TrialBalance,
)


def book(uow: UnitOfWork, booking: Booking) -> UUID:
    """Record a transaction once and return its id.

    Idempotent by (kind, external_ref): a repeat with the same lines returns the first id, with
    other lines it raises `BookingDiffers`. Lines that do not sum to zero fail the commit.
    """
    accounts = _open_accounts(uow, {line.account for line in booking.lines}, booking.currency)
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


def _open_accounts(
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


def read_trial_balance(uow: UnitOfWork) -> TrialBalance:
    """Return the balance of every account and the sum of the whole book, per currency."""
    total = func.coalesce(func.sum(LedgerEntry.amount), 0)
    rows = uow.execute(
        select(
            LedgerAccount.code,
            LedgerAccount.kind,
            LedgerAccount.currency,
            total,
            func.coalesce(func.sum(case((LedgerEntry.amount > 0, LedgerEntry.amount))), 0),
        )
        .outerjoin(LedgerEntry, LedgerEntry.account_id == LedgerAccount.id)
        .group_by(LedgerAccount.id)
        .order_by(LedgerAccount.code)
    ).all()
    debits: dict[str, int] = defaultdict(int)
    sums: dict[str, int] = defaultdict(int)
    for _, _, currency, balance, debit in rows:
        sums[currency] += int(balance)
        debits[currency] += int(debit)
    return TrialBalance(
        as_of=now(),
        currencies=[
            CurrencyBalance(name, debits[name], debits[name] - sums[name], sums[name])
            for name in sorted(sums)
        ],
        accounts=[AccountBalance(code, kind, cur, int(bal)) for code, kind, cur, bal, _ in rows],
    )


def list_transactions(
    uow: UnitOfWork, page: PageRequest, subject_id: UUID | None
) -> Page[TransactionView]:
    """Return transactions with their lines, newest first; of one subject when it is given."""
    statement = select(LedgerTransaction)
    if subject_id is not None:
        statement = statement.where(LedgerTransaction.subject_id == subject_id)
    keys = (LedgerTransaction.recorded_at, LedgerTransaction.id)
    found = fetch_page(uow, statement, keys, page, descending=True)
    entries = _entries_of(uow, [row.id for row in found.items])
    views = [
        TransactionView(
            id=row.id,
            kind=row.kind,
            external_ref=row.external_ref,
            subject_id=row.subject_id,
            occurred_at=row.occurred_at,
            recorded_at=row.recorded_at,
            entries=entries[row.id],
        )
        for row in found.items
    ]
    return Page(views, found.next_cursor)


def _entries_of(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[EntryView]]:
    grouped: dict[UUID, list[EntryView]] = defaultdict(list)
    rows = uow.execute(
        select(LedgerEntry, LedgerAccount.code)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(LedgerEntry.transaction_id.in_(ids))
        .order_by(LedgerEntry.transaction_id, LedgerEntry.line_no)
    )
    for entry, code in rows:
        grouped[entry.transaction_id].append(
            EntryView(entry.line_no, code, entry.amount, entry.currency)
        )
    return grouped
