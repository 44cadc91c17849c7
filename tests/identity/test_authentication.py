"""Tokens become principals; the rows decide, and what was read counts for a second."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.ids import new_id
from app.core.tokens import TokenInvalid, Tokens
from app.factory import Rooms
from app.http.authentication import Authenticator
from app.identity.service import read_citizen
from app.staff.values import PERMISSIONS, Role
from tests.factories import later, staff_token
from tests.identity.support import log_in_quickly


class Watch:
    """A watch that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def end(rooms: Rooms, session_id: object) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update sessions set status = 'ended', ended_at = now() where id = :id"),
            {"id": session_id},
        )


def test_what_was_read_counts_for_one_second(rooms: Rooms) -> None:
    watch = Watch()
    authenticator = Authenticator(
        rooms.units, rooms.deps[Tokens], {"citizen": read_citizen}, monotonic=watch
    )
    mine = log_in_quickly(rooms)
    who = authenticator.authenticate(mine.access_token, fresh=False)
    assert (who.kind, who.id, who.session_id) == ("citizen", mine.citizen_id, mine.session_id)
    end(rooms, mine.session_id)
    watch.seconds += 0.999
    assert authenticator.authenticate(mine.access_token, fresh=False) == who
    watch.seconds += 0.001
    with pytest.raises(TokenInvalid):
        authenticator.authenticate(mine.access_token, fresh=False)


def test_a_fresh_look_asks_the_database_and_is_remembered(rooms: Rooms) -> None:
    watch = Watch()
    authenticator = Authenticator(
        rooms.units, rooms.deps[Tokens], {"citizen": read_citizen}, monotonic=watch
    )
    mine = log_in_quickly(rooms)
    authenticator.authenticate(mine.access_token, fresh=False)
    end(rooms, mine.session_id)
    for fresh in (True, False):
        with pytest.raises(TokenInvalid):
            authenticator.authenticate(mine.access_token, fresh=fresh)


def test_assurance_comes_from_the_row_not_from_the_token(rooms: Rooms) -> None:
    mine = log_in_quickly(rooms)
    forged = rooms.deps[Tokens].issue(
        subject=mine.citizen_id, session_id=mine.session_id, kind="citizen", assurance="strong"
    )
    assert rooms.deps[Authenticator].authenticate(forged, fresh=True).assurance == "basic"


def test_a_token_must_fit_its_session(rooms: Rooms) -> None:
    mine, theirs = log_in_quickly(rooms), log_in_quickly(rooms)
    tokens = rooms.deps[Tokens]
    strange = [
        ("citizen", theirs.citizen_id, mine.session_id),
        ("citizen", mine.citizen_id, new_id()),
        ("staff", mine.citizen_id, mine.session_id),
        ("integrator", mine.citizen_id, mine.session_id),
        ("emperor", mine.citizen_id, mine.session_id),
    ]
    for kind, subject, session_id in strange:
        token = tokens.issue(subject=subject, session_id=session_id, kind=kind, assurance="strong")
        with pytest.raises(TokenInvalid):
            rooms.deps[Authenticator].authenticate(token, fresh=True)


@pytest.mark.parametrize("status", ["locked", "closed"])
def test_a_citizen_who_is_not_active_is_let_in_nowhere(rooms: Rooms, status: str) -> None:
    mine = log_in_quickly(rooms)
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update citizens set status = :status where id = :id"),
            {"status": status, "id": mine.citizen_id},
        )
    with pytest.raises(TokenInvalid):
        rooms.deps[Authenticator].authenticate(mine.access_token, fresh=True)


def test_an_access_token_lives_ten_minutes_and_a_session_thirty_days(rooms: Rooms) -> None:
    mine = log_in_quickly(rooms)
    with later(601), pytest.raises(TokenInvalid):
        rooms.deps[Authenticator].authenticate(mine.access_token, fresh=True)
    long = rooms.deps[Tokens].issue(
        subject=mine.citizen_id,
        session_id=mine.session_id,
        kind="citizen",
        assurance="basic",
        lifetime=timedelta(days=60),
    )
    with later(15 * 86_400), pytest.raises(TokenInvalid):
        rooms.deps[Authenticator].authenticate(long, fresh=True)


def test_staff_have_the_rights_of_their_role_for_eight_hours(rooms: Rooms) -> None:
    for role in Role:
        token = staff_token(rooms, role, "water")
        who = rooms.deps[Authenticator].authenticate(token, fresh=True)
        assert who.permissions == PERMISSIONS[role]
        assert (who.kind, who.department) == ("staff", "water")
    with later(8 * 3_600), pytest.raises(TokenInvalid):
        rooms.deps[Authenticator].authenticate(token, fresh=True)


def test_a_member_of_staff_who_has_left_is_out(rooms: Rooms) -> None:
    token = staff_token(rooms, "finance")
    who = rooms.deps[Authenticator].authenticate(token, fresh=True)
    with rooms.units.open(actor="test") as uow:
        uow.execute(text("update staff set status = 'ended' where id = :id"), {"id": who.id})
    with pytest.raises(TokenInvalid):
        rooms.deps[Authenticator].authenticate(token, fresh=True)


def test_one_broken_connection_is_not_noticed(rooms: Rooms) -> None:
    mine = log_in_quickly(rooms)
    rooms.units.read.dispose()
    with rooms.units.open(actor="test", read_only=True) as uow:
        pooled = uow.scalar(text("select pg_backend_pid()"))
    with rooms.units.open(actor="test") as uow:
        assert uow.scalar(text("select pg_terminate_backend(:pid, 60000)"), {"pid": pooled})
    who = rooms.deps[Authenticator].authenticate(mine.access_token, fresh=True)
    assert who.id == mine.citizen_id
