"""What identity forgets in time."""

from app.factory import Rooms
from app.identity import service
from tests.factories import later, make_phone
from tests.identity.support import ask, count, log_in_quickly

DAY = 86_400


def run(rooms: Rooms) -> None:
    with rooms.units.open(actor="worker:identity.forget_expired") as uow:
        service.forget_expired(uow)


def test_codes_are_kept_for_a_day(rooms: Rooms) -> None:
    challenge_id, _ = ask(rooms, make_phone())
    rows = "select count(*) from challenges where id = :id"
    run(rooms)
    assert count(rooms, rows, id=challenge_id) == 1
    with later(DAY + 1):
        run(rooms)
    assert count(rooms, rows, id=challenge_id) == 0


def test_sessions_end_in_time_and_are_kept_for_ninety_days(rooms: Rooms) -> None:
    mine = log_in_quickly(rooms)
    rows = "select count(*) from sessions where id = :id and status = :status"
    tokens = "select count(*) from refresh_tokens where session_id = :id"
    with later(14 * DAY + 1):
        run(rooms)
    assert count(rooms, rows, id=mine.session_id, status="ended") == 1
    with later(103 * DAY):
        run(rooms)
    assert count(rooms, tokens, id=mine.session_id) == 1
    with later(106 * DAY):
        run(rooms)
    assert count(rooms, tokens, id=mine.session_id) == 0
    assert count(rooms, rows, id=mine.session_id, status="ended") == 0
