"""Booking what only the gateway's own books tell: its fees and its payouts, once each."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, Select, Subquery, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import aliased

from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.ledger import service as ledger
from app.ledger.errors import BookingDiffers
from app.ledger.values import Fee, Payout
from app.payments import service as payments
from app.reconciliation.models import ChannelLine, ChannelStatement
from app.reconciliation.service.statements import LONG_SECONDS, current_statement
from app.reconciliation.values import Family, LineKind, Source

_AT_ONCE = 500
_PREFIX = len(Family.CAPTURE) + 2

log = get_logger("reconciliation")


def book_movements(uow: UnitOfWork, source: Source, day: date) -> None:
    """Book the fees and payouts of the day's statement, five hundred lines a step.

    Idempotent by the gateway's ids. What a corrected statement says otherwise is booked besides:
    nothing that was booked is changed.
    """
    with uow.phase():
        statement = current_statement(uow, str(source), day)
    if statement is None:
        return
    after, rows = 0, _book_some(uow, source, statement, 0)
    while rows:
        after = rows[-1].row
        rows = _book_some(uow, source, statement, after)
    if statement.supersedes is not None:
        with uow.phase():
            uow.take_long(LONG_SECONDS)
            rows = uow.execute(_withdrawn(source, statement)).all()
            _book(uow, source, [(row, f"{row.line_id}@{statement.id}", -row.moved) for row in rows])


def _book_some(
    uow: UnitOfWork, source: Source, statement: ChannelStatement, after: int
) -> Sequence[Row[Any]]:
    with uow.phase():
        uow.take_long(LONG_SECONDS)
        rows = uow.execute(_moved(source, statement, after)).all()
        again = f"@{statement.id}"
        _book(
            uow,
            source,
            [
                (row, row.line_id, row.moved)
                if row.before is None
                else (row, row.line_id + again, row.moved - row.before)
                for row in rows
            ],
        )
    return rows


def _moved_by(line: Any) -> Any:  # noqa: ANN401 - an alias and a clause
    """Return what a line moves besides its amount: the fee kept of it, or the payout itself."""
    return case((line.kind.in_([LineKind.FEE, LineKind.PAYOUT]), -line.amount), else_=line.fee)


def _is_of(line: Any, attempts: Subquery) -> Any:  # noqa: ANN401 - an alias and a clause
    """Say which attempt's charge a line is."""
    return and_(
        line.kind == LineKind.CHARGE, attempts.c.intent_id == func.substr(line.subject, _PREFIX)
    )


def _moved(source: Source, statement: ChannelStatement, after: int) -> Select[Any]:
    """Return the lines after a row that have a fee or are a payout, and what was said before."""
    line, old = aliased(ChannelLine), aliased(ChannelLine)
    attempts = payments.attempts_at(source.name)
    before = (
        select(func.min(_moved_by(old)))
        .where(old.statement_id == statement.supersedes, old.line_id == line.line_id)
        .scalar_subquery()
    )
    return (
        select(
            line.row,
            line.line_id,
            line.kind,
            line.currency,
            line.occurred_at,
            _moved_by(line).label("moved"),
            before.label("before"),
            attempts.c.payment_id,
        )
        .outerjoin(attempts, _is_of(line, attempts))
        .where(
            line.statement_id == statement.id,
            line.row > after,
            # What was said before may have been more than nothing.
            or_(_moved_by(line) != 0, literal(statement.supersedes is not None)),
        )
        .order_by(line.row)
        .limit(_AT_ONCE)
    )


def _withdrawn(source: Source, statement: ChannelStatement) -> Select[Any]:
    """Return the fees and payouts that a corrected statement does not have any more."""
    old, line = aliased(ChannelLine), aliased(ChannelLine)
    attempts = payments.attempts_at(source.name)
    is_still_there = exists().where(line.statement_id == statement.id, line.line_id == old.line_id)
    return (
        select(
            old.line_id,
            old.kind,
            old.currency,
            old.occurred_at,
            _moved_by(old).label("moved"),
            attempts.c.payment_id,
        )
        .outerjoin(attempts, _is_of(old, attempts))
        .where(old.statement_id == statement.supersedes, _moved_by(old) != 0, ~is_still_there)
    )


def _book(uow: UnitOfWork, source: Source, moved: Sequence[tuple[Row[Any], str, int]]) -> None:
    """Book fees and payouts under their references, each with its amount.

    A line that says another amount of what is booked is left to people: it is one of two with the
    same id, and a difference of its own.
    """
    name = source.name
    fees: list[Fee] = []
    otherwise: list[str] = []
    for row, reference, amount in moved:
        if amount and row.kind == LineKind.PAYOUT:
            payout = Payout(name, reference, amount, row.occurred_at, row.currency)
            try:
                ledger.book_payout(uow, payout)
            except BookingDiffers:
                otherwise.append(reference)
        elif amount:
            fee = Fee(name, reference, amount, row.occurred_at, row.payment_id, row.currency)
            fees.append(fee)
    otherwise.extend(ledger.book_gateway_fees(uow, fees))
    for reference in otherwise:
        log.warning("reconciliation.booked_otherwise", source=str(source), line=reference)
