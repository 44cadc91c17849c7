"""What must happen after a commit: once done, twice tried, never lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from procrastinate.jobs import Job
from sqlalchemy import text
from structlog.testing import capture_logs

from app.core.ids import new_id
from app.core.jobs import (
    FOREIGN_RETRIES,
    QUICK_RETRIES,
    Jobs,
    _every,
    _Waits,
    list_jobs,
    retry_job,
)
from app.core.unit_of_work import Units
from config.settings import ROOT
from tests.conftest import World
from tests.core.queue import SETUP, Granted, Slept, Wished, make
from tests.databases import migrated_database


@pytest.fixture(scope="module")
def url(world: World) -> Iterator[str]:
    """Return the application's address of a database whose queue nobody shares."""
    with migrated_database(world) as env:
        owner, app = env["DATABASE_OWNER_URL"], env["DATABASE_URL"]
        address = owner.replace("postgresql+psycopg://", "postgresql://", 1)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(SETUP)
            connection.execute("grant all on marks to wudang_app")
        yield app


@pytest.fixture
def made(url: str) -> Iterator[tuple[Jobs, Units]]:
    jobs, units = make(url)
    yield jobs, units
    units.dispose()


@pytest.fixture
def jobs(made: tuple[Jobs, Units]) -> Jobs:
    return made[0]


@pytest.fixture
def units(made: tuple[Jobs, Units]) -> Units:
    return made[1]


def emit(units: Units, fact: Any) -> None:  # noqa: ANN401 - any event
    with units.open(actor="test") as uow:
        uow.emit(fact)


def marks(units: Units, fact: UUID) -> list[tuple[str, int]]:
    with units.open(actor="test", read_only=True) as uow:
        rows = uow.execute(
            text("select name, attempt from marks where fact = :fact order by id"), {"fact": fact}
        )
        return [(row.name, row.attempt) for row in rows]


def undone(units: Units) -> list[tuple[str, str, int]]:
    with units.open(actor="test", read_only=True) as uow:
        return [(job.name, job.state, job.attempts) for job in list_jobs(uow)]


@contextmanager
def worker(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker in a process of its own; what is left of it is killed."""
    process = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-m", "tests.core.queue", url],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def wait_for(units: Units, fact: UUID, name: str, times: int = 1) -> None:
    deadline = time.monotonic() + 60
    while [found for found, _ in marks(units, fact)].count(name) < times:
        assert time.monotonic() < deadline, f"{name} did not come"
        time.sleep(0.1)


def wait_until_done(units: Units, task: str) -> None:
    deadline = time.monotonic() + 60
    while task in {name for name, _, _ in undone(units)}:
        assert time.monotonic() < deadline, f"{task} is not done"
        time.sleep(0.1)


class TestDrain:
    def test_each_handler_of_a_fact_runs_once(self, jobs: Jobs, units: Units) -> None:
        wish = Wished(id=new_id())
        emit(units, wish)
        assert marks(units, wish.id) == []
        jobs.drain(units)
        assert sorted(marks(units, wish.id)) == [("grant", 0), ("note", 0), ("rejoice", 0)]
        assert undone(units) == []
        jobs.drain(units)
        assert len(marks(units, wish.id)) == 3

    def test_no_schedule_begins(self, jobs: Jobs, units: Units) -> None:
        begun = text("select count(*) from procrastinate_periodic_defers")
        with units.open(actor="test", read_only=True) as uow:
            before = uow.scalar(begun)
        for _ in range(3):
            emit(units, Wished(id=new_id()))
            jobs.drain(units)
        with units.open(actor="test", read_only=True) as uow:
            assert uow.scalar(begun) == before

    def test_what_was_undone_is_never_run(self, jobs: Jobs, units: Units) -> None:
        wish = Wished(id=new_id())
        with pytest.raises(RuntimeError), units.open(actor="test") as uow:  # noqa: PT012
            with uow.phase():
                uow.emit(Granted(id=wish.id))
            uow.emit(wish)
            raise RuntimeError
        jobs.drain(units)
        assert marks(units, wish.id) == [("rejoice", 0)]

    def test_a_failing_handler_is_tried_again_and_leaves_nothing_of_its_tries(
        self, jobs: Jobs, units: Units
    ) -> None:
        wish = Wished(id=new_id(), failures=2)
        with capture_logs() as lines:
            emit(units, wish)
            jobs.drain(units)
        assert sorted(marks(units, wish.id)) == [("grant", 2), ("note", 0), ("rejoice", 0)]
        failed = [line for line in lines if line["event"] == "job.failed"]
        assert [(line["job"], line["attempt"]) for line in failed] == [
            ("test.grant", 0),
            ("test.grant", 1),
        ]

    def test_what_fails_too_often_is_a_dead_letter_and_can_be_revived(
        self, jobs: Jobs, units: Units
    ) -> None:
        wish = Wished(id=new_id(), failures=3)
        with capture_logs() as lines:
            emit(units, wish)
            jobs.drain(units)
        assert marks(units, wish.id) == [("note", 0)]
        assert undone(units) == [("test.grant", "dead", 3)]
        assert [line["job"] for line in lines if line["event"] == "job.dead"] == ["test.grant"]
        with units.open(actor="test") as uow:
            dead = list_jobs(uow)[0]
            assert retry_job(uow, dead.id)
            assert not retry_job(uow, dead.id)
            assert not retry_job(uow, dead.id + 1_000_000)
        assert undone(units)[0][1] == "failed"
        jobs.drain(units)
        assert ("rejoice", 0) in marks(units, wish.id)
        assert undone(units) == []

    def test_a_handler_that_nobody_has_yet_is_not_needed_to_publish(
        self, url: str, units: Units
    ) -> None:
        silent = Jobs(url.replace("postgresql+psycopg://", "postgresql://", 1))
        writing = Units(units.write, units.read, silent)
        emit(writing, Wished(id=new_id()))
        assert undone(units) == []


class TestWaits:
    @pytest.mark.parametrize("waits", [QUICK_RETRIES, FOREIGN_RETRIES])
    @pytest.mark.parametrize("pace", [1, 60])
    def test_waits_are_the_schedule_with_a_fifth_of_jitter(
        self, waits: tuple[float, ...], pace: int
    ) -> None:
        strategy = _Waits(waits, pace)
        for attempt, seconds in enumerate(waits):
            before = datetime.now(UTC)
            retry_at = _decide(strategy, attempt)
            wait = retry_at - before
            slack = timedelta(seconds=2)
            assert timedelta(seconds=seconds / pace * 0.8) - slack <= wait
            assert wait <= timedelta(seconds=seconds / pace * 1.2) + slack

    def test_after_the_last_wait_nothing_is_tried(self) -> None:
        with capture_logs() as lines:
            assert (
                _Waits((0.1, 0.2), 1).get_retry_decision(exception=Wishful(), job=_job(2)) is None
            )
        assert [(line["event"], line["error"]) for line in lines] == [("job.dead", "Wishful")]

    def test_others_are_asked_for_a_day_and_a_bit(self) -> None:
        assert 25 * 3600 < sum(FOREIGN_RETRIES) < 27 * 3600

    def test_equal_failures_do_not_come_back_together(self) -> None:
        strategy = _Waits((3600.0,), 1)
        assert len({_decide(strategy, 0) for _ in range(20)}) > 10

    @pytest.mark.parametrize(
        ("seconds", "cron"),
        [
            (1, "* * * * * */1"),
            (15, "* * * * * */15"),
            (60, "*/1 * * * * 0"),
            (1800, "*/30 * * * * 0"),
        ],
    )
    def test_a_period_is_a_cron_expression(self, seconds: int, cron: str) -> None:
        assert _every(seconds) == cron


class Wishful(RuntimeError):
    """Made up."""


def _job(attempts: int) -> Job:
    return Job(
        id=1, queue="default", lock=None, queueing_lock=None, task_name="test", attempts=attempts
    )


def _decide(strategy: _Waits, attempt: int) -> datetime:
    decision = strategy.get_retry_decision(exception=Wishful(), job=_job(attempt))
    assert decision is not None
    assert decision.retry_at is not None
    return decision.retry_at


class TestWorker:
    def test_a_killed_worker_is_replaced_and_its_job_is_finished(
        self, url: str, units: Units
    ) -> None:
        fact = Slept(id=new_id())
        with worker(url) as first:
            emit(units, fact)
            wait_for(units, fact.id, "begun")
            first.send_signal(signal.SIGKILL)
            first.wait(30)
        assert marks(units, fact.id) == [("begun", 0)]
        with worker(url):
            wait_for(units, fact.id, "finished")
            wait_until_done(units, "test.sleep")
        assert marks(units, fact.id) == [("begun", 0), ("begun", 1), ("finished", 1)]

    def test_a_tick_that_died_while_the_next_one_waits_blocks_nobody(
        self, url: str, units: Units
    ) -> None:
        """A dead worker left a tick, another waits for its lock, and a job of its own is stuck."""
        fact = Slept(id=new_id())
        emit(units, fact)
        leave = text(
            "insert into procrastinate_jobs "
            "(queue_name, task_name, lock, queueing_lock, args, status) "
            "values ('default', 'test.tick', 'test.tick', 'test.tick', :args, :status)"
        )
        with units.open(actor="test") as uow:
            uow.execute(text("delete from procrastinate_jobs where task_name = 'test.tick'"))
            uow.execute(leave, {"args": '{"timestamp": 1}', "status": "doing"})
            uow.execute(leave, {"args": '{"timestamp": 2}', "status": "todo"})
            uow.execute(
                text(
                    "update procrastinate_jobs set status = 'doing', attempts = 1 "
                    "where task_name = 'test.sleep' and status = 'todo'"
                )
            )
        before = len(marks(units, UUID(int=0)))
        with worker(url):
            wait_for(units, UUID(int=0), "tick", before + 2)
            wait_for(units, fact.id, "finished")

    def test_work_that_is_looked_for_runs_by_itself_and_a_worker_stops_when_told(
        self, url: str, units: Units
    ) -> None:
        before = len(marks(units, UUID(int=0)))
        with worker(url) as process:
            wait_for(units, UUID(int=0), "tick", before + 2)
            process.terminate()
            assert process.wait(30) == 0
