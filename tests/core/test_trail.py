"""What the audit trail is told stays told: with a commit, without one, and by a reader."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.errors import Conflict
from app.core.ids import new_id
from app.core.trail import AuditEvent
from app.core.unit_of_work import Units
from app.factory import Rooms


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorTried(AuditEvent):
    """Somebody tried a door."""

    name: ClassVar[str] = "test.door_tried"
    title_zh: ClassVar[str] = "试门"
    title_en: ClassVar[str] = "A door was tried"

    door_id: UUID


def tell(rooms: Rooms, door: UUID, result: str, **options: bool) -> None:
    with rooms.units.open(actor="test", address="192.0.2.7", request_id="r-1", **options) as uow:
        uow.record(DoorTried(door_id=door, result=result))


def kept(rooms: Rooms, door: UUID) -> list[tuple[str, str, str, str]]:
    found = text(
        "select event, actor, result, address from audit_entries "
        "where details->>'door_id' = :door order by at"
    )
    with rooms.units.open(actor="test", read_only=True) as uow:
        return [tuple(row) for row in uow.execute(found, {"door": str(door)})]


@pytest.fixture
def door() -> Iterator[UUID]:
    return new_id()


@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_told_is_kept(rooms: Rooms, door: UUID, *, read_only: bool) -> None:
    tell(rooms, door, "done", read_only=read_only)
    assert kept(rooms, door) == [("test.door_tried", "test", "done", "192.0.2.7")]


@pytest.mark.parametrize("read_only", [False, True])
def test_a_refusal_is_kept_although_the_unit_is_undone(
    rooms: Rooms, door: UUID, *, read_only: bool
) -> None:
    def try_in_vain() -> None:
        with rooms.units.open(actor="test", read_only=read_only) as uow:
            uow.record(DoorTried(door_id=door, result="refused"))
            uow.record(DoorTried(door_id=door, result="done"))
            raise Conflict

    with pytest.raises(Conflict):
        try_in_vain()
    assert [row[2] for row in kept(rooms, door)] == ["refused"]


def test_a_phase_takes_its_records_with_it_once(rooms: Rooms, door: UUID) -> None:
    with rooms.units.open(actor="test") as uow:
        with uow.phase():
            uow.record(DoorTried(door_id=door))
        uow.rollback()
    assert [row[2] for row in kept(rooms, door)] == ["done"]


def test_the_first_exception_counts_even_if_the_trail_is_away(units: Units, door: UUID) -> None:
    def try_in_vain() -> None:
        with units.open(actor="test") as uow:
            uow.record(DoorTried(door_id=door, result="refused"))
            raise Conflict

    with pytest.raises(Conflict):
        try_in_vain()


def test_without_a_trail_nothing_is_done_in_silence(units: Units, door: UUID) -> None:
    with pytest.raises(RuntimeError, match="trail"), units.open(actor="test") as uow:
        uow.record(DoorTried(door_id=door))


def test_the_application_cannot_change_the_trail(rooms: Rooms, door: UUID) -> None:
    tell(rooms, door, "done")
    for statement in (
        "update audit_entries set result = 'refused'",
        "delete from audit_entries",
        "truncate audit_entries",
    ):
        with (
            pytest.raises(Exception, match="permission denied"),
            rooms.units.open(actor="x") as uow,
        ):
            uow.execute(text(statement))
    assert len(kept(rooms, door)) == 1
