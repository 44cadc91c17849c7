"""The unit of work: one transaction, what must happen after it, and the only commit there is.

A request or a job has one. A use case that must speak to a foreign system in the middle closes
an earlier step with `phase()`; between phases no transaction and no connection is held.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Engine, event, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session, UOWTransaction

from app.core.clock import now
from app.core.db import Stateful
from app.core.events import Event, EventLog
from app.core.ids import new_id
from app.core.logs import get_logger
from app.core.trail import AuditEvent

R = TypeVar("R", bound=DeclarativeBase)
log = get_logger("unit_of_work")
_open: ContextVar[tuple["UnitOfWork", ...]] = ContextVar("open_units", default=())


class Outbox(Protocol):
    """Writes what must happen after a commit into the transaction itself."""

    def defer(self, connection: Any, events: Sequence[Event]) -> None:  # noqa: ANN401 - a driver's
        """Write one job for each handler of each event through a psycopg connection."""


class Trail(Protocol):
    """Keeps audit events (`app.audit`)."""

    def writing(
        self, uow: "UnitOfWork", events: Sequence[AuditEvent]
    ) -> AbstractContextManager[None]:
        """Add one row for each event to the transaction of `uow`, whose caller they name.

        The enclosed lines are its commit: how they end says whether the rows are there.
        """


class Key(Protocol):
    """An idempotency key that a request brought (`app.core.idempotency`)."""

    resource_id: UUID | None

    def made(self, uow: "UnitOfWork", resource_id: UUID) -> None:
        """Remember what a repeat after a crash has to go on with."""

    def hold(self, uow: "UnitOfWork") -> None:
        """Write the key as the first row of the transaction, or raise `KeyInFlight`."""

    def forget(self) -> None:
        """Know that the transaction that wrote the key was undone."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of one job: the fence that a second run of the same job carries too."""

    job_id: int
    attempt: int


class TransactionOpen(RuntimeError):
    """A foreign system was about to be called while a transaction was open: a bug."""


class UnitOfWork(Session):
    """A database session plus the events it will publish; a function that takes one writes."""

    def __init__(
        self,
        units: "Units",
        *,
        actor: str,
        read_only: bool = False,
        request_id: str | None = None,
        address: str | None = None,
        key: Key | None = None,
        job: JobRun | None = None,
    ) -> None:
        super().__init__(units.read if read_only else units.write, expire_on_commit=False)
        self.actor = actor
        self.request_id = request_id
        self.address = address
        self.read_only = read_only
        self.key = key
        self.job = job
        self.has_committed = False
        self.may_have_committed = False
        self._units = units
        self._events: list[Event] = []
        self._records: list[AuditEvent] = []

    def lock(self, kind: type[R], record_id: object) -> R:
        """Return a record with its row locked and as it is now; raise `NoResultFound`.

        In the order of the architecture's page: parallel units would wait for each other for ever.
        """
        (key,) = inspect(kind).primary_key
        statement = select(kind).where(key == record_id).with_for_update()
        return self.scalars(statement.execution_options(populate_existing=True)).one()

    def take_long(self, seconds: int) -> None:
        """Let the statements of this transaction take so long; a citizen's call never does."""
        self.execute(text(f"set local statement_timeout = '{int(seconds)}s'"))

    def emit(self, fact: Event) -> None:
        """Publish a fact: its handlers run once this unit of work has committed."""
        self._events.append(fact)

    def record(self, event: AuditEvent) -> None:
        """Tell the audit trail; written with the next commit.

        What was refused is kept when the unit is undone, what was done is not; a reader's records
        are written before its answer is given.
        """
        self._records.append(event)

    @property
    def unwritten(self) -> Sequence[AuditEvent]:
        """Return the records that no commit of this unit has taken with it."""
        return tuple(self._records)

    def open_record(self, record: Stateful, *, cause: str, **data: object) -> None:
        """Add a new stateful record and log its first state."""
        record.id = record.id or new_id()
        record.version = 1
        self.add(record)
        self._log(record, None, cause, None, data)

    def move(
        self,
        record: Stateful,
        to: StrEnum,
        *,
        cause: str,
        fact: Event | None = None,
        **data: object,
    ) -> None:
        """Change the state of a record whose row the caller has locked; log it; publish `fact`.

        Raise `IllegalMove` when the state machine has no such edge.
        """
        record.check_move(to)
        before, record.status = record.status, to
        record.version += 1
        self._log(record, before, cause, fact, data)
        if fact is not None:
            self.emit(fact)

    def _log(
        self,
        record: Stateful,
        before: str | None,
        cause: str,
        fact: Event | None,
        data: dict[str, object],
    ) -> None:
        self.add(
            EventLog(
                entity=record.ENTITY,
                entity_id=record.id,
                subject_id=record.subject_id,
                sequence=record.version,
                from_state=before,
                to_state=str(record.status),
                event=fact.name if fact else None,
                cause=cause,
                actor=self.actor,
                request_id=self.request_id,
                data=data,
                at=now(),
            )
        )

    @contextmanager
    def phase(self) -> Iterator[None]:
        """Run one committed step before the unit's last; afterwards no transaction is open.

        The request's idempotency key, if it brought one, is the first row that is written.
        """
        try:
            if self.key is not None and not self.read_only:
                self.key.hold(self)
            yield
            self._finish()
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        self._events = []
        self._records = [event for event in self._records if event.result == "refused"]
        self.rollback()
        if self.key is not None and not self.has_committed:
            self.key.forget()

    def _writing_records(self) -> AbstractContextManager[None]:
        if not self._records or self.read_only:
            return nullcontext()
        if self._units.trail is None:
            raise RuntimeError("there is no audit trail to write to")
        return self._units.trail.writing(self, tuple(self._records))

    def _finish(self) -> None:
        if self._events:
            self.flush()
            self._units.outbox.defer(self.connection().connection.driver_connection, self._events)
            self._events = []
        with self._writing_records():
            wrote = self.in_transaction() and not self.read_only
            try:
                self.commit()
            except DBAPIError as error:
                # Lost on the way to or from the commit: nobody may simply run this again.
                self.may_have_committed = error.connection_invalidated
                raise
        if not self.read_only:
            self._records = []
        self.has_committed = self.has_committed or wrote
        self.may_have_committed = self.has_committed


@event.listens_for(UnitOfWork, "before_flush")
def _refuse_writes_of_readers(uow: UnitOfWork, _context: UOWTransaction, _rows: object) -> None:
    if uow.read_only and (uow.new or uow.dirty or uow.deleted):
        raise RuntimeError("a read-only unit of work was asked to write")


class Units:
    """Opens units of work: the one place that knows the engines."""

    def __init__(
        self, write: Engine, read: Engine, outbox: Outbox, trail: Trail | None = None
    ) -> None:
        self.write = write
        self.read = read
        self.outbox = outbox
        self.trail = trail
        self._is_over = False

    @contextmanager
    def open(
        self,
        *,
        actor: str,
        read_only: bool = False,
        request_id: str | None = None,
        address: str | None = None,
        key: Key | None = None,
        job: JobRun | None = None,
    ) -> Iterator[UnitOfWork]:
        """Open a unit of work: leaving it commits, an exception undoes the open phase."""
        if self._is_over:
            raise RuntimeError("a unit of work was opened in a house that is closed")
        uow = UnitOfWork(
            self,
            actor=actor,
            read_only=read_only,
            request_id=request_id,
            address=address,
            key=key,
            job=job,
        )
        token = _open.set((*_open.get(), uow))
        try:
            yield uow
            uow._finish()  # noqa: SLF001 - the same module's own
        except BaseException:
            uow._undo()  # noqa: SLF001 - the same module's own
            self._keep_refusals(uow)
            raise
        else:
            self._write_records(uow)
        finally:
            _open.reset(token)
            uow.close()

    def _write_records(self, uow: UnitOfWork) -> None:
        """Write what a unit that could not write, or was undone, has to tell the trail."""
        if not uow.unwritten:
            return
        uow.close()  # its connection is not needed any more
        other = UnitOfWork(self, actor=uow.actor, request_id=uow.request_id, address=uow.address)
        try:
            for event in uow.unwritten:
                other.record(event)
            other._finish()  # noqa: SLF001 - the same module's own
        finally:
            other.close()

    def _keep_refusals(self, uow: UnitOfWork) -> None:
        """Write the refusals of an undone unit; its caller learns only why it was undone."""
        try:
            self._write_records(uow)
        except Exception:
            log.exception("audit.lost", count=len(uow.unwritten))

    def dispose(self) -> None:
        """Close every pooled connection, for good.

        An engine would make a new pool at the next use, which nobody would close any more.
        """
        self._is_over = True
        self.write.dispose()
        self.read.dispose()


def forbid_open_transaction(target: str) -> None:
    """Raise `TransactionOpen` when a foreign call to `target` would hold a transaction open."""
    if any(uow.in_transaction() for uow in _open.get()):
        raise TransactionOpen(f"a transaction is open while {target} is called")


def request_in_hand() -> str | None:
    """Return the id of the request that the innermost open unit with one belongs to."""
    ids = (uow.request_id for uow in reversed(_open.get()))
    return next((found for found in ids if found is not None), None)
