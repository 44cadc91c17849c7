"""Corrections: nothing is changed, two people book a new transaction."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.ledger.errors import (
    AccountUnknown,
    AlreadyReversed,
    NotReversible,
    SamePerson,
    TransactionNotFound,
)
from app.ledger.events import LedgerCorrected
from app.ledger.models import LedgerAccount, LedgerCorrection, LedgerEntry, LedgerTransaction
from app.ledger.service.booking import book, find_transaction, hold, lines_of
from app.ledger.values import (
    POSTINGS,
    AccountRef,
    Booking,
    Kind,
    Line,
    TwoPeople,
)


def examine_reversal(uow: UnitOfWork, transaction_id: UUID) -> LedgerTransaction:
    """Return a transaction that can be reversed now.

    Raise `TransactionNotFound`, `AlreadyReversed`, or `NotReversible` for what other records rest
    on (payments, refunds, settlements): those have ways back of their own.
    """
    found = uow.get(LedgerTransaction, transaction_id)
    if found is None:
        raise TransactionNotFound
    posting = POSTINGS.get(found.kind)
    if posting is None or not posting.is_reversible:
        raise NotReversible
    reversal = select(LedgerTransaction.id).where(LedgerTransaction.reversal_of == found.id)
    if uow.scalar(reversal) is not None:
        raise AlreadyReversed
    return found


def reverse_transaction(uow: UnitOfWork, transaction_id: UUID, people: TwoPeople) -> UUID:
    """Undo a booking by its mirror image; once. Raise as `examine_reversal`, or `SamePerson`."""
    hold(uow, transaction_id)
    kept = find_transaction(uow, "correction.reversal", people.grounds)
    if kept is not None:
        return kept
    found = examine_reversal(uow, transaction_id)
    booking = Booking(
        kind="correction.reversal",
        external_ref=people.grounds,
        subject_id=found.subject_id,
        occurred_at=now(),
        currency=_currency_of(uow, found.id),
        lines=[Line(line.account, -line.amount) for line in lines_of(uow, found.id)],
        reversal_of=found.id,
    )
    return _correct(uow, booking, people)


def adjust(
    uow: UnitOfWork,
    debit: AccountRef,
    credit: AccountRef,
    amount: int,
    subject_id: UUID,
    people: TwoPeople,
    currency: str = "CNY",
) -> UUID:
    """Move an amount from one account to another; once for its grounds. Raise `SamePerson`."""
    booking = Booking(
        kind="correction.adjustment",
        external_ref=people.grounds,
        subject_id=subject_id,
        occurred_at=now(),
        currency=currency,
        lines=[Line(debit, amount), Line(credit, -amount)],
    )
    return _correct(uow, booking, people)


def find_account(uow: UnitOfWork, code: str, currency: str = "CNY") -> AccountRef:
    """Return an account that is open, or raise `AccountUnknown`: nobody opens one by a slip."""
    kind = uow.scalar(
        select(LedgerAccount.kind).where(
            LedgerAccount.code == code, LedgerAccount.currency == currency
        )
    )
    if kind is None:
        raise AccountUnknown
    return AccountRef(code, Kind(kind))


def _currency_of(uow: UnitOfWork, transaction_id: UUID) -> str:
    found: str = uow.scalars(
        select(LedgerEntry.currency).where(LedgerEntry.transaction_id == transaction_id).limit(1)
    ).one()
    return found


def _correct(uow: UnitOfWork, booking: Booking, people: TwoPeople) -> UUID:
    if people.proposed_by == people.approved_by:
        raise SamePerson
    transaction_id = book(uow, booking)
    new = uow.scalar(
        insert(LedgerCorrection)
        .values(
            transaction_id=transaction_id,
            proposed_by=people.proposed_by,
            approved_by=people.approved_by,
            grounds=people.grounds,
            at=now(),
        )
        .on_conflict_do_nothing(index_elements=["transaction_id"])
        .returning(LedgerCorrection.transaction_id)
    )
    if new is not None:
        uow.record(
            LedgerCorrected(
                transaction_id=transaction_id,
                reversal_of=booking.reversal_of,
                proposed_by=people.proposed_by,
                approved_by=people.approved_by,
                grounds=people.grounds,
            )
        )
    return transaction_id
