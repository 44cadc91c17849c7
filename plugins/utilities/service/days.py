"""A biller's day: what was uploaded, paid and posted, and in what two books of it differ."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, any_, func, literal, or_, select

from app.sdk import Page, PageRequest, UnitOfWork, city_day, fetch_page
from plugins.utilities.events import DayCompared
from plugins.utilities.models import Bill, BillChange, Posting, Reversal, UploadedFile
from plugins.utilities.service.desk import enter_desk
from plugins.utilities.service.posting_file import read_posting_file, write_posting_file
from plugins.utilities.values import (
    CONFIRMED,
    ChangeKind,
    DayComparison,
    DayDifference,
    DayFault,
    DayStatement,
    Figure,
    FileEncoding,
    PostedLine,
    PostingState,
)

_UNCLEAR = (PostingState.SENT, PostingState.UNCLEAR)
_NOTHING = Figure(0, 0)


def list_postings(
    uow: UnitOfWork,
    client_id: UUID,
    biller_id: str,
    page: PageRequest,
    *,
    day: date | None,
    state: str | None,
) -> Page[Posting]:
    """Return what a biller was told, the oldest first; no account and no citizen is named."""
    biller = enter_desk(uow, client_id, biller_id)
    statement = select(Posting).where(Posting.biller == biller.id)
    if day is not None:
        statement = statement.where(_counts_on(day))
    if state is not None:
        statement = statement.where(Posting.state == state)
    return fetch_page(uow, statement, [Posting.sent_at, Posting.key], page)


def make_posting_file(
    uow: UnitOfWork, client_id: UUID, biller_id: str, day: date, encoding: FileEncoding
) -> bytes:
    """Return the file of what a biller booked on a day, by the biller's own times."""
    biller = enter_desk(uow, client_id, biller_id)
    booked = select(Posting).where(*_booked_on(biller.id, day))
    rows = uow.scalars(booked.order_by(Posting.answered_at, Posting.key))
    return write_posting_file((_line(row) for row in rows), encoding)


def read_statement(uow: UnitOfWork, client_id: UUID, biller_id: str, day: date) -> DayStatement:
    """Return a biller's day as our books have it; each difference is one of our own making."""
    biller = enter_desk(uow, client_id, biller_id)
    uploads = select(func.count(), func.coalesce(func.sum(UploadedFile.lines), 0)).add_columns(
        func.coalesce(func.sum(UploadedFile.total), 0)
    )
    taken = (UploadedFile.biller == biller.id, _within(UploadedFile.taken_at, day))
    files, bills, total = uow.execute(uploads.where(*taken)).one()
    changes = _changes(uow, biller.id, day)
    figures = _figures(uow, biller.id, day)
    confirmed = [figures.get(state, _NOTHING) for state in CONFIRMED]
    unclear = [figures.get(state, _NOTHING) for state in _UNCLEAR]
    return DayStatement(
        biller=biller.id,
        day=day,
        files=files,
        uploaded=Figure(bills, int(total)),
        amended=changes.get(ChangeKind.AMENDED, 0),
        withdrawn=changes.get(ChangeKind.WITHDRAWN, 0),
        booked=_sum(confirmed),
        unclear=_sum(unclear),
        refused=figures.get(PostingState.REFUSED, _NOTHING),
        reversed=_reversed(uow, biller.id, day),
        differences=list(_own_differences(uow, biller.id, day)),
    )


def compare_day(
    uow: UnitOfWork, client_id: UUID, biller_id: str, day: date, raw: bytes
) -> DayComparison:
    """Hold a biller's own posting file of a day against what it told us that it booked.

    Raise `BillFileInvalid`. Nothing is changed; the trail keeps that it was done, and the figures.
    """
    biller = enter_desk(uow, client_id, biller_id)
    lines = read_posting_file(raw)
    keys = literal([line.key for _, line in lines], ARRAY(Text))
    known = uow.scalars(
        select(Posting).where(
            Posting.biller == biller.id,
            or_(and_(*_booked_on(biller.id, day)), Posting.key == any_(keys)),
        )
    )
    ours = {posting.key: posting for posting in known}
    begins, ends = city_day(day)
    due = {
        key: p
        for key, p in ours.items()
        if p.answered_at is not None and p.state in CONFIRMED and begins <= p.answered_at < ends
    }
    found = list(_file_differences(lines, ours, due))
    found += _own_differences(uow, biller.id, day)
    wrong = {difference.key for difference in found}
    uow.record(
        DayCompared(biller=biller.id, day=day.isoformat(), lines=len(lines), differences=len(found))
    )
    return DayComparison(
        biller=biller.id,
        day=day,
        ours=Figure(len(due), sum(p.amount for p in due.values())),
        theirs=Figure(len(lines), sum(line.amount for _, line in lines)),
        matched=len(due.keys() & {line.key for _, line in lines} - wrong),
        differences=found,
    )


def _file_differences(
    lines: Sequence[tuple[int, PostedLine]],
    ours: Mapping[str, Posting],
    due: Mapping[str, Posting],
) -> Iterator[DayDifference]:
    """Yield in what a file and our postings differ: one for each line or posting, or none."""
    seen: set[str] = set()
    for place, line in lines:
        posting = ours.get(line.key)
        kind = _fault_of(line, posting, is_due=line.key in due, is_seen=line.key in seen)
        seen.add(line.key)
        if kind is not None:
            our_amount = posting.amount if posting is not None else None
            yield DayDifference(kind, line.key, line.bill_number, our_amount, line.amount, place)
    for key in sorted(due.keys() - seen):
        posting = due[key]
        yield DayDifference(
            DayFault.MISSING_AT_BILLER, key, posting.biller_reference, posting.amount
        )


def _fault_of(
    line: PostedLine, posting: Posting | None, *, is_due: bool, is_seen: bool
) -> DayFault | None:
    if is_seen:
        return DayFault.TWICE_IN_FILE
    if posting is None:
        return DayFault.UNKNOWN_KEY
    if posting.biller_reference != line.bill_number:
        return DayFault.BILL_DIFFERS
    if posting.state not in CONFIRMED:
        return DayFault.NOT_BOOKED_HERE
    if posting.amount != line.amount:
        return DayFault.AMOUNT_DIFFERS
    return None if is_due else DayFault.OTHER_DAY


def _own_differences(uow: UnitOfWork, biller: str, day: date) -> Iterator[DayDifference]:
    """Yield where our postings and our copy of the bills contradict each other."""
    booked = _booked_on(biller, day)
    bill_of = and_(Bill.biller == Posting.biller, Bill.biller_reference == Posting.biller_reference)
    unpaid = (
        select(Posting)
        .outerjoin(Bill, bill_of)
        .where(
            *booked,
            Posting.state == PostingState.BOOKED,
            Posting.order_id.is_(None),
            Bill.posting_reference.is_(None),
            # What was taken back of a bill leaves what was booked before unpaid.
            or_(Bill.reversed_at.is_(None), Bill.reversed_at < Posting.answered_at),
        )
        .order_by(Posting.key)
    )
    for posting in uow.scalars(unpaid):
        yield _of_posting(DayFault.BILL_NOT_PAID, posting)
    other = Posting.__table__.alias("other")
    twice = select(Posting).where(
        *booked,
        select(other.c.key)
        .where(
            other.c.biller == Posting.biller,
            other.c.answer_reference == Posting.answer_reference,
            other.c.key != Posting.key,
        )
        .exists(),
    )
    for posting in uow.scalars(twice.order_by(Posting.key)):
        yield _of_posting(DayFault.BOOKED_TWICE, posting)
    # An order has another number than the bills that it pays: the biller's own word joins them.
    by_order = and_(
        Posting.order_id.is_not(None),
        Posting.biller == Bill.biller,
        Posting.answer_reference == Bill.posting_reference,
    )
    booked_for_it = and_(or_(bill_of, by_order), Posting.state == PostingState.BOOKED)
    has_posting = select(Posting.key).where(booked_for_it).exists()
    alone = select(Bill).where(
        Bill.biller == biller,
        Bill.posting_reference.is_not(None),
        _within(Bill.paid_at, day),
        ~has_posting,
    )
    for bill in uow.scalars(alone.order_by(Bill.biller_reference)):
        yield DayDifference(DayFault.PAID_WITHOUT_POSTING, None, bill.biller_reference, bill.amount)


def _of_posting(kind: DayFault, posting: Posting) -> DayDifference:
    return DayDifference(kind, posting.key, posting.biller_reference, posting.amount)


def _changes(uow: UnitOfWork, biller: str, day: date) -> Mapping[str, int]:
    counted = (
        select(BillChange.kind, func.count())
        .where(BillChange.biller == biller, _within(BillChange.changed_at, day))
        .group_by(BillChange.kind)
    )
    return {str(kind): int(count) for kind, count in uow.execute(counted)}


def _figures(uow: UnitOfWork, biller: str, day: date) -> Mapping[str, Figure]:
    summed = (
        select(Posting.state, func.count(), func.sum(Posting.amount))
        .where(Posting.biller == biller, _counts_on(day))
        .group_by(Posting.state)
    )
    return {state: Figure(count, int(total)) for state, count, total in uow.execute(summed)}


def _reversed(uow: UnitOfWork, biller: str, day: date) -> Figure:
    """Return what the biller took back on a day, whenever it had booked it."""
    summed = select(func.count(), func.coalesce(func.sum(Reversal.amount), 0))
    theirs = summed.where(Reversal.biller == biller, _within(Reversal.reversed_at, day))
    count, total = uow.execute(theirs).one()
    return Figure(count, int(total))


def _sum(figures: Sequence[Figure]) -> Figure:
    return Figure(sum(one.count for one in figures), sum(one.total for one in figures))


def _within(moment: Any, day: date) -> ColumnElement[bool]:  # noqa: ANN401 - a column of moments
    begins, ends = city_day(day)
    return and_(moment >= begins, moment < ends)


def _counts_on(day: date) -> ColumnElement[bool]:
    """Match a posting by when its biller answered, and while that is open, by when it was sent."""
    is_open = and_(Posting.answered_at.is_(None), _within(Posting.sent_at, day))
    return or_(_within(Posting.answered_at, day), is_open)


def _booked_on(biller: str, day: date) -> tuple[ColumnElement[bool], ...]:
    return (
        Posting.biller == biller,
        Posting.state.in_(CONFIRMED),
        _within(Posting.answered_at, day),
    )


def _line(posting: Posting) -> PostedLine:
    assert posting.answer_reference is not None
    assert posting.answered_at is not None
    return PostedLine(
        posting_reference=posting.answer_reference,
        key=posting.key,
        bill_number=posting.biller_reference,
        amount=posting.amount,
        at=posting.answered_at,
    )
