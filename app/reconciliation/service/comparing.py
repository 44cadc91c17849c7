"""What every comparison is made of: candidates, both books' words about them, and findings.

All of it is joins within PostgreSQL over relations; no line is ever asked for alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    FromClause,
    Integer,
    SelectBase,
    Subquery,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import InstrumentedAttribute

from app.core.clock import CITY_TIME, city_day
from app.core.unit_of_work import UnitOfWork
from app.reconciliation.models import (
    ChannelLine,
    ChannelStatement,
    Difference,
    ReconciliationCandidate,
    ReconciliationFinding,
)
from app.reconciliation.values import (
    DifferenceKind,
    DifferenceStatus,
    Family,
    LineKind,
    Source,
    StatementStatus,
)

CUT_OFF = timedelta(hours=1)
"""How far from midnight two books may put the same movement on different days."""
SETTLING = timedelta(hours=2)
"""How long we may take to learn what the other side already has."""

Column = ColumnElement[Any] | InstrumentedAttribute[Any]
Candidate = ReconciliationCandidate
_UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run's comparison: whose books, which day, and the moment that all of it goes by."""

    run_id: UUID
    source: Source
    day: date
    statement_id: UUID | None
    moment: datetime

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Return where the day begins and where the next one does."""
        return city_day(self.day)


def add_candidates(uow: UnitOfWork, run: Comparison, found: SelectBase) -> None:
    """Note what a `select source, subject` finds; twice is once."""
    rows = found.subquery()
    source, subject = rows.c
    noted = select(
        literal(run.run_id, Uuid),
        source,
        subject,
        func.split_part(subject, ":", 1),
        func.substr(subject, func.strpos(subject, ":") + 1),
    ).distinct()
    names = ["run_id", "source", "subject", "family", "key"]
    uow.execute(insert(Candidate).from_select(names, noted).on_conflict_do_nothing())


def lines_of_statement(run: Comparison) -> SelectBase:
    """Return what the day's statement is about."""
    return select(ChannelLine.source, ChannelLine.subject).where(
        ChannelLine.statement_id == run.statement_id
    )


def still_different(run: Comparison) -> SelectBase:
    """Return what earlier runs found different and nobody has closed."""
    return select(Difference.source, Difference.subject).where(
        Difference.source == str(run.source), Difference.status != DifferenceStatus.CLOSED
    )


def candidates(run: Comparison, family: Family) -> Subquery:
    """Return the candidates of a family: source, subject, key, and the key as an id of ours."""
    as_id = case((Candidate.key.regexp_match(_UUID), cast(Candidate.key, Uuid)))
    return (
        select(Candidate.source, Candidate.subject, Candidate.key, as_id.label("our_id"))
        .where(Candidate.run_id == run.run_id, Candidate.family == family)
        .subquery("candidates")
    )


def first_lines(of: FromClause, kinds: Sequence[LineKind]) -> Subquery:
    """Return the lines that count of each candidate's source and subject.

    Of several of one kind and direction the first does; the others are duplicates.
    """
    direction = ChannelLine.amount > 0
    return (
        select(ChannelLine)
        .select_from(of)
        .join(
            ChannelLine,
            and_(ChannelLine.source == of.c.source, ChannelLine.subject == of.c.subject),
        )
        .join(ChannelStatement, ChannelStatement.id == ChannelLine.statement_id)
        .where(
            ChannelStatement.status == StatementStatus.CURRENT, ChannelLine.kind.in_(list(kinds))
        )
        .ext(distinct_on(ChannelLine.source, ChannelLine.subject, ChannelLine.kind, direction))
        .order_by(
            ChannelLine.source,
            ChannelLine.subject,
            ChannelLine.kind,
            direction,
            ChannelLine.day,
            ChannelLine.row,
        )
        .subquery("first_lines")
    )


def theirs(of: FromClause, kinds: Sequence[LineKind]) -> Subquery:
    """Return what the other books say of each candidate: what its lines come to."""
    line = first_lines(of, kinds).c
    return (
        select(
            line.subject,
            cast(func.sum(line.amount), BigInteger).label("amount"),
            cast(func.sum(line.fee), BigInteger).label("fee"),
            func.min(line.currency).label("currency"),
            func.min(line.line_id).label("line_id"),
            func.min(line.occurred_at).label("at"),
            cast(func.min(cast(line.our_id, Text)), Uuid).label("our_id"),
        )
        .group_by(line.subject)
        .subquery("theirs")
    )


def city_date_of(moment: Column) -> ColumnElement[date]:
    """Return the city's day of a moment, in PostgreSQL."""
    return cast(func.timezone(CITY_TIME.key, moment), Date)


def is_unread(source: Source, since: Column, until: Column) -> ColumnElement[bool]:
    """Say whether a day is not imported yet on which the other side may have the movement.

    It could stand on any day from `since` to `until`, and on the next one close to midnight: only
    when all of them are read does its absence mean anything.
    """
    first, last = city_date_of(since), city_date_of(until + CUT_OFF)
    read = (
        select(func.count())
        .where(
            ChannelStatement.source == str(source),
            ChannelStatement.status == StatementStatus.CURRENT,
            ChannelStatement.day >= first,
            ChannelStatement.day <= last,
        )
        .scalar_subquery()
    )
    return read <= cast(last - first, Integer)


def keep_findings(
    uow: UnitOfWork,
    run: Comparison,
    compared: FromClause,
    kind: ColumnElement[Any],
    in_transit: ColumnElement[bool],
    facts: dict[str, Any],
    *,
    candidate: FromClause,
    occurrence: ColumnElement[int] | None = None,
) -> None:
    """Keep as findings what `kind` does not call the same (null)."""
    rows = (
        select(
            literal(run.run_id, Uuid).label("run_id"),
            candidate.c.source.label("source"),
            candidate.c.subject.label("subject"),
            cast(kind, Text).label("kind"),
            (literal(1, Integer) if occurrence is None else occurrence).label("occurrence"),
            func.coalesce(in_transit, literal(False, Boolean)).label("is_in_transit"),  # noqa: FBT003 - SQL
            *(value.label(name) for name, value in facts.items()),
        )
        .select_from(compared)
        .subquery("compared")
    )
    found = select(rows).where(rows.c.kind.is_not(None))
    uow.execute(
        insert(ReconciliationFinding)
        .from_select([column.name for column in rows.c], found)
        .on_conflict_do_nothing()
    )


def find_duplicate_lines(uow: UnitOfWork, run: Comparison) -> None:
    """Find the lines that say again what another line has said."""
    of = select(Candidate.source, Candidate.subject).where(Candidate.run_id == run.run_id)
    given = of.subquery("candidates")
    place = func.row_number().over(
        partition_by=(
            ChannelLine.source,
            ChannelLine.subject,
            ChannelLine.kind,
            ChannelLine.amount > 0,
        ),
        order_by=(ChannelLine.day, ChannelLine.row),
    )
    lines = (
        select(
            ChannelLine.source,
            ChannelLine.subject,
            ChannelLine.amount,
            ChannelLine.currency,
            ChannelLine.line_id,
            place.label("place"),
        )
        .select_from(given)
        .join(
            ChannelLine,
            and_(ChannelLine.source == given.c.source, ChannelLine.subject == given.c.subject),
        )
        .join(ChannelStatement, ChannelStatement.id == ChannelLine.statement_id)
        .where(
            ChannelStatement.status == StatementStatus.CURRENT,
            # The bank may credit a payout in parts: what arrives is summed.
            ChannelLine.kind.not_in([LineKind.CREDIT, LineKind.DEBIT]),
        )
        .subquery("lines")
    )
    keep_findings(
        uow,
        run,
        lines,
        case((lines.c.place > 1, literal(str(DifferenceKind.DUPLICATE_LINE)))),
        literal(False, Boolean),  # noqa: FBT003 - SQL
        {
            "theirs_amount": lines.c.amount,
            "currency": lines.c.currency,
            "line_id": lines.c.line_id,
        },
        candidate=lines,
        occurrence=cast(lines.c.place, Integer),
    )
