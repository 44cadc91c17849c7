"""What must happen after a commit: jobs on Procrastinate, written in the transaction itself.

PostgreSQL is the queue. A handler may run twice (a worker can die after the effect), so it claims
its effect by a row of its own; a dead worker's jobs are given to another one within seconds.
"""

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

import procrastinate
import procrastinate.exceptions
from procrastinate import jobs as procrastinate_jobs
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from psycopg import OperationalError
from sqlalchemy import text

from app.core.errors import DomainError
from app.core.events import Event
from app.core.logs import get_logger
from app.core.unit_of_work import JobRun, UnitOfWork, Units

HEARTBEAT_SECONDS = 2
STALLED_SECONDS = 6
RESCUE_SECONDS = 3
RECONNECT_SECONDS = 1.0
_MINUTE, _HOUR = 60.0, 3600.0
QUICK_RETRIES = (0.2, 1.0, 5.0, 30.0, 2 * _MINUTE, 10 * _MINUTE, _HOUR)
"""Waits in seconds for work inside the house, whose failures are short or are bugs."""
FOREIGN_RETRIES = (0.2, 5.0, 30.0, 2 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE) + (_HOUR,) * 25
"""Waits in seconds for calls to somebody else's system: 26 hours in all, then a dead letter."""
_JITTER = 0.2
_RESCUE = "jobs.rescue"
_DRAINING = 4
_CONNECTIONS = 4
"""Of a worker's queue at most, beside the one that listens; they are opened as they are needed."""
_IS_DUE = text("""
    select exists (
        select from procrastinate_jobs
        where status = 'todo' and (scheduled_at is null or scheduled_at <= now())
    )
""")

log = get_logger("jobs")

Handler = Callable[[UnitOfWork, Any], None]
Tick = Callable[[UnitOfWork], None]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler of an event, the stable name of its jobs, and its retry waits in seconds."""

    event: type[Event]
    name: str
    handler: Handler
    retries: Sequence[float] = QUICK_RETRIES


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that is looked for every so many seconds, by one worker at a time."""

    seconds: int
    name: str
    handler: Tick


@dataclass(frozen=True, slots=True)
class _Waits(BaseRetryStrategy):
    waits: Sequence[float]
    pace: int

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate_jobs.Job
    ) -> RetryDecision | None:
        if job.attempts >= len(self.waits):
            log.error("job.dead", job=job.task_name, job_id=job.id, error=type(exception).__name__)
            return None
        spread = 1 + random.uniform(-_JITTER, _JITTER)  # noqa: S311 - jitter is no secret
        seconds = self.waits[job.attempts] * spread / self.pace
        return RetryDecision(retry_in={"milliseconds": int(seconds * 1000)})


@dataclass(slots=True)
class Jobs:
    """The queue: who handles which event, and the worker that runs the handlers.

    `pace` divides every retry wait (the fast profile's 60), never a lifetime.
    """

    conninfo: str = field(repr=False)
    pace: int = 1
    _by_event: dict[type[Event], list[Subscription]] = field(default_factory=dict)
    _schedules: list[Schedule] = field(default_factory=list)
    _app: procrastinate.App = field(init=False)
    _writer: JobManager = field(init=False)
    _is_registered: bool = False

    def __post_init__(self) -> None:
        connector = procrastinate.PsycopgConnector(
            conninfo=self.conninfo, min_size=1, max_size=_CONNECTIONS
        )
        self._app = procrastinate.App(connector=connector)
        # Deferring goes through the transaction's own connection, which is never an async one.
        self._writer = JobManager(procrastinate.SyncPsycopgConnector(conninfo=self.conninfo))

    def subscribe(self, subscription: Subscription) -> None:
        """Run a handler, as a job of its own, for each event of its kind."""
        self._by_event.setdefault(subscription.event, []).append(subscription)

    def schedule(self, schedule: Schedule) -> None:
        """Run a handler every so many seconds."""
        self._schedules.append(schedule)

    def defer(self, connection: Any, events: Sequence[Event]) -> None:  # noqa: ANN401 - psycopg's
        """Write one job for each handler of each event through the transaction's connection."""
        jobs = [
            procrastinate_jobs.Job(
                queue="default",
                lock=None,
                queueing_lock=None,
                task_name=subscription.name,
                task_kwargs={"event": event.to_json()},
            )
            for event in events
            for subscription in self._by_event.get(type(event), ())
        ]
        if jobs:
            self._writer.batch_defer_jobs(jobs, connection=connection)

    def run(self, units: Units, *, concurrency: int) -> None:
        """Run jobs until SIGTERM or SIGINT; running ones are finished first (20 s at most).

        A database that goes away is waited for, however long it takes.
        """
        self._register(units)
        self._register_ticks()
        asyncio.run(self._run_through(concurrency))

    def drain(self, units: Units) -> None:
        """Run the jobs that are due now until none is left, then return; no schedule begins.

        What a schedule does would else depend on the minute in which somebody drains.
        """
        self._register(units)
        if _has_due(units):
            asyncio.run(self._run_dry(units))

    async def _run_through(self, concurrency: int) -> None:
        """Work until a signal; begin anew when the database was taken from under the worker.

        Procrastinate then raises, or stops as if it had been asked to, with nothing said.
        """
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        while not asked.is_set():
            error: Exception | None = None
            try:
                await self._run_until(asked, concurrency)
            except (procrastinate.exceptions.ConnectorException, OperationalError) as away:
                error = away
                await self._app.close_async()
            if not asked.is_set():
                log.warning("worker.database_away", error=type(error).__name__ if error else None)
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _run_until(self, asked: asyncio.Event, concurrency: int) -> None:
        """Work until asked to stop, then let running jobs finish; or until the work ends itself."""
        work = asyncio.create_task(self._run(concurrency))
        waiting = asyncio.create_task(asked.wait())
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not work.done():
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    async def _run(self, concurrency: int) -> None:
        async with self._app.open_async():
            await self._work(concurrency, forever=True)

    async def _run_dry(self, units: Units) -> None:
        async with self._app.open_async():
            is_due = True
            while is_due:
                await self._work(_DRAINING, forever=False)
                is_due = _has_due(units)

    async def _work(self, concurrency: int, *, forever: bool) -> None:
        await self._app.run_worker_async(
            concurrency=concurrency,
            wait=forever,
            install_signal_handlers=False,
            listen_notify=forever,
            fetch_job_polling_interval=1.0,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
            shutdown_graceful_timeout=20,
            delete_jobs="successful",
        )

    def _register(self, units: Units) -> None:
        if self._is_registered:
            return
        self._is_registered = True
        # Its own lines quote arguments; ours say what is needed.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
        for subscriptions in self._by_event.values():
            for subscription in subscriptions:
                self._register_handler(units, subscription)
        for schedule in self._schedules:
            self._register_schedule(units, schedule)
        self._register_rescue()

    def _register_handler(self, units: Units, subscription: Subscription) -> None:
        def run(context: procrastinate.JobContext, *, event: dict[str, Any]) -> None:
            job = JobRun(context.job.id or 0, context.job.attempts)
            fact = subscription.event.from_json(event)
            try:
                with units.open(actor=f"worker:{subscription.name}", job=job) as uow:
                    subscription.handler(uow, fact)
            except Exception as error:
                log.warning(
                    "job.failed",
                    job=subscription.name,
                    job_id=job.job_id,
                    attempt=job.attempt,
                    error=type(error).__name__,
                    exc_info=None if isinstance(error, DomainError) else error,
                )
                raise

        retry = _Waits(subscription.retries, self.pace)
        self._app.task(name=subscription.name, pass_context=True, retry=retry)(run)

    def _register_schedule(self, units: Units, schedule: Schedule) -> None:
        def run(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate names the tick
            with units.open(actor=f"worker:{schedule.name}") as uow:
                schedule.handler(uow)

        self._app.task(name=schedule.name, lock=schedule.name, queueing_lock=schedule.name)(run)

    def _register_ticks(self) -> None:
        periods = [(schedule.name, schedule.seconds) for schedule in self._schedules]
        for name, seconds in (*periods, (_RESCUE, RESCUE_SECONDS)):
            task = self._app.tasks[name]
            self._app.periodic(cron=_every(seconds), periodic_id=name)(task)

    def _register_rescue(self) -> None:
        async def rescue(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate names the tick
            manager = self._app.job_manager
            for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
                log.warning("job.rescued", job=job.task_name, job_id=job.id)
                try:
                    await self._rescue(job)
                except procrastinate.exceptions.ConnectorException as error:
                    # Another worker was faster; one job must not keep the others from their rescue.
                    log.warning("job.not_rescued", job_id=job.id, error=type(error).__name__)

        self._app.task(name=_RESCUE, queueing_lock=_RESCUE)(rescue)

    async def _rescue(self, job: procrastinate_jobs.Job) -> None:
        """Give a dead worker's job to another one; a tick is let go, since the next one waits.

        It could not wait beside that one: only one tick of a kind may.
        """
        manager = self._app.job_manager
        if job.queueing_lock is None:
            await manager.retry_job(job)
            return
        await manager.finish_job_by_id_async(
            job_id=job.id or 0, status=procrastinate_jobs.Status.FAILED, delete_job=True
        )


def _has_due(units: Units) -> bool:
    """Say whether a job waits whose time has come; the queue runs by the machine's clock."""
    with units.open(actor="worker", read_only=True) as uow:
        return bool(uow.scalar(_IS_DUE))


def _every(seconds: int) -> str:
    """Return the six-field cron expression (seconds last) of a period that divides a minute."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"* * * * * */{seconds}"
    return f"*/{seconds // 60} * * * * 0"


@dataclass(frozen=True, slots=True)
class JobLine:
    """A job that is not done, as an operator sees it: never what is in it."""

    id: int
    name: str
    state: Literal["waiting", "running", "failed", "dead"]
    attempts: int
    next_run_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return the line as JSON values."""
        at = self.next_run_at.isoformat() if self.next_run_at else None
        return {**asdict(self), "next_run_at": at}

    def __str__(self) -> str:
        at = f", next {self.next_run_at:%Y-%m-%d %H:%M:%S}Z" if self.next_run_at else ""
        return f"{self.id} {self.name}: {self.state} after {self.attempts} attempts{at}"


_UNDONE = text("""
    select id, task_name as name, attempts, scheduled_at as next_run_at,
        case
            when status = 'failed' then 'dead'
            when status = 'doing' then 'running'
            when attempts > 0 then 'failed'
            else 'waiting'
        end as state
    from procrastinate_jobs
    where status in ('todo', 'doing', 'failed')
    order by status = 'failed' desc, id
""")
_REVIVE = text("""
    update procrastinate_jobs
    set status = 'todo', attempts = attempts + 1, scheduled_at = null
    where id = :id and status = 'failed'
    returning id
""")


def list_jobs(uow: UnitOfWork) -> list[JobLine]:
    """Return every job that is not done, the dead first."""
    return [JobLine(**row) for row in uow.execute(_UNDONE).mappings()]


def retry_job(uow: UnitOfWork, job_id: int) -> bool:
    """Let a dead job run once more; False when there is no such dead job. Idempotent."""
    return uow.scalar(_REVIVE, {"id": job_id}) is not None
