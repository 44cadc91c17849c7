"""Importing a statement: all of it counts or none, once by content, and a corrected one supersedes.

Lines are copied in batches, so that a million of them need no memory. A statement that is still
staging counts nowhere; becoming current is one step.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.reconciliation.models import ChannelLine, ChannelStatement
from app.reconciliation.values import Line, Source, StatementStatus, StatementView

BATCH = 5_000
LONG_SECONDS = 30 * 60
"""How long a statement may take here: a day may have a million lines."""
_COLUMNS = (
    "statement_id", "row", "source", "day", "line_id", "kind", "subject", "our_id", "amount",
    "fee", "currency", "occurred_at", "reference",
)  # fmt: skip
_COPY = f"copy {ChannelLine.__tablename__} ({', '.join(_COLUMNS)}) from stdin"


def lock_day(uow: UnitOfWork, source: Source, day: date) -> None:
    """Let nobody else import or ask for this day of the source until the commit."""
    lock = func.pg_advisory_xact_lock(func.hashtextextended(f"reconciliation {source} {day}", 0))
    uow.execute(select(lock))


def open_statement(
    uow: UnitOfWork, source: Source, day: date, profile: str, *, run_id: UUID | None
) -> ChannelStatement:
    """Open an import that counts nowhere yet."""
    statement = ChannelStatement(
        source=str(source), day=day, profile=profile, run_id=run_id, status=StatementStatus.STAGING
    )
    uow.open_record(statement, cause=profile)
    uow.flush()
    return statement


class Importer:
    """Copies lines into an open statement, and knows how many there were and what they say."""

    def __init__(self, statement: ChannelStatement) -> None:
        self._statement = statement
        self._digest = hashlib.sha256()
        self.count = 0

    @property
    def digest(self) -> bytes:
        """Return the digest of all lines so far, in their order."""
        return self._digest.digest()

    def add(self, uow: UnitOfWork, lines: Sequence[Line]) -> None:
        """Copy a batch in the open transaction."""
        uow.take_long(LONG_SECONDS)
        connection: Any = uow.connection().connection.driver_connection
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for line in lines:
                self.count += 1
                copy.write_row(self._row(line))
                self._digest.update(repr(line).encode())

    def _row(self, line: Line) -> tuple[object, ...]:
        statement = self._statement
        return (
            statement.id, self.count, statement.source, statement.day, line.line_id, line.kind,
            line.subject, line.our_id, line.amount, line.fee, line.currency, line.occurred_at,
            line.reference,
        )  # fmt: skip


def batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Return the lines in batches; what makes them runs between two batches, never inside one."""
    waiting = iter(lines)
    while batch := list(islice(waiting, BATCH)):
        yield batch


def complete(uow: UnitOfWork, statement_id: UUID, importer: Importer) -> ChannelStatement:
    """Let a whole import count, and return the statement that now does.

    The same content as before changes nothing: the new import is dropped and the old one returned.
    """
    uow.take_long(LONG_SECONDS)
    statement = uow.get_one(ChannelStatement, statement_id, with_for_update=True)
    lock_day(uow, Source.parse(statement.source), statement.day)
    before = current_statement(uow, statement.source, statement.day, locked=True)
    if before is not None and before.digest == importer.digest:
        discard(uow, statement)
        return before
    statement.digest, statement.line_count = importer.digest, importer.count
    if before is not None:
        statement.supersedes = before.id
        uow.move(before, StatementStatus.SUPERSEDED, cause="corrected", by=str(statement.id))
        uow.flush()  # only one may be current at any moment
    uow.move(statement, StatementStatus.CURRENT, cause="complete", lines=importer.count)
    uow.flush()
    return statement


def current_statement(
    uow: UnitOfWork, source: str, day: date, *, locked: bool = False
) -> ChannelStatement | None:
    """Return the statement that counts for a day of a source."""
    wanted = select(ChannelStatement).where(
        ChannelStatement.source == source,
        ChannelStatement.day == day,
        ChannelStatement.status == StatementStatus.CURRENT,
    )
    return uow.scalar(wanted.with_for_update() if locked else wanted)


def drop_leftovers(uow: UnitOfWork, source: Source, day: date) -> None:
    """Discard what an import that broke off has left behind."""
    uow.take_long(LONG_SECONDS)
    left = select(ChannelStatement).where(
        ChannelStatement.source == str(source),
        ChannelStatement.day == day,
        ChannelStatement.status == StatementStatus.STAGING,
    )
    for statement in uow.scalars(left.with_for_update()).all():
        discard(uow, statement)


def discard(uow: UnitOfWork, statement: ChannelStatement) -> None:
    """Drop an import that never counted, with its lines."""
    uow.execute(delete(ChannelLine).where(ChannelLine.statement_id == statement.id))
    uow.move(statement, StatementStatus.DISCARDED, cause="dropped")
    uow.flush()


def list_statements(
    uow: UnitOfWork, page: PageRequest, *, source: str | None, day: date | None
) -> Page[StatementView]:
    """Return statements that count or have counted, newest first."""
    wanted = select(ChannelStatement).where(
        ChannelStatement.status.in_([StatementStatus.CURRENT, StatementStatus.SUPERSEDED])
    )
    if source is not None:
        wanted = wanted.where(ChannelStatement.source == source)
    if day is not None:
        wanted = wanted.where(ChannelStatement.day == day)
    keys = (ChannelStatement.created_at, ChannelStatement.id)
    found = fetch_page(uow, wanted, keys, page, descending=True)
    return Page([view_statement(row) for row in found.items], found.next_cursor)


def view_statement(statement: ChannelStatement, *, is_new: bool = True) -> StatementView:
    """Return an import as it is shown."""
    return StatementView(
        id=statement.id,
        source=statement.source,
        day=statement.day,
        status=statement.status,
        profile=statement.profile,
        line_count=statement.line_count,
        digest=statement.digest.hex() if statement.digest else None,
        supersedes=statement.supersedes,
        run_id=statement.run_id,
        created_at=statement.created_at,
        is_new=is_new,
    )
