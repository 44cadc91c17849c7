"""When money is taken, when it is tried again, and what waits for its citizen."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.autopay.values import (
    Bounds,
    Hold,
    month_of,
    when_to_charge,
    when_to_retry,
    why_to_hold,
)
from app.core.clock import CITY_TIME

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def city_time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CITY_TIME)


@pytest.mark.parametrize(
    ("announced", "notice", "due", "charged"),
    [
        ("2026-11-28 09:00", 3, "2026-12-15", "2026-12-13 10:00"),
        ("2026-11-28 09:00", 3, None, "2026-12-01 10:00"),
        ("2026-12-13 09:00", 3, "2026-12-15", "2026-12-16 10:00"),  # notice before everything
        ("2026-12-31 23:59", 1, "2027-01-02", "2027-01-01 10:00"),
        ("2028-02-27 12:00", 2, "2028-03-02", "2028-02-29 10:00"),  # a leap day
    ],
)
def test_when_money_is_taken(announced: str, notice: int, due: str | None, charged: str) -> None:
    wanted = date.fromisoformat(due) if due else None
    assert when_to_charge(city_time(announced), notice, wanted) == city_time(charged)


@given(MOMENTS, st.integers(1, 10), st.none() | st.dates(date(2024, 1, 1), date(2036, 1, 1)))
def test_the_notice_is_kept_whenever_a_bill_is_found(
    moment: datetime, notice: int, due: date | None
) -> None:
    charged = when_to_charge(moment, notice, due)
    told, taken = (at.astimezone(CITY_TIME) for at in (moment, charged))
    assert (taken.date() - told.date()).days >= notice
    assert taken.time() == time(10)
    if due is not None and due - told.date() >= timedelta(days=notice + 2):
        assert taken.date() == due - timedelta(days=2)


def test_a_declined_charge_is_tried_again_after_one_three_and_five_days() -> None:
    failed = city_time("2026-12-13 10:00")
    days = [when_to_retry(failed, tries) for tries in range(1, 5)]
    assert days == [
        city_time("2026-12-14 10:00"),
        city_time("2026-12-16 10:00"),
        city_time("2026-12-18 10:00"),
        None,
    ]


@pytest.mark.parametrize(
    ("amount", "taken", "past", "reason"),
    [
        (10_000, 0, [], None),
        (10_001, 0, [], Hold.ABOVE_BILL_CAP),
        (10_000, 15_000, [], None),
        (10_000, 15_001, [], Hold.ABOVE_MONTH_CAP),
        (9_000, 0, [4_000, 4_000, 4_000], None),  # 50 yuan above the median, no more
        (9_001, 0, [4_000, 4_000, 4_000], Hold.UNUSUAL),
        (9_900, 0, [8_000, 1_000], Hold.UNUSUAL),  # the median of two is between them
        (9_900, 0, [4_900], None),
        (9_901, 0, [4_900], Hold.UNUSUAL),
        (9_000, 0, [4_500] * 6 + [1] * 20, None),  # older ones do not count
    ],
)
def test_what_waits(amount: int, taken: int, past: list[int], reason: Hold | None) -> None:
    assert why_to_hold(amount, Bounds(10_000, 25_000, 3), taken, past) is reason


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.lists(st.integers(1, 10**9), max_size=9))
def test_nothing_above_a_bound_is_ever_let_through(amount: int, cap: int, past: list[int]) -> None:
    if why_to_hold(amount, Bounds(cap, cap, 3), 0, past) is None:
        assert amount <= cap


@given(MOMENTS)
def test_months_are_the_citys(moment: datetime) -> None:
    begins, ends = month_of(moment)
    assert begins <= moment < ends
    assert (begins.day, ends.day, begins.utcoffset()) == (1, 1, timedelta(hours=8))
