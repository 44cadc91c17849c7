"""A queue with handlers that fail, sleep and succeed; also a worker of its own to be killed.

`python -m tests.core.queue URL` runs the worker until it is told to stop.
"""

import sys
import time
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import text

from app.core.db import read_engine, write_engine
from app.core.events import Event
from app.core.jobs import Jobs, Schedule, Subscription
from app.core.unit_of_work import UnitOfWork, Units

SETUP = """
    create table if not exists marks (
        id bigint generated always as identity primary key,
        fact uuid not null, name text not null, job bigint, attempt int,
        at timestamptz not null default clock_timestamp()
    )
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wished(Event):
    """Somebody wished something."""

    name: ClassVar[str] = "test.wished"

    id: UUID
    failures: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Granted(Event):
    """A wish was granted."""

    name: ClassVar[str] = "test.granted"

    id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Slept(Event):
    """Somebody shall sleep, the first time."""

    name: ClassVar[str] = "test.slept"

    id: UUID


class Wishless(RuntimeError):
    """The wish cannot be granted yet."""


def mark(uow: UnitOfWork, fact: UUID, name: str) -> None:
    """Leave a row that says which job was here."""
    uow.execute(
        text("insert into marks (fact, name, job, attempt) values (:f, :n, :j, :a)"),
        {
            "f": fact,
            "n": name,
            "j": uow.job.job_id if uow.job else None,
            "a": uow.job.attempt if uow.job else None,
        },
    )


def grant(uow: UnitOfWork, wish: Wished) -> None:
    """Fail as often as the wish says, then grant it."""
    mark(uow, wish.id, "grant")
    attempt = uow.job.attempt if uow.job else 0
    if attempt < wish.failures:
        raise Wishless
    uow.emit(Granted(id=wish.id))


def sleep(uow: UnitOfWork, fact: Slept) -> None:
    """Say that work has begun; sleep the first time, finish the second."""
    with uow.phase():
        mark(uow, fact.id, "begun")
    if uow.job is not None and uow.job.attempt == 0:
        time.sleep(120)
    mark(uow, fact.id, "finished")


def make(url: str) -> tuple[Jobs, Units]:
    """Return a queue with its handlers, and units of work that write to it."""
    jobs = Jobs(url.replace("postgresql+psycopg://", "postgresql://", 1))
    units = Units(write_engine(url), read_engine(url), jobs)
    quick = (0.0, 0.0)
    jobs.subscribe(Subscription(Wished, "test.grant", grant, retries=quick))
    jobs.subscribe(Subscription(Wished, "test.note", lambda uow, wish: mark(uow, wish.id, "note")))
    jobs.subscribe(
        Subscription(Granted, "test.rejoice", lambda uow, fact: mark(uow, fact.id, "rejoice"))
    )
    jobs.subscribe(Subscription(Slept, "test.sleep", sleep))
    jobs.schedule(Schedule(1, "test.tick", lambda uow: mark(uow, UUID(int=0), "tick")))
    return jobs, units


if __name__ == "__main__":
    queue, working = make(sys.argv[1])
    queue.run(working, concurrency=4)
