"""The bookings as they are shown: with their lines, newest first."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction
from app.ledger.values import EntryView, TransactionView


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
            reversal_of=row.reversal_of,
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
