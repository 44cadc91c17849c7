"""A day's batch: drawn up by one person, approved by another, filed, sent, settled or returned."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.core.clock import city_day, now
from app.core.ids import new_id
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.ledger import service as ledger
from app.ledger.values import BANK, BANK_IN_TRANSIT, AccountRef, Booking, Line
from app.ledger.values import payee as payee_account
from app.settlement.errors import (
    BalanceChanged,
    BatchNotFound,
    DayOpen,
    LineNotFound,
    NothingToSettle,
)
from app.settlement.events import BatchDecided
from app.settlement.models import SettlementBatch, SettlementLine
from app.settlement.service.accounts import active_account
from app.settlement.service.common import SettlementDeps, check_second, hold_settlement, lock
from app.settlement.values import BatchStatus, BatchView, LeftOut, LineStatus

CURRENCY = "CNY"
GRACE = timedelta(minutes=1)
"""How long after the end of a day what was recorded within it is surely committed."""


def draft_batch(uow: UnitOfWork, deps: SettlementDeps, who: Principal, day: date) -> BatchView:
    """Draw up what the payees are paid out for a day that is over; a day has one batch.

    Each payee with a bank account gets what it was owed at the end of the day and still is, if it
    is not below the minimum; the others are named. A repeat returns the batch that there is. Raise
    `DayOpen` or `NothingToSettle`.
    """
    _, cut_off = city_day(day)
    if now() < cut_off + GRACE:
        raise DayOpen
    hold_settlement(uow)
    known = uow.scalar(
        select(SettlementBatch).where(
            SettlementBatch.day == day, SettlementBatch.status != BatchStatus.REJECTED
        )
    )
    if known is not None:
        return view_batch(uow, known)
    batch_id = new_id()
    lines: list[SettlementLine] = []
    left_out: list[LeftOut] = []
    for payee, amount in _owed(uow, cut_off):
        account = active_account(uow, payee)
        if amount < deps.minimum or account is None:
            reason = "no-bank-account" if account is None else "below-minimum"
            left_out.append(LeftOut(payee, amount, reason))
            continue
        lines.append(
            SettlementLine(
                id=new_id(),
                status=LineStatus.DRAFTED,
                batch_id=batch_id,
                payee=payee,
                day=day,
                account_id=account.id,
                amount=amount,
                currency=CURRENCY,
            )
        )
    if not lines:
        raise NothingToSettle(left_out=[asdict(one) for one in left_out])
    batch = SettlementBatch(
        id=batch_id,
        status=BatchStatus.DRAFT,
        day=day,
        cut_off=cut_off,
        currency=CURRENCY,
        left_out=[asdict(one) for one in left_out],
        drafted_by=who.id,
        drafted_at=now(),
    )
    uow.open_record(batch, cause="drafted")
    uow.flush()
    for line in lines:
        uow.open_record(line, cause="drafted", amount=line.amount)
    return view_batch(uow, batch)


def _owed(uow: UnitOfWork, cut_off: datetime) -> Iterator[tuple[str, int]]:
    """Yield each payee that can be paid out something, and how much."""
    for balance in ledger.read_balances(uow, "payee"):
        payee = balance.code.partition(":")[2]
        if balance.currency == CURRENCY and balance.balance < 0:
            amount = _available(uow, payee, cut_off, None)
            if amount > 0:
                yield payee, amount


def _available(uow: UnitOfWork, payee: str, cut_off: datetime, but_for: UUID | None) -> int:
    """Return what a payee can be paid out, less what other drafts already count on."""
    drafted = select(func.coalesce(func.sum(SettlementLine.amount), 0)).where(
        SettlementLine.payee == payee, SettlementLine.status == LineStatus.DRAFTED
    )
    if but_for is not None:
        drafted = drafted.where(SettlementLine.batch_id != but_for)
    payable = ledger.read_payable(uow, payee_account(payee), cut_off)
    return payable - int(uow.scalar(drafted) or 0)


def approve_batch(uow: UnitOfWork, who: Principal, batch_id: UUID) -> BatchView:
    """Approve a draft as the second person: from now on its money is on its way, in the books.

    Raise `BatchNotFound`, `NotTheSecond`, `IllegalMove`, or `BalanceChanged` when a payee is owed
    less by now or is paid to another account.
    """
    hold_settlement(uow)
    batch = _to_decide(uow, who, batch_id, BatchStatus.APPROVED)
    lines = lock_lines(uow, batch.id)
    changed = [line.payee for line in lines if not _still_holds(uow, batch, line)]
    if changed:
        raise BalanceChanged(payees=changed)
    _decide(uow, who, batch, BatchStatus.APPROVED)
    for line in lines:
        uow.move(line, LineStatus.ORDERED, cause="second-person")
        _book(uow, "settlement.ordered", line, payee_account(line.payee), BANK_IN_TRANSIT)
    _note(uow, batch, lines, "approved")
    return view_batch(uow, batch)


def _still_holds(uow: UnitOfWork, batch: SettlementBatch, line: SettlementLine) -> bool:
    account = active_account(uow, line.payee)
    if account is None or account.id != line.account_id:
        return False
    return _available(uow, line.payee, batch.cut_off, batch.id) >= line.amount


def reject_batch(uow: UnitOfWork, who: Principal, batch_id: UUID) -> BatchView:
    """Reject a draft as the second person; the day may be drawn up anew.

    Raise `BatchNotFound`, `NotTheSecond` or `IllegalMove`.
    """
    hold_settlement(uow)
    batch = _to_decide(uow, who, batch_id, BatchStatus.REJECTED)
    lines = lock_lines(uow, batch.id)
    _decide(uow, who, batch, BatchStatus.REJECTED)
    for line in lines:
        uow.move(line, LineStatus.VOID, cause="second-person")
    _note(uow, batch, lines, "rejected")
    return view_batch(uow, batch)


def _to_decide(
    uow: UnitOfWork, who: Principal, batch_id: UUID, verdict: BatchStatus
) -> SettlementBatch:
    batch = lock(uow, SettlementBatch, batch_id, BatchNotFound)
    check_second(uow, who, batch.drafted_by, batch.id)
    batch.check_move(verdict)
    return batch


def _decide(uow: UnitOfWork, who: Principal, batch: SettlementBatch, verdict: BatchStatus) -> None:
    batch.decided_by, batch.decided_at = who.id, now()
    uow.move(batch, verdict, cause="second-person")


def _note(
    uow: UnitOfWork, batch: SettlementBatch, lines: list[SettlementLine], verdict: str
) -> None:
    amount = sum(line.amount for line in lines)
    uow.record(BatchDecided(batch_id=batch.id, verdict=verdict, amount=amount))


def send_batch(uow: UnitOfWork, who: Principal, batch_id: UUID) -> BatchView:
    """Note that a batch's file was handed to the bank. Raise `BatchNotFound` or `IllegalMove`."""
    batch = lock(uow, SettlementBatch, batch_id, BatchNotFound)
    batch.check_move(BatchStatus.SENT)
    batch.sent_by, batch.sent_at = who.id, now()
    uow.move(batch, BatchStatus.SENT, cause="handed over")
    return view_batch(uow, batch)


def settle_line(uow: UnitOfWork, line_id: UUID, bank_reference: str) -> SettlementLine:
    """Note that the bank has paid a line of a batch that was sent; idempotent.

    Raise `LineNotFound` or `IllegalMove`.
    """
    batch, line = _of_bank(uow, line_id)
    if line.status == LineStatus.SETTLED:
        return line
    _check_sent(batch)
    line.bank_reference = bank_reference
    uow.move(line, LineStatus.SETTLED, cause="bank")
    _book(uow, "settlement.settled", line, BANK_IN_TRANSIT, BANK)
    _close(uow, batch)
    return line


def return_line(uow: UnitOfWork, line_id: UUID, reason: str) -> SettlementLine:
    """Note that the bank could not pay a line, or that its money came back; idempotent.

    The payee is owed it again, and the next batch has it. Raise `LineNotFound` or `IllegalMove`.
    """
    batch, line = _of_bank(uow, line_id)
    if line.status == LineStatus.RETURNED:
        return line
    _check_sent(batch)
    source = BANK if line.status == LineStatus.SETTLED else BANK_IN_TRANSIT
    line.return_reason = reason
    uow.move(line, LineStatus.RETURNED, cause="bank")
    _book(uow, "settlement.returned", line, source, payee_account(line.payee))
    _close(uow, batch)
    return line


def _of_bank(uow: UnitOfWork, line_id: UUID) -> tuple[SettlementBatch, SettlementLine]:
    found = uow.get(SettlementLine, line_id)
    if found is None:
        raise LineNotFound
    batch = lock(uow, SettlementBatch, found.batch_id, BatchNotFound)
    return batch, lock(uow, SettlementLine, line_id, LineNotFound)


def _check_sent(batch: SettlementBatch) -> None:
    if batch.sent_at is None:
        batch.check_move(BatchStatus.SETTLED)


def _close(uow: UnitOfWork, batch: SettlementBatch) -> None:
    """Close a batch of which the bank has said what became of every line."""
    states = {line.status for line in lock_lines(uow, batch.id)}
    if batch.status != BatchStatus.SENT or LineStatus.ORDERED in states:
        return
    all_came_back = states == {LineStatus.RETURNED}
    uow.move(batch, BatchStatus.RETURNED if all_came_back else BatchStatus.SETTLED, cause="bank")


def _book(
    uow: UnitOfWork, kind: str, line: SettlementLine, debit: AccountRef, credit: AccountRef
) -> None:
    ledger.book(
        uow,
        Booking(
            kind=kind,
            external_ref=str(line.id),
            subject_id=line.batch_id,
            occurred_at=now(),
            currency=line.currency,
            lines=[Line(debit, line.amount), Line(credit, -line.amount)],
        ),
    )


def lock_lines(uow: UnitOfWork, batch_id: UUID) -> list[SettlementLine]:
    """Return the lines of a locked batch by payee, locked and as they are now."""
    statement = (
        select(SettlementLine)
        .where(SettlementLine.batch_id == batch_id)
        .order_by(SettlementLine.payee)
        .with_for_update()
    )
    return list(uow.scalars(statement.execution_options(populate_existing=True)))


def list_batches(uow: UnitOfWork, page: PageRequest) -> Page[BatchView]:
    """Return batches, the newest day first."""
    keys = (SettlementBatch.day, SettlementBatch.id)
    found = fetch_page(uow, select(SettlementBatch), keys, page, descending=True)
    return Page(_views(uow, found.items), found.next_cursor)


def read_batch(uow: UnitOfWork, batch_id: UUID) -> BatchView:
    """Return a batch, or raise `BatchNotFound`."""
    found = uow.get(SettlementBatch, batch_id)
    if found is None:
        raise BatchNotFound
    return view_batch(uow, found)


def list_lines(uow: UnitOfWork, batch_id: UUID, page: PageRequest) -> Page[SettlementLine]:
    """Return the lines of a batch by payee, or raise `BatchNotFound`."""
    read_batch(uow, batch_id)
    statement = select(SettlementLine).where(SettlementLine.batch_id == batch_id)
    return fetch_page(uow, statement, (SettlementLine.payee,), page)


def view_batch(uow: UnitOfWork, batch: SettlementBatch) -> BatchView:
    """Return a batch with what its lines move together."""
    if not uow.read_only:
        uow.flush()
    return _views(uow, [batch])[0]


def _views(uow: UnitOfWork, batches: Sequence[SettlementBatch]) -> list[BatchView]:
    rows = uow.execute(
        select(SettlementLine.batch_id, func.count(), func.sum(SettlementLine.amount))
        .where(SettlementLine.batch_id.in_([batch.id for batch in batches]))
        .group_by(SettlementLine.batch_id)
    )
    sums = {batch_id: (int(count), int(amount)) for batch_id, count, amount in rows}
    return [_view(batch, *sums.get(batch.id, (0, 0))) for batch in batches]


def _view(batch: SettlementBatch, count: int, amount: int) -> BatchView:
    return BatchView(
        id=batch.id,
        day=batch.day,
        cut_off=batch.cut_off,
        status=batch.status,
        currency=batch.currency,
        amount=amount,
        count=count,
        left_out=batch.left_out,
        drafted_by=batch.drafted_by,
        drafted_at=batch.drafted_at,
        decided_by=batch.decided_by,
        decided_at=batch.decided_at,
        filed_at=batch.filed_at,
        digests=batch.digests,
        sent_by=batch.sent_by,
        sent_at=batch.sent_at,
    )
