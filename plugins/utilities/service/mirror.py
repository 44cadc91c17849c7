"""Our copy of the billers' bills: written in one statement, and never with older news."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    and_,
    any_,
    case,
    column,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from app.sdk import Fulfilment, House, UnitOfWork, new_id, now
from plugins.utilities.models import Bill, BillEdition
from plugins.utilities.service.accounts import indexes_of
from plugins.utilities.values import OWED, BillerBill, BillSource, BillStatus

_KEY = ("biller", "biller_reference")
_TOLD = ("account_index", "amount", "currency", "period_from", "period_to", "due_date")
_ASKED = (
    *("status", "paid_at", "source", "seen_at"),
    *("paid_amount", "late_fee", "expires_on", "detail"),
)


class Counts(NamedTuple):
    """How many bills were new, how many changed, and how many stood here already."""

    created: int
    updated: int
    unchanged: int


def keep_asked(
    uow: UnitOfWork, house: House, bills: Iterable[BillerBill], *, asked_at: datetime
) -> None:
    """Store what billers told at `asked_at`; newer news and payments through us stay."""
    rows = _rows(uow, house, bills, source=BillSource.INQUIRY, seen_at=asked_at)
    if not rows:
        return
    statement = _insert(rows)
    told = statement.excluded
    columns = Bill.__table__.c
    differs = or_(
        columns.amount != told.amount,
        columns.due_date != told.due_date,
        columns.detail != told.detail,
    )
    changes = {name: told[name] for name in (*_TOLD, *_ASKED)}
    may_change = and_(Bill.posting_reference.is_(None), Bill.seen_at <= told.seen_at)
    statement = statement.on_conflict_do_update(
        index_elements=_KEY, set_=changes | _amended(told, differs), where=may_change
    )
    keep_editions(uow, uow.scalars(statement.returning(columns.id)).all())


def keep_filed(
    uow: UnitOfWork, house: House, bills: Sequence[BillerBill], *, imported_at: datetime
) -> Counts:
    """Store the open bills of a file; a bill that is paid stays paid."""
    rows = _rows(uow, house, bills, source=BillSource.FILE, seen_at=imported_at)
    if not rows:
        return Counts(0, 0, 0)
    statement = _insert(rows)
    told = statement.excluded
    changes = {name: told[name] for name in (*_TOLD, "status")}
    columns = Bill.__table__.c
    differs = or_(*(columns[name].is_distinct_from(value) for name, value in changes.items()))
    # A file knows nothing of part payments: what was paid in part is told by an inquiry.
    may_change = and_(Bill.status != BillStatus.PAID, Bill.paid_amount == 0, differs)
    is_amended = or_(columns.amount != told.amount, columns.due_date != told.due_date)
    # Nor of lines and readings: those of another amount explain nothing any more.
    detail = case((columns.amount != told.amount, told.detail), else_=columns.detail)
    all_changes = {**changes, "detail": detail, **_amended(told, is_amended)}
    statement = statement.on_conflict_do_update(
        index_elements=_KEY, set_=all_changes, where=may_change
    )
    # A new row has the id that was given; a changed one keeps its own; others are not returned.
    written = set(uow.scalars(statement.returning(columns.id)))
    keep_editions(uow, written)
    created = len(written & {row["id"] for row in rows})
    return Counts(created, len(written) - created, len(rows) - len(written))


def withdraw_unlisted(
    uow: UnitOfWork, accounts: Sequence[tuple[str, bytes]], *, asked_at: datetime
) -> None:
    """Withdraw the bills that billers once listed and, asked at `asked_at`, did not list again.

    Call it after `keep_asked`. Bills known from a file only are left: an inquiry may know fewer.
    """
    if accounts:
        _withdraw(
            uow,
            tuple_(Bill.biller, Bill.account_index).in_(accounts),
            Bill.source == BillSource.INQUIRY,
            Bill.seen_at < asked_at,
        )


def withdraw_bill(uow: UnitOfWork, biller: str, bill_number: str, *, asked_at: datetime) -> None:
    """Withdraw one bill that its biller, asked at `asked_at`, does not know."""
    _withdraw(
        uow,
        Bill.biller == biller,
        Bill.biller_reference == bill_number,
        Bill.seen_at <= asked_at,
    )


def mark_paid(uow: UnitOfWork, biller: str, bill_number: str, answer: Fulfilment) -> None:
    """Mark a bill paid through us, for good; a second call changes nothing."""
    uow.execute(
        update(Bill)
        .where(
            Bill.biller == biller,
            Bill.biller_reference == bill_number,
            Bill.posting_reference.is_(None),
        )
        .values(
            status=BillStatus.PAID,
            paid_at=answer.at,
            posting_reference=answer.reference,
            paid_amount=Bill.amount,
        )
        .execution_options(synchronize_session=False)
    )


def mark_laid(uow: UnitOfWork, bills: Iterable[BillerBill], answer: Fulfilment) -> None:
    """Note what an order has paid of bills, as their biller tells they stand since.

    One that is paid in full was paid through us, for good. A second call changes nothing, and
    neither does what the biller said before it booked the order.
    """
    for told in bills:
        if told.status == BillStatus.PAID:
            mark_paid(uow, told.biller, told.number, answer)
            continue
        uow.execute(
            update(Bill)
            .where(
                Bill.biller == told.biller,
                Bill.biller_reference == told.number,
                Bill.status.in_(OWED),
                Bill.paid_amount < told.paid_amount,
                Bill.amount > told.paid_amount,
            )
            .values(status=BillStatus.PARTIALLY_PAID, paid_amount=told.paid_amount, seen_at=now())
            .execution_options(synchronize_session=False)
        )


def keep_editions(uow: UnitOfWork, bills: Iterable[UUID]) -> None:
    """Keep how bills stand now as an edition of theirs; one that is kept already stays."""
    columns = Bill.__table__.c
    told = select(
        columns.id,
        columns.edition,
        columns.amount,
        columns.due_date,
        columns.amended_for,
        columns.detail,
        columns.seen_at,
    ).where(columns.id == any_(literal(list(bills), ARRAY(columns.id.type))))
    names = ["bill_id", "edition", "amount", "due_date", "reason", "detail", "told_at"]
    uow.execute(insert(BillEdition).from_select(names, told).on_conflict_do_nothing())


def _amended(told: Any, differs: ColumnElement[bool]) -> dict[str, Any]:  # noqa: ANN401 - a row
    """Return how edition and reason change where what a bill asks for differs."""
    columns = Bill.__table__.c
    return {
        "edition": case((differs, columns.edition + 1), else_=columns.edition),
        "amended_for": case((differs, told.amended_for), else_=columns.amended_for),
    }


def _withdraw(uow: UnitOfWork, *which: ColumnElement[bool]) -> None:
    uow.execute(
        update(Bill)
        .where(Bill.status.in_(OWED), *which)
        .values(status=BillStatus.WITHDRAWN)
        .execution_options(synchronize_session=False)
    )


def _insert(rows: Sequence[Mapping[str, Any]]) -> Insert:
    """Return the insertion of rows as one array for each column: ten thousand cost like one."""
    columns = [Bill.__table__.c[name] for name in rows[0]]
    arrays = [literal([row[c.name] for row in rows], ARRAY(c.type)) for c in columns]
    names = [column(c.name, c.type) for c in columns]
    table = func.unnest(*arrays).table_valued(*names, name="told").render_derived()
    return insert(Bill.__table__).from_select([c.name for c in columns], select(table))


def _rows(
    uow: UnitOfWork,
    house: House,
    bills: Iterable[BillerBill],
    *,
    source: BillSource,
    seen_at: datetime,
) -> list[dict[str, Any]]:
    """Return rows in one order, so that two writers of the same bills never wait in a circle."""
    told = sorted(bills, key=lambda bill: (bill.biller, bill.number))
    indices = indexes_of(house, uow, {(bill.biller, bill.account) for bill in told})
    return [
        {
            "id": new_id(),
            "biller": bill.biller,
            "biller_reference": bill.number,
            "account_index": indices[bill.biller, bill.account],
            "amount": bill.amount,
            "currency": bill.currency,
            "period_from": bill.period_from,
            "period_to": bill.period_to,
            "due_date": bill.due_date,
            "status": str(bill.status),
            "paid_at": bill.paid_at,
            "source": str(source),
            "seen_at": seen_at,
            "paid_amount": bill.paid_amount,
            "late_fee": bill.late_fee,
            "expires_on": bill.expires_on,
            "edition": 1,
            "amended_for": bill.amended_for,
            "detail": dict(bill.detail),
        }
        for bill in told
    ]
