"""Balances from snapshots and the tail are those of every entry; the book is always at zero."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.factory import Rooms
from app.ledger import service
from app.ledger.values import Payout, payee
from tests.factories import later, to_the_next
from tests.ledger.support import (
    capture,
    fail,
    new_payee,
    portion,
    probing,
    publish,
    refund,
    rows,
    rule,
    with_fee,
    within,
)
from tests.live import at_once

HOLD = "select pg_advisory_xact_lock_shared(7302060)"


def snapshot(rooms: Rooms, hour: datetime) -> int:
    """Take a snapshot in an hour of the clock, and return how many rows it wrote."""
    before = rows(rooms, "select count(*) from ledger_snapshots")[0][0]
    with later((hour - now()).total_seconds() + 60):
        within(rooms, service.take_snapshots)
    return int(rows(rooms, "select count(*) from ledger_snapshots")[0][0] - before)


def both(rooms: Rooms) -> tuple[object, object]:
    def read(uow: UnitOfWork) -> tuple[object, object]:
        quick, full = service.read_trial_balance(uow), service.sum_book(uow)
        return (quick.accounts, quick.currencies), (full.accounts, full.currencies)

    return within(rooms, read)


@pytest.fixture(scope="module")
def hours() -> Callable[[], datetime]:
    """Return what gives the beginning of the next hour that has no snapshot yet."""
    first = now() + timedelta(seconds=to_the_next(3600))
    count = iter(range(2, 10_000))
    return lambda: first + timedelta(hours=next(count))


def test_snapshots_and_tail_are_the_full_sum(rooms: Rooms, hours: Callable[[], datetime]) -> None:
    who = new_payee()
    for _ in range(4):
        capture(rooms, portion(who, 100))
        assert snapshot(rooms, hours()) >= 2
        capture(rooms, portion(who, 50), portion(new_payee(), 5))
        quick, full = both(rooms)
        assert quick == full
    found = within(rooms, lambda uow: service.read_balances(uow, "payee"))
    assert [one.balance for one in found if one.code == f"payee:{who}"] == [-600]


def test_a_snapshot_is_taken_once_an_hour_and_only_of_what_has_changed(
    rooms: Rooms, hours: Callable[[], datetime]
) -> None:
    capture(rooms, portion(new_payee(), 100))
    snapshot(rooms, hours())
    hour = hours()
    assert snapshot(rooms, hour) == 0
    capture(rooms, portion(new_payee(), 100))
    assert snapshot(rooms, hour) == 2
    capture(rooms, portion(new_payee(), 100))
    assert snapshot(rooms, hour) == 0


def test_a_snapshot_does_not_look_past_a_booking_that_is_not_committed(
    rooms: Rooms, hours: Callable[[], datetime]
) -> None:
    capture(rooms, portion(new_payee(), 100))
    with rooms.units.open(actor="test") as booking:
        booking.execute(text(HOLD))
        assert snapshot(rooms, hours()) == 0
    assert snapshot(rooms, hours()) >= 2


def test_every_booking_holds_the_book_until_its_commit(rooms: Rooms) -> None:
    alone = "select pg_try_advisory_xact_lock(7302060)"
    with rooms.units.open(actor="test") as uow:
        service.book_payout(uow, Payout("stripe", f"po_{uuid4().hex}", 5, now()))
        assert rows(rooms, alone) == [(False,)]
    assert rows(rooms, alone) == [(True,)]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    amounts=st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    at=st.integers(0, 5),
    snapshots=st.sets(st.integers(0, 5), max_size=2),
)
def test_what_was_held_before_a_moment_is_what_was_recorded_before_it(
    rooms: Rooms, amounts: list[int], at: int, snapshots: set[int]
) -> None:
    who = new_payee()
    moments = []
    for index, amount in enumerate(amounts):
        moments.append(now())
        capture(rooms, portion(who, amount))
        if index in snapshots:
            within(rooms, service.write_snapshot)
    moments.append(now())
    at = min(at, len(amounts))
    found = within(rooms, lambda uow: service.read_balance_at(uow, payee(who), moments[at]))
    assert found == sum(amounts[:at])


def test_what_may_be_paid_out_was_there_at_the_cut_off_and_has_not_left_since(
    rooms: Rooms,
) -> None:
    who = new_payee()
    early = portion(who, 1000)
    booked = capture(rooms, early)
    cut_off = now()
    capture(rooms, portion(who, 700))
    reference = refund(rooms, booked, early, 300)

    def payable() -> int:
        return within(rooms, lambda uow: service.read_payable(uow, payee(who), cut_off))

    assert payable() == 700
    fail(rooms, booked, reference)
    assert payable() == 700  # what came back waits for the next cut-off
    assert within(rooms, lambda u: service.read_payable(u, payee(new_payee()), cut_off)) == 0
    tomorrow = now() + timedelta(days=1)
    assert within(rooms, lambda u: service.read_payable(u, payee(who), tomorrow)) == 1700


@pytest.mark.promise("P10")
def test_the_book_is_at_zero_at_every_probe(
    rooms: Rooms, hours: Callable[[], datetime], shows: Callable[[str], None]
) -> None:
    who = new_payee()
    publish(rooms, rule(who, *with_fee(who, 333_333)))

    def story() -> None:
        for _ in range(12):
            item = portion(who, 997)
            booked = capture(rooms, item, portion(new_payee(), 3))
            reference = refund(rooms, booked, item, 331)
            fail(rooms, booked, reference)
            refund(rooms, booked, item, 997)

    def snapshots() -> None:
        for _ in range(6):
            within(rooms, service.write_snapshot)

    with probing(rooms) as probe:
        at_once([story, story, story, snapshots])
    assert probe.broken == []
    assert probe.probes >= 5
    quick, full = both(rooms)
    assert quick == full
    shows(f"{probe.probes} probes of the trial balance beside 144 bookings: all zero")
