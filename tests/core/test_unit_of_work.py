# ruff: noqa: PT012 - a unit of work ends inside the block that has to raise
"""One transaction, what happens after it, and moves that only the state machine allows."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, InternalError, ProgrammingError
from sqlalchemy.orm.exc import StaleDataError

from app.core.clock import now
from app.core.egress import Egress
from app.core.errors import Conflict, IllegalMove
from app.core.events import Event, EventLog
from app.core.ids import new_id
from app.core.unit_of_work import (
    TransactionOpen,
    Units,
    forbid_open_transaction,
)
from tests.core.conftest import Door, DoorClosed, DoorState


class Pigeonhole:
    """Remembers what was deferred; a real connection is what it is given."""

    def __init__(self) -> None:
        self.facts: list[Event] = []
        self.is_broken = False

    def defer(self, connection: Any, events: Sequence[Event]) -> None:  # noqa: ANN401 - psycopg's
        connection.execute("select 1")
        if self.is_broken:
            raise RuntimeError("the queue cannot be written")
        self.facts.extend(events)


@pytest.fixture
def outbox(units: Units) -> Pigeonhole:
    hole = Pigeonhole()
    units.outbox = hole
    return hole


def make_door(units: Units, label: str = "front") -> UUID:
    with units.open(actor="test") as uow:
        door = Door(label=label, status=DoorState.OPEN)
        uow.open_record(door, cause="test.made")
        return door.id


def status_of(units: Units, door_id: UUID) -> str | None:
    with units.open(actor="test", read_only=True) as uow:
        return uow.scalar(select(Door.status).where(Door.id == door_id))


def history_of(units: Units, door_id: UUID) -> list[EventLog]:
    with units.open(actor="test", read_only=True) as uow:
        rows = select(EventLog).where(EventLog.entity_id == door_id).order_by(EventLog.sequence)
        return list(uow.scalars(rows))


class TestCommit:
    def test_leaving_commits(self, units: Units) -> None:
        assert status_of(units, make_door(units)) == "open"

    @pytest.mark.parametrize("error", [Conflict, RuntimeError, KeyboardInterrupt, SystemExit])
    def test_an_exception_undoes(self, units: Units, error: type[BaseException]) -> None:
        door_id = new_id()
        with pytest.raises(error), units.open(actor="test") as uow:
            uow.add(Door(id=door_id, label="x", status=DoorState.OPEN))
            uow.flush()
            raise error
        assert status_of(units, door_id) is None

    def test_a_phase_stays_when_the_next_fails(self, units: Units) -> None:
        first, second = new_id(), new_id()
        with pytest.raises(RuntimeError), units.open(actor="test") as uow:
            with uow.phase():
                uow.add(Door(id=first, label="first", status=DoorState.OPEN))
            assert not uow.in_transaction()
            uow.add(Door(id=second, label="second", status=DoorState.OPEN))
            uow.flush()
            raise RuntimeError
        assert status_of(units, first) == "open"
        assert status_of(units, second) is None

    def test_a_phase_that_fails_is_undone_and_the_unit_goes_on(self, units: Units) -> None:
        first, second = new_id(), new_id()
        with units.open(actor="test") as uow:
            with pytest.raises(Conflict), uow.phase():
                uow.add(Door(id=first, label="first", status=DoorState.OPEN))
                uow.flush()
                raise Conflict
            assert not uow.has_committed
            uow.add(Door(id=second, label="second", status=DoorState.OPEN))
        assert status_of(units, first) is None
        assert status_of(units, second) == "open"

    def test_it_knows_whether_something_was_committed(self, units: Units) -> None:
        with units.open(actor="test") as uow:
            assert not uow.has_committed
            with uow.phase():
                pass
            assert not uow.has_committed
            with uow.phase():
                uow.add(Door(label="x", status=DoorState.OPEN))
            assert uow.has_committed

    def test_a_failing_commit_is_an_error_and_no_half(self, units: Units) -> None:
        door_id = make_door(units)
        with pytest.raises(IntegrityError), units.open(actor="test") as uow:
            uow.add(Door(label="kept?", status=DoorState.OPEN))
            uow.add(Door(id=door_id, label="twice", status=DoorState.OPEN))
        with units.open(actor="test", read_only=True) as uow:
            assert uow.scalar(select(Door.label).where(Door.label == "kept?")) is None

    def test_connections_come_back(self, units: Units) -> None:
        for _ in range(30):
            with pytest.raises(RuntimeError), units.open(actor="test") as uow:
                uow.execute(text("select 1"))
                raise RuntimeError
        pool: Any = units.write.pool
        assert pool.checkedout() == 0


class TestFacts:
    def test_facts_are_written_with_the_transaction(self, units: Units, outbox: Pigeonhole) -> None:
        fact = DoorClosed(door_id=new_id())
        with units.open(actor="test") as uow:
            uow.emit(fact)
            assert outbox.facts == []
        assert outbox.facts == [fact]

    def test_facts_of_what_was_undone_are_never_published(
        self, units: Units, outbox: Pigeonhole
    ) -> None:
        with pytest.raises(RuntimeError), units.open(actor="test") as uow:
            uow.emit(DoorClosed(door_id=new_id()))
            raise RuntimeError
        assert outbox.facts == []

    def test_facts_of_a_failed_phase_do_not_leave_with_the_next(
        self, units: Units, outbox: Pigeonhole
    ) -> None:
        kept = DoorClosed(door_id=new_id())
        with units.open(actor="test") as uow:
            with pytest.raises(Conflict), uow.phase():
                uow.emit(DoorClosed(door_id=new_id()))
                raise Conflict
            with uow.phase():
                uow.emit(kept)
            assert outbox.facts == [kept]
        assert outbox.facts == [kept]

    def test_what_cannot_be_published_is_not_done(self, units: Units, outbox: Pigeonhole) -> None:
        outbox.is_broken = True
        door_id = new_id()
        with pytest.raises(RuntimeError), units.open(actor="test") as uow:
            uow.add(Door(id=door_id, label="x", status=DoorState.OPEN))
            uow.emit(DoorClosed(door_id=door_id))
        assert status_of(units, door_id) is None

    def test_a_fact_survives_the_queue(self) -> None:
        fact = DoorClosed(door_id=new_id())
        assert DoorClosed.from_json(fact.to_json()) == fact


class TestClosing:
    def test_what_is_closed_stays_closed(self, units: Units) -> None:
        make_door(units)
        units.dispose()
        with pytest.raises(RuntimeError, match="closed"), units.open(actor="test") as uow:
            uow.execute(text("select 1"))
        engines = (units.write, units.read)
        assert [engine.pool.checkedin() for engine in engines] == [0, 0]  # type: ignore[attr-defined]


class TestReaders:
    def test_a_reader_cannot_add(self, units: Units) -> None:
        door_id = new_id()
        with (
            pytest.raises(RuntimeError, match="read-only"),
            units.open(actor="test", read_only=True) as uow,
        ):
            uow.add(Door(id=door_id, label="x", status=DoorState.OPEN))
            uow.flush()
        assert status_of(units, door_id) is None

    def test_a_reader_cannot_change(self, units: Units) -> None:
        door_id = make_door(units)
        with (
            pytest.raises(RuntimeError, match="read-only"),
            units.open(actor="test", read_only=True) as uow,
        ):
            uow.get_one(Door, door_id).label = "changed"
        with units.open(actor="test", read_only=True) as uow:
            assert uow.get_one(Door, door_id).label == "front"

    @pytest.mark.parametrize(
        "statement",
        [
            "update scratch_core.doors set label = 'x'",
            "insert into scratch_core.doors (id) values (gen_random_uuid())",
            "delete from scratch_core.doors",
            "select nextval('procrastinate_jobs_id_seq')",
            "create table scratch_core.x (y int)",
        ],
    )
    def test_postgresql_refuses_what_the_session_does_not_see(
        self, units: Units, statement: str
    ) -> None:
        with (
            pytest.raises(InternalError, match="read-only transaction"),
            units.open(actor="test", read_only=True) as uow,
        ):
            uow.execute(text(statement))


class TestForeignCalls:
    def test_a_call_while_a_transaction_is_open_is_a_bug(self, units: Units) -> None:
        with units.open(actor="test") as uow:
            uow.execute(text("select 1"))
            with pytest.raises(TransactionOpen, match="biller"):
                forbid_open_transaction("biller.example")

    def test_the_one_client_refuses_before_it_connects(self, units: Units) -> None:
        egress = Egress()
        with units.open(actor="test") as uow:
            uow.execute(text("select 1"))
            with pytest.raises(TransactionOpen):
                egress.request(
                    "GET", "https://biller.example/", connect_seconds=0.1, total_seconds=0.1
                )

    def test_reading_is_a_transaction_too(self, units: Units) -> None:
        with units.open(actor="test", read_only=True) as uow:
            uow.scalars(select(Door).limit(1)).all()
            with pytest.raises(TransactionOpen):
                forbid_open_transaction("biller.example")

    def test_between_phases_calls_are_free(self, units: Units) -> None:
        with units.open(actor="test") as uow:
            forbid_open_transaction("biller.example")
            with uow.phase():
                uow.execute(text("select 1"))
            forbid_open_transaction("biller.example")

    def test_an_outer_unit_counts_and_another_threads_does_not(self, units: Units) -> None:
        with units.open(actor="outer") as outer:
            outer.execute(text("select 1"))
            with units.open(actor="inner"), pytest.raises(TransactionOpen):
                forbid_open_transaction("biller.example")
            free: list[bool] = []

            def call() -> None:
                forbid_open_transaction("biller.example")
                free.append(True)

            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
            assert free == [True]


class TestMoves:
    def test_every_move_is_logged(self, units: Units, outbox: Pigeonhole) -> None:
        door_id = make_door(units)
        fact = DoorClosed(door_id=door_id)
        with units.open(actor="citizen:1", request_id="r-1") as uow:
            door = uow.get_one(Door, door_id, with_for_update=True)
            uow.move(door, DoorState.CLOSED, cause="test.closed", fact=fact, force=3)
        rows = history_of(units, door_id)
        assert [(r.sequence, r.from_state, r.to_state, r.cause) for r in rows] == [
            (1, None, "open", "test.made"),
            (2, "open", "closed", "test.closed"),
        ]
        assert (rows[1].actor, rows[1].request_id) == ("citizen:1", "r-1")
        assert (rows[1].event, rows[1].data) == ("test.door_closed", {"force": 3})
        assert rows[1].subject_id == door_id
        assert outbox.facts == [fact]

    @pytest.mark.parametrize(
        ("path", "to"),
        [
            ([], DoorState.LOCKED),
            ([], DoorState.OPEN),
            ([DoorState.CLOSED], DoorState.CLOSED),
            ([DoorState.CLOSED, DoorState.LOCKED], DoorState.OPEN),
            ([DoorState.CLOSED, DoorState.LOCKED], DoorState.CLOSED),
        ],
    )
    def test_an_illegal_move_is_refused_and_leaves_nothing(
        self, units: Units, outbox: Pigeonhole, path: list[DoorState], to: DoorState
    ) -> None:
        door_id = make_door(units)
        for step in path:
            with units.open(actor="test") as uow:
                uow.move(uow.get_one(Door, door_id), step, cause="test.step")
        before = status_of(units, door_id)
        with pytest.raises(IllegalMove) as refused, units.open(actor="test") as uow:
            door = uow.get_one(Door, door_id)
            uow.move(door, to, cause="test.illegal", fact=DoorClosed(door_id=door_id))
        assert refused.value.extra["legal"] == sorted(Door.MOVES.get(DoorState(before), ()))
        assert status_of(units, door_id) == before
        assert len(history_of(units, door_id)) == len(path) + 1
        assert outbox.facts == []

    @pytest.mark.parametrize(
        ("before", "after"),
        [("open", "locked"), ("locked", "open"), (None, "locked"), ("open", "nowhere"), ("", "")],
    )
    def test_the_database_refuses_what_the_code_would(
        self, units: Units, before: str | None, after: str
    ) -> None:
        door_id = make_door(units)
        with pytest.raises((InternalError, IntegrityError), match="legal"):
            log(units, door_id, 2, before, after)
        assert len(history_of(units, door_id)) == 1

    def test_the_database_refuses_an_entity_that_it_does_not_know(self, units: Units) -> None:
        with pytest.raises((InternalError, IntegrityError), match="legal"):
            log(units, new_id(), 1, None, "open", entity="test_window")

    def test_two_moves_cannot_be_the_same_step(self, units: Units) -> None:
        door_id = make_door(units)
        log(units, door_id, 2, "open", "closed")
        with pytest.raises(IntegrityError, match="uq_event_log"):
            log(units, door_id, 2, "open", "closed")

    def test_in_parallel_one_move_happens(self, units: Units, outbox: Pigeonhole) -> None:
        door_id = make_door(units)

        def close(_: int) -> bool:
            try:
                with units.open(actor="test") as uow:
                    door = uow.get_one(Door, door_id, with_for_update=True)
                    fact = DoorClosed(door_id=door_id)
                    uow.move(door, DoorState.CLOSED, cause="test.closed", fact=fact)
            except IllegalMove:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(close, range(8))) == [False] * 7 + [True]
        assert [row.to_state for row in history_of(units, door_id)] == ["open", "closed"]
        assert len(outbox.facts) == 1

    def test_even_without_the_lock_two_moves_do_not_both_happen(
        self, units: Units, outbox: Pigeonhole
    ) -> None:
        """The log's sequence is unique: a forgotten lock is an error, not a second effect."""
        door_id = make_door(units)
        both_have_read = threading.Barrier(2)

        def close(_: int) -> bool:
            try:
                with units.open(actor="test") as uow:
                    door = uow.get_one(Door, door_id)
                    both_have_read.wait(60)
                    uow.move(door, DoorState.CLOSED, cause="test.closed")
            except (IntegrityError, StaleDataError):
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(close, range(2))) == [False, True]
        assert len(history_of(units, door_id)) == 2


class TestEventLog:
    @pytest.mark.parametrize(
        "statement",
        [
            "update event_log set cause = 'forged' where entity_id = :id",
            "delete from event_log where entity_id = :id",
            "truncate event_log",
        ],
    )
    def test_the_application_can_only_append(self, units: Units, statement: str) -> None:
        door_id = make_door(units)
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            units.open(actor="test") as uow,
        ):
            uow.execute(text(statement), {"id": door_id})
        assert [row.cause for row in history_of(units, door_id)] == ["test.made"]

    def test_not_even_the_owner_changes_what_was_logged(self, units: Units, owner_url: str) -> None:
        door_id = make_door(units)
        for statement in (
            "update event_log set cause = 'forged' where entity_id = %s",
            "delete from event_log where entity_id = %s",
        ):
            with (
                pytest.raises(psycopg.errors.RestrictViolation, match="append-only"),
                psycopg.connect(owner_url) as connection,
            ):
                connection.execute(statement, [door_id])
        assert [row.cause for row in history_of(units, door_id)] == ["test.made"]

    @pytest.mark.parametrize(
        "statement",
        [
            "insert into legal_moves values ('test_door', 'open', 'locked')",
            "delete from legal_moves",
            "alter table event_log disable trigger all",
            "drop trigger event_log_is_legal on event_log",
        ],
    )
    def test_the_application_cannot_make_a_move_legal(self, units: Units, statement: str) -> None:
        with (
            pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
            units.open(actor="test") as uow,
        ):
            uow.execute(text(statement))


def log(
    units: Units,
    door_id: UUID,
    sequence: int,
    before: str | None,
    after: str,
    entity: str = "test_door",
) -> None:
    """Write a row of the log past the code."""
    with units.open(actor="test") as uow:
        uow.execute(
            text("""
                insert into event_log (id, entity, entity_id, subject_id, sequence, from_state,
                    to_state, cause, actor, data, at)
                values (:row, :entity, :id, :id, :sequence, :before, :after, 'raw', 'raw', '{}',
                    :at)
            """),
            {
                "row": new_id(),
                "entity": entity,
                "id": door_id,
                "sequence": sequence,
                "before": before,
                "after": after,
                "at": now(),
            },
        )
