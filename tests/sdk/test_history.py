"""A plug-in reads again what has happened to its own records, and to nobody else's."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.core.events import EventLog
from app.factory import Rooms
from app.sdk import history, new_id, now
from app.sdk.history import MOST_RECORDS
from plugins.utilities.models import Complaint

MOMENT = now()


def logged(entity: str, record: UUID, sequence: int, before: str | None, to: str) -> EventLog:
    return EventLog(
        entity=entity,
        entity_id=record,
        subject_id=record,
        sequence=sequence,
        from_state=before,
        to_state=to,
        cause="test",
        actor="tester",
        data={"n": sequence},
        at=MOMENT + timedelta(seconds=sequence),
    )


def test_the_moves_of_own_records_come_in_order_and_those_of_others_not(rooms: Rooms) -> None:
    # Ids of one millisecond come in no order of their own.
    first, second, others, payment = sorted(new_id() for _ in range(4))
    with rooms.units.open(actor="tester") as uow:
        uow.add_all(
            [
                logged("utilities_complaint", first, 2, "registered", "assigned"),
                logged("utilities_complaint", first, 1, None, "registered"),
                logged("utilities_complaint", second, 1, None, "registered"),
                logged("utilities_complaint", others, 1, None, "registered"),
                logged("payment", payment, 1, None, "pending"),
            ]
        )
        uncommitted = history(uow, Complaint, [first])
        assert [move.sequence for move in uncommitted] == [1, 2]
    with rooms.units.open(actor="tester", read_only=True) as uow:
        moves = history(uow, Complaint, [first, second, payment])
        assert history(uow, Complaint, []) == []
    said = [(m.record_id, m.sequence, m.from_state, m.to_state) for m in moves]
    assert said == [
        (first, 1, None, "registered"),
        (first, 2, "registered", "assigned"),
        (second, 1, None, "registered"),
    ]
    assert (moves[1].cause, moves[1].actor, moves[1].data) == ("test", "tester", {"n": 2})
    assert moves[1].at == MOMENT + timedelta(seconds=2)


def test_one_call_is_bounded(rooms: Rooms) -> None:
    too_many = [new_id() for _ in range(MOST_RECORDS + 1)]
    with (
        rooms.units.open(actor="tester", read_only=True) as uow,
        pytest.raises(ValueError, match="at most 500"),
    ):
        history(uow, Complaint, too_many)
