"""The clock of a task: worked examples, a counter that walks minute by minute, three time zones."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.permits.service.clock import cut_segments, read_clock
from plugins.permits.service.holidays import make_calendar, office_hours, year_notices
from plugins.permits.values.bundles import Limit, Starts
from plugins.permits.values.calendar import OfficeHours
from plugins.permits.values.clock import HOLDERS, ClockState, Step
from plugins.permits.values.tasks import Lamp
from tests.plugins.permits.worked_examples import (
    TABLE,
    answers,
    beijing,
    limit_of,
    shown,
    steps_of,
)

CALENDAR = make_calendar(year_notices())
ROOT = Path(__file__).parents[3]
HOST_ZONES = ("UTC", "America/St_Johns", "Pacific/Kiritimati")
EIGHT_HOURS = timedelta(hours=8)
OPEN = ((540, 720), (780, 1020))
MINUTE = timedelta(minutes=1)
EARLIEST, LATEST = map(datetime.fromisoformat, ("2025-01-01", "2026-12-10"))

# What differs from the weekend, written down once more from the notices: rest and make-up days.
REST = {
    *("2025-01-01", "2025-01-28", "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-03"),
    *("2025-02-04", "2025-04-04", "2025-05-01", "2025-05-02", "2025-05-05", "2025-06-02"),
    *("2025-10-01", "2025-10-02", "2025-10-03", "2025-10-06", "2025-10-07", "2025-10-08"),
    *("2026-01-01", "2026-01-02", "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19"),
    *("2026-02-20", "2026-02-23", "2026-04-06", "2026-05-01", "2026-05-04", "2026-05-05"),
    *("2026-06-19", "2026-09-25", "2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06"),
    "2026-10-07",
}
MADE_UP = {
    *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11", "2026-01-04"),
    *("2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
}


def is_office_minute(moment: datetime) -> bool:
    """Say whether a full minute is worked, as a clerk would: look at the wall."""
    local = moment.astimezone(UTC) + EIGHT_HOURS
    day, minute = local.date().isoformat(), local.hour * 60 + local.minute
    works = day in MADE_UP or (local.weekday() < 5 and day not in REST)
    return works and any(begin <= minute < end for begin, end in OPEN)


def walk(begin: datetime, end: datetime) -> int:
    """Count the working minutes that begin in a stretch, one after the other."""
    minute = begin.replace(second=0, microsecond=0)
    count = 0
    while minute < end:
        count += minute >= begin and is_office_minute(minute)
        minute += MINUTE
    return count


moments = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC))


@pytest.mark.parametrize("row", TABLE["deadlines"], ids=lambda row: row["why"])
def test_a_deadline_is_what_was_worked_out_by_hand(row: dict[str, Any]) -> None:
    begins = beijing(row["begins"])
    due = CALENDAR.due(limit_of(row), begins)
    assert shown(due) == row["due"]
    reading = read_clock([Step(begins, "ready")], limit_of(row), CALENDAR, begins)
    assert (reading.due_at, reading.is_provisional) == (due, row.get("provisional", False))


@pytest.mark.parametrize("row", TABLE["clocks"], ids=lambda row: row["why"])
def test_a_clock_says_what_was_worked_out_by_hand(row: dict[str, Any]) -> None:
    reading = read_clock(steps_of(row), limit_of(row), CALENDAR, beijing(row["at"]))
    said = (
        reading.state,
        reading.consumed,
        shown(reading.warn_at),
        shown(reading.due_at),
        shown(reading.pause_due_at),
        reading.lamp,
        reading.is_overdue,
    )
    wanted = ("state", "consumed", "warn", "due", "pause_due", "lamp")
    assert said == (*(row.get(name) for name in wanted), row.get("overdue", False))
    assert reading.remaining == row["days"] * 420 - row["consumed"]


@pytest.mark.promise("P34")
def test_the_time_zone_of_a_host_changes_nothing(shows: Callable[[str], None]) -> None:
    here = json.loads(json.dumps(answers()))
    for row, said in zip(TABLE["deadlines"], here, strict=False):
        assert said == row["due"]
    differences = 0
    for zone in HOST_ZONES:
        run = subprocess.run(
            [sys.executable, "-m", "tests.plugins.permits.worked_examples"],
            cwd=ROOT,
            env={**os.environ, "TZ": zone},
            capture_output=True,
            check=True,
        )
        there = json.loads(run.stdout)
        assert len(there) == len(here)
        differences += sum(a != b for a, b in zip(there, here, strict=True))
    rows = len(TABLE["deadlines"]) + len(TABLE["clocks"])
    shows(
        f"{rows} worked examples and {len(here) - rows} more deadlines on hosts in "
        f"{', '.join(HOST_ZONES)}: {differences} differences"
    )
    assert differences == 0


@settings(max_examples=60)
@given(moments, st.integers(0, 14 * 24 * 60 * 60))
def test_counting_is_what_walking_minute_by_minute_comes_to(begin: datetime, length: int) -> None:
    end = begin + timedelta(seconds=length)
    assert CALENDAR.minutes_between(begin, end) == walk(begin, end)


@given(moments, st.integers(1, 9000))
def test_after_so_many_minutes_is_the_end_of_the_last_of_them(begin: datetime, count: int) -> None:
    due = CALENDAR.after(begin, count)
    assert CALENDAR.minutes_between(begin, due) == count
    assert is_office_minute(due - MINUTE)
    assert CALENDAR.minutes_between(begin, due - MINUTE) == count - 1


@given(moments, moments, moments)
def test_what_is_cut_sums_up(one: datetime, two: datetime, three: datetime) -> None:
    first, middle, last = sorted([one, two, three])
    parts = CALENDAR.minutes_between(first, middle) + CALENDAR.minutes_between(middle, last)
    assert parts == CALENDAR.minutes_between(first, last)


RUNNING = ("ready", "claimed", "in_review", "consulting", "proposed")
PAUSES = ("supplement_asked", "special_procedure")
limits = st.builds(Limit, st.integers(1, 12), st.sampled_from(Starts))


@st.composite
def lives(draw: st.DrawFn) -> list[Step]:
    """Draw what happens to a task: waiting, in hand, paused, perhaps decided."""
    at = draw(st.datetimes(EARLIEST, LATEST - timedelta(days=70), timezones=st.just(UTC)))
    statuses = draw(st.lists(st.sampled_from(RUNNING[1:] + PAUSES), max_size=5))
    statuses = [*draw(st.sampled_from(([], ["waiting"]))), "ready", *statuses]
    statuses += draw(st.sampled_from(([], ["approved"], ["refused"])))
    steps = []
    for status in statuses:
        pause = draw(limits) if status in PAUSES else None
        steps.append(Step(at, status, pause=pause))
        at += timedelta(seconds=draw(st.integers(1, 6 * 24 * 60 * 60)))
    return steps


@settings(max_examples=60)
@given(lives(), limits, st.integers(0, 5 * 24 * 60 * 60))
def test_consumed_is_what_a_clerk_counts_who_looks_at_the_file_each_minute(
    steps: list[Step], limit: Limit, later: int
) -> None:
    moment = steps[-1].at + timedelta(seconds=later)
    reading = read_clock(steps, limit, CALENDAR, moment)
    begun = next(step.at for step in steps if step.status == "ready")
    if limit.starts == Starts.NEXT_DAY:
        local = (begun + EIGHT_HOURS).date() + timedelta(days=1)
        begun = datetime(local.year, local.month, local.day, tzinfo=UTC) - EIGHT_HOURS
    counted = 0
    is_over = reading.state is ClockState.STOPPED
    minute = begun.replace(second=0, microsecond=0)
    end = steps[-1].at if is_over else moment - MINUTE + timedelta(microseconds=1)
    while minute < end:
        held = [step for step in steps if step.at <= minute]
        if minute >= begun and held and is_office_minute(minute):
            step = held[-1]
            is_overrun = (
                step.status == "special_procedure"
                and step.pause is not None
                and minute >= CALENDAR.due(step.pause, step.at)
            )
            counted += step.status in RUNNING or is_overrun
        minute += MINUTE
    assert reading.consumed == counted
    whole = limit.working_days * 420
    lamp = Lamp.RED if counted >= whole else Lamp.YELLOW if counted * 5 >= whole * 4 else Lamp.GREEN
    assert (reading.limit, reading.lamp) == (whole, lamp)


@given(lives(), limits, st.integers(0, 5 * 24 * 60 * 60))
def test_segments_follow_each_other_and_a_decided_task_reads_alike_for_ever(
    steps: list[Step], limit: Limit, later: int
) -> None:
    moment = steps[-1].at + timedelta(seconds=later)
    segments = cut_segments(steps, CALENDAR, moment)
    for one, next_one in pairwise(segments):
        assert one.ends == next_one.begins
    if steps[-1].status not in HOLDERS:
        at_once = read_clock(steps, limit, CALENDAR, steps[-1].at)
        assert at_once == read_clock(steps, limit, CALENDAR, moment + timedelta(days=900))


@given(lives(), limits)
def test_a_clock_that_runs_is_red_when_it_is_due_and_not_a_minute_before(
    steps: list[Step], limit: Limit
) -> None:
    reading = read_clock(steps, limit, CALENDAR, steps[-1].at)
    if reading.state is not ClockState.RUNNING or reading.remaining <= 0:
        return
    assert reading.due_at is not None
    assert read_clock(steps, limit, CALENDAR, reading.due_at).lamp is Lamp.RED
    assert read_clock(steps, limit, CALENDAR, reading.due_at).remaining == 0
    before = read_clock(steps, limit, CALENDAR, reading.due_at - timedelta(microseconds=1))
    assert (before.remaining, before.is_overdue) == (1, False)
    assert read_clock(steps, limit, CALENDAR, reading.due_at + MINUTE).is_overdue


@pytest.mark.parametrize("spans", [(), ((600, 540),), ((540, 720), (700, 800)), ((540, 1500),)])
def test_office_hours_that_are_none_are_refused(spans: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="office hours"):
        OfficeHours(spans)


def test_a_full_day_has_seven_office_hours() -> None:
    assert office_hours().spans == OPEN
    assert office_hours().minutes == 420


def test_a_limit_of_years_is_counted_by_years() -> None:
    ten_years = CALENDAR.due(Limit(2600, Starts.NEXT_DAY), beijing("2026-01-05 09:00:00"))
    days, day = 0, date(2026, 1, 5)
    while days < 2600:
        day += timedelta(days=1)
        text = day.isoformat()
        days += text in MADE_UP or (day.weekday() < 5 and text not in REST)
    assert shown(ten_years) == f"{day} 17:00"
