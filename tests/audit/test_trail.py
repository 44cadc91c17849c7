"""Rows of the trail: what they say, who wrote them, and that numbers are never burnt."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.audit.service.leaves import plain_details
from app.audit.service.trail import kind_of
from app.core.ids import new_id
from app.factory import Rooms
from tests.audit.support import Knocked, Undone, fail_at_commit, knock, rows, seal

GAPS = """
    select writer, max(sequence) - count(*) as missing from audit_entries
    group by writer having max(sequence) <> count(*)
"""


def count(rooms: Rooms, door: str) -> int:
    query = "select count(*) from audit_entries where details ->> 'door' = :door"
    return int(rows(rooms, query, door=door)[0][0])


def door() -> str:
    return str(new_id())


@pytest.mark.promise("M10")
def test_a_row_says_when_who_what_whom_how_and_from_where(
    rooms: Rooms, shows: Callable[[str], None]
) -> None:
    citizen, mine, before = new_id(), door(), datetime.now(UTC)
    with rooms.units.open(actor=f"citizen:{citizen}", request_id="r-1", address="192.0.2.7") as uow:
        uow.record(Knocked(subject=citizen, result="refused", door=mine, times=3))
    query = "select * from audit_entries where details ->> 'door' = :door"
    (row,) = rows(rooms, query, door=mine)
    assert row.at.utcoffset() == timedelta(0)
    assert before - timedelta(seconds=1) < row.at < before + timedelta(seconds=60)
    said = (row.actor, row.actor_kind, row.event, row.subject_id, row.result)
    assert said == (f"citizen:{citizen}", "citizen", "test.knocked", citizen, "refused")
    assert (row.address, row.request_id) == ("192.0.2.7", "r-1")
    assert row.details == {"times": 3, "door": mine}
    assert (len(row.salt), len(row.mac), row.sequence > 0) == (16, 32, True)
    shows("time with offset, actor, kind, event, subject, result, address, request id: 8 of 8")


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        ("citizen:1", "citizen"),
        ("staff:1", "staff"),
        ("integrator:1", "integrator"),
        ("anonymous", "anonymous"),
        ("worker:payments.sweep", "system"),
        ("command-line", "system"),
    ],
)
def test_kinds_of_actors(actor: str, kind: str) -> None:
    assert kind_of(actor) == kind


def knock_and_undo(rooms: Rooms, done: str, refused: str) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.record(Knocked(door=done))
        uow.record(Knocked(door=refused, result="refused"))
        raise Undone


def test_what_was_done_goes_with_the_commit_and_what_was_refused_stays(rooms: Rooms) -> None:
    done, refused = door(), door()
    with pytest.raises(Undone):
        knock_and_undo(rooms, done, refused)
    assert (count(rooms, done), count(rooms, refused)) == (0, 1)


def test_a_reader_is_recorded(rooms: Rooms) -> None:
    mine = door()
    with rooms.units.open(actor="test", read_only=True) as uow:
        uow.record(Knocked(door=mine))
    assert count(rooms, mine) == 1


def test_a_failed_commit_burns_no_number(house: Rooms) -> None:
    knock(house, 3)
    for _ in range(5):
        lost = door()
        with pytest.raises(DBAPIError, match="promises 2 lines and has 0"):
            fail_at_commit(house, lost)
        assert count(house, lost) == 0
        knock(house, 2)
    assert count(house, "front") == 13
    assert rows(house, GAPS) == []


def test_parallel_writers_with_failures_leave_no_gap(house: Rooms) -> None:
    start = threading.Barrier(8)

    def work(number: int) -> int:
        start.wait()
        kept = 0
        for turn in range(30):
            if (turn + number) % 3 == 0:
                with pytest.raises(DBAPIError):
                    fail_at_commit(house, door())
            else:
                knock(house, door=f"lane-{number}")
                kept += 1
        return kept

    with ThreadPoolExecutor(8) as pool:
        kept = sum(pool.map(work, range(8)))
    assert kept == 160
    assert rows(house, "select count(*) from audit_entries")[0][0] == kept
    assert rows(house, GAPS) == []


def break_off(rooms: Rooms, mine: str) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.record(Knocked(door=mine))
        own = uow.scalar(text("select pg_backend_pid()"))
        with rooms.units.open(actor="test") as other:
            other.execute(text("select pg_terminate_backend(:pid)"), {"pid": own})


def test_a_connection_that_breaks_at_the_commit_leaves_no_gap(house: Rooms) -> None:
    """Nobody knows whether that commit was done; that writer is never heard of again."""
    knock(house, 2)
    mine = door()
    with pytest.raises(DBAPIError):
        break_off(house, mine)
    knock(house, 2)
    assert count(house, mine) == 0
    assert rows(house, GAPS) == []


def test_no_row_gets_a_number_below_one_that_was_seen_decided(house: Rooms) -> None:
    """A slow writer with an old number would be passed over by the sealer for ever."""
    knock(house, 1)
    inserted, leave = threading.Event(), threading.Event()

    def slow() -> None:
        with house.units.open(actor="test") as uow:
            trail: Any = house.units.trail
            with trail.writing(uow, [Knocked(door="slow")]):
                inserted.set()
                leave.wait(60)

    thread = threading.Thread(target=slow)
    thread.start()
    assert inserted.wait(60)
    knock(house, 1, door="quick")
    seal(house)  # waits a moment for the slow one, then leaves everything for the next second
    assert rows(house, "select * from audit_seals") == []
    leave.set()
    thread.join()
    seal(house)
    ((entries, first, last),) = rows(house, "select entries, first, last from audit_seals")
    assert entries == 3
    order = rows(house, "select details ->> 'door' from audit_entries order by number")
    assert [name for (name,) in order] == ["front", "slow", "quick"]
    assert (first, last) == (1, rows(house, "select max(number) from audit_entries")[0][0])


def run(rooms: Rooms, *statements: str) -> None:
    with rooms.units.open(actor="test") as uow:
        for statement in statements:
            uow.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entries set result = 'done'",
        "delete from audit_entries",
        "truncate audit_entries",
        "set local wudang.retiring = 'on'; delete from audit_entries",
        "update audit_seals set entries = 1",
        "delete from audit_seals",
        "delete from audit_retirements",
    ],
)
def test_the_application_can_change_nothing(house: Rooms, statement: str) -> None:
    knock(house, 1)
    with pytest.raises(DBAPIError, match="permission denied"):
        run(house, *statement.split("; "))
    assert count(house, "front") == 1


COPY = """
    insert into audit_entries (id, at, actor, actor_kind, event, subject_id, result, address,
        request_id, details, writer, sequence, salt, mac)
    select {id}, at, actor, actor_kind, event, subject_id, {result}, address, request_id, details,
        writer, {sequence}, {salt}, mac from audit_entries limit 1
"""
SOUND = {
    "id": "gen_random_uuid()",
    "result": "result",
    "sequence": "sequence + 1000",
    "salt": "salt",
}


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("uq_audit_entries_writer_sequence", {"sequence": "sequence"}),
        ("uq_audit_entries_id", {"id": "id"}),
        ("ck_audit_entries_result", {"result": "'perhaps'"}),
        ("ck_audit_entries_sequence", {"sequence": "0"}),
        ("ck_audit_entries_sizes", {"salt": "''"}),
    ],
)
def test_what_the_table_refuses(house: Rooms, constraint: str, changes: dict[str, str]) -> None:
    knock(house, 1)
    with house.units.open(actor="test") as uow:
        uow.execute(text(COPY.format(**SOUND)))  # the statement itself is one that works
    with pytest.raises(DBAPIError, match=constraint), house.units.open(actor="test") as uow:
        uow.execute(text(COPY.format(**{**SOUND, **changes})))


@pytest.mark.parametrize(
    "value",
    [
        "李雷",
        "two\nlines",
        "a" * 1001,
        "+8613807190001",
        "110101199003077758",
        "eyJhbGciOi.eyJzdWIi.c2ln",
        1.5,
        {"name": "王"},
        ["fine", "不好"],
        b"bytes",
    ],
)
def test_nothing_but_ids_codes_and_counts(value: object) -> None:
    with pytest.raises(ValueError, match="an audit event"):
        plain_details({"value": value})


def test_what_may_be_said(rooms: Rooms) -> None:
    kept: dict[str, Any] = {
        "id": str(new_id()),
        "code": "otp-wrong",
        "count": 3,
        "yes": True,
        "none": None,
        "path": {"payment_id": str(new_id())},
        "scopes": ["bills.read", "openid"],
        "fields": "name redirect_uris",
        # Eleven digits, but a part of something that nobody can call.
        "by chance": "01a22354-380f-7fea-8235-13807190001a",
        "several": "a:01a22354-380f-7fea-8235-13807190001a,01a22354-380f-7fea-8235-a13807190001",
        "digest": "ab" * 20 + "c13807190001d" + "ef" * 5,
    }
    assert plain_details(kept) == kept
