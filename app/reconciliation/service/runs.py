"""Runs: one city day of one source compared, by a job that may be repeated at any point."""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select

from app.core.clock import city_date, city_day, now
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.payments.gateway import StatementUnavailable
from app.reconciliation.errors import (
    DayNotOver,
    RunNotFound,
    StatementNeeded,
)
from app.reconciliation.events import RunRequested
from app.reconciliation.models import (
    ReconciliationCandidate,
    ReconciliationFinding,
    ReconciliationRun,
)
from app.reconciliation.service import bank_side, biller_side, gateway_side
from app.reconciliation.service.booking import book_movements
from app.reconciliation.service.comparing import Comparison, find_duplicate_lines
from app.reconciliation.service.deps import ReconciliationDeps
from app.reconciliation.service.differences import settle_findings
from app.reconciliation.service.gateway_import import import_statement
from app.reconciliation.service.statements import LONG_SECONDS, current_statement, lock_day
from app.reconciliation.values import LIVE_RUNS, RunStatus, RunView, Side, Source

TICK_SECONDS = 600
_READY_AFTER = timedelta(hours=1)
"""How long after a day's end the schedule first asks for its statement."""
_PATIENCE = timedelta(days=7)
"""How long a gateway is asked for a statement that it does not have."""
_COMPARING = 7_302_047


def request_run(
    uow: UnitOfWork, deps: ReconciliationDeps, source: str, day: date, *, cause: str
) -> RunView:
    """Ask for a day of a source to be compared; one that waits or runs already is returned.

    Raise `SourceUnknown`, `DayNotOver`, or `StatementNeeded` when a file has to be imported first.
    """
    whose = deps.source(source)
    if now() < city_day(day)[1]:
        raise DayNotOver
    if whose.side is not Side.GATEWAY and current_statement(uow, source, day) is None:
        raise StatementNeeded
    return _view(ask_for_run(uow, whose, day, cause=cause))


def ask_for_run(uow: UnitOfWork, source: Source, day: date, *, cause: str) -> ReconciliationRun:
    """Return the run of a day that is not done yet, or a new one, whose job follows the commit."""
    lock_day(uow, source, day)
    waiting = select(ReconciliationRun).where(
        ReconciliationRun.source == str(source),
        ReconciliationRun.day == day,
        ReconciliationRun.status.in_(LIVE_RUNS),
    )
    found = uow.scalar(waiting)
    if found is not None:
        if found.status == RunStatus.WAITING:
            uow.emit(RunRequested(run_id=found.id))
        return found
    run = ReconciliationRun(source=str(source), day=day, reason=cause, status=RunStatus.REQUESTED)
    uow.open_record(run, cause=cause)
    uow.flush()
    uow.emit(RunRequested(run_id=run.id))
    return run


def perform_run(uow: UnitOfWork, deps: ReconciliationDeps, event: RunRequested) -> None:
    """Compare a day: import, book what the gateway kept and paid out, match, keep what differs.

    Each step may run again; a run that is done does nothing. While the gateway has not closed its
    books the run waits, and the schedule asks again.
    """
    with uow.phase():
        run = uow.get_one(ReconciliationRun, event.run_id)
        source, day = Source.parse(run.source), run.day
    if run.status == RunStatus.DONE:
        return
    if source.side is Side.GATEWAY:
        if not _read_gateway(uow, deps, run, source):
            return
        book_movements(uow, source, day)
    with uow.phase():
        _compare(uow, deps, event.run_id)


def _read_gateway(
    uow: UnitOfWork, deps: ReconciliationDeps, run: ReconciliationRun, source: Source
) -> bool:
    """Import the gateway's statement, or say that it has none yet."""
    try:
        import_statement(uow, deps, run, source)
    except StatementUnavailable:
        with uow.phase():
            waiting = uow.lock(ReconciliationRun, run.id)
            if waiting.status == RunStatus.REQUESTED:
                uow.move(waiting, RunStatus.WAITING, cause="statement-unavailable")
        return False
    return True


def _compare(uow: UnitOfWork, deps: ReconciliationDeps, run_id: UUID) -> None:
    """Match in one transaction, under the locks of the run and of its source."""
    uow.take_long(LONG_SECONDS)
    # A bank's run looks at what gateways' runs look at: one comparison at a time.
    uow.execute(select(func.pg_advisory_xact_lock(_COMPARING)))
    run = uow.lock(ReconciliationRun, run_id)
    if run.status == RunStatus.DONE:
        return
    statement = current_statement(uow, run.source, run.day)
    source = Source.parse(run.source)
    comparison = Comparison(run.id, source, run.day, statement.id if statement else None, now())
    _find(uow, deps, comparison)
    count = select(func.count()).select_from(ReconciliationCandidate)
    looked_at = uow.scalar(count.where(ReconciliationCandidate.run_id == run.id)) or 0
    odd = select(func.count(func.distinct(ReconciliationFinding.subject)))
    different = uow.scalar(odd.where(ReconciliationFinding.run_id == run.id)) or 0
    figures = settle_findings(uow, comparison)
    uow.execute(
        delete(ReconciliationCandidate).where(ReconciliationCandidate.run_id == comparison.run_id)
    )
    run = uow.lock(ReconciliationRun, run_id)
    run.statement_id = statement.id if statement else None
    run.line_count = statement.line_count if statement else 0
    run.matched = looked_at - different
    run.found, run.in_transit = figures.found, figures.in_transit
    run.resolved, run.finished_at = figures.resolved, now()
    uow.move(run, RunStatus.DONE, cause="compared")


def _find(uow: UnitOfWork, deps: ReconciliationDeps, run: Comparison) -> None:
    bank_side.name_credits(uow, run)
    if run.source.side is Side.GATEWAY:
        gateway_side.gather(uow, run)
        gateway_side.compare_captures(uow, run, deps.tariffs)
        gateway_side.compare_refunds(uow, run)
        gateway_side.compare_disputes(uow, run)
        gateway_side.compare_others(uow, run)
        bank_side.compare_payouts(uow, run)
    elif run.source.side is Side.BILLER:
        biller_side.gather(uow, run)
        biller_side.compare_postings(uow, run)
    else:
        bank_side.gather(uow, run)
        bank_side.compare_payouts(uow, run)
    find_duplicate_lines(uow, run)


def request_due_runs(uow: UnitOfWork, deps: ReconciliationDeps) -> None:
    """Ask for yesterday's run of every gateway that has none, and once more for those that wait."""
    waiting = select(ReconciliationRun.id).where(
        ReconciliationRun.status == RunStatus.WAITING,
        ReconciliationRun.requested_at > now() - _PATIENCE,
    )
    for run_id in uow.scalars(waiting):
        uow.emit(RunRequested(run_id=run_id))
    yesterday = date.fromisoformat(city_date(now() - _READY_AFTER)) - timedelta(days=1)
    for name in deps.gateways.names:
        source = Source(Side.GATEWAY, name)
        has_run = select(ReconciliationRun.id).where(
            ReconciliationRun.source == str(source), ReconciliationRun.day == yesterday
        )
        if uow.scalar(has_run.limit(1)) is None:
            ask_for_run(uow, source, yesterday, cause="schedule")


def list_runs(
    uow: UnitOfWork, page: PageRequest, *, source: str | None, day: date | None
) -> Page[RunView]:
    """Return runs, newest first."""
    wanted = select(ReconciliationRun)
    if source is not None:
        wanted = wanted.where(ReconciliationRun.source == source)
    if day is not None:
        wanted = wanted.where(ReconciliationRun.day == day)
    keys = (ReconciliationRun.requested_at, ReconciliationRun.id)
    found = fetch_page(uow, wanted, keys, page, descending=True)
    return Page([_view(run) for run in found.items], found.next_cursor)


def read_run(uow: UnitOfWork, run_id: UUID) -> RunView:
    """Return a run, or raise `RunNotFound`."""
    run = uow.get(ReconciliationRun, run_id)
    if run is None:
        raise RunNotFound
    return _view(run)


def _view(run: ReconciliationRun) -> RunView:
    return RunView(
        id=run.id,
        source=run.source,
        day=run.day,
        status=run.status,
        cause=run.reason,
        statement_id=run.statement_id,
        line_count=run.line_count,
        matched=run.matched,
        found=run.found,
        in_transit=run.in_transit,
        resolved=run.resolved,
        requested_at=run.requested_at,
        finished_at=run.finished_at,
    )
