"""Statement files that somebody brings: read whole or refused, and compared at once."""

from datetime import date

from app.core.clock import city_day, now
from app.core.unit_of_work import UnitOfWork
from app.reconciliation.errors import DayNotOver, FileOfAnotherDay, SourceUnknown
from app.reconciliation.events import StatementTaken
from app.reconciliation.service.deps import ReconciliationDeps
from app.reconciliation.service.formats import PROFILES
from app.reconciliation.service.runs import ask_for_run
from app.reconciliation.service.statements import (
    Importer,
    batches,
    complete,
    lock_day,
    open_statement,
    view_statement,
)
from app.reconciliation.values import StatementView


def take_file(
    uow: UnitOfWork, deps: ReconciliationDeps, source: str, day: date, profile: str, raw: bytes
) -> StatementView:
    """Import a biller's or the bank's file of a day, and ask for the day to be compared.

    All of it counts or nothing does; the same content again changes nothing. Raise
    `SourceUnknown`, `DayNotOver`, `StatementFileInvalid` naming the lines, or `FileOfAnotherDay`.
    """
    whose = deps.source(source)
    read = PROFILES[whose.side].get(profile)
    if read is None:
        raise SourceUnknown(profiles=sorted(PROFILES[whose.side]))
    if now() < city_day(day)[1]:
        raise DayNotOver
    file = read(raw)
    if file.day is not None and file.day != day:
        raise FileOfAnotherDay(file_day=file.day.isoformat())
    lock_day(uow, whose, day)
    statement = open_statement(uow, whose, day, profile, run_id=None)
    importer = Importer(statement)
    for batch in batches(file.lines):
        importer.add(uow, batch)
    counts = complete(uow, statement.id, importer)
    ask_for_run(uow, whose, day, cause="file")
    uow.record(StatementTaken(statement_id=counts.id, source=source))
    return view_statement(counts, is_new=counts.id == statement.id)
