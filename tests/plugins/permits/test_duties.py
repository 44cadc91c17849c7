"""What time brings to a task: once, in order, and never sooner because a scheduler was away."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.permits.service.clock import LAST_WARNING, STANDS, next_duty, read_clock, share_of
from plugins.permits.service.holidays import make_calendar, year_notices
from plugins.permits.values.bundles import Limit, Starts
from plugins.permits.values.clock import Alarm, Duty, Step
from plugins.permits.values.tasks import Lamp
from tests.plugins.permits.worked_examples import beijing, shown

CALENDAR = make_calendar(year_notices())
TURNS = {Duty.TURN_YELLOW: Lamp.YELLOW, Duty.TURN_RED: Lamp.RED}
RAISES = {
    Duty.TURN_YELLOW: Alarm.WARNING,
    Duty.WARN_AGAIN: Alarm.LAST_WARNING,
    Duty.TURN_RED: Alarm.OVERDUE,
}
EARLIEST, LATEST = map(datetime.fromisoformat, ("2025-01-01", "2026-10-01"))
UP_TO = timedelta(days=400)

Act = tuple[datetime, Duty]


def attend(
    steps: list[Step], limit: Limit, visits: Iterable[datetime], *, is_deemed: bool = True
) -> list[Act]:
    """Return what a scheduler does at its visits to a task whose officers do nothing more."""
    lamp, raised, done = Lamp.GREEN, dict[Alarm, datetime](), list[Act]()
    for moment in visits:
        while True:
            due = next_duty(
                *(steps, limit, CALENDAR, moment), lamp=lamp, given=raised, is_deemed=is_deemed
            )
            if due is None or due.at > moment:
                break
            done.append((moment, due.duty))
            lamp = TURNS.get(due.duty, lamp)
            if due.duty in RAISES:
                raised.setdefault(RAISES[due.duty], moment)
            if due.duty in (Duty.DEEM, Duty.END_PAUSE, Duty.LAPSE):
                return done
    return done


def visits_of(begin: datetime, away: tuple[timedelta, timedelta], days: int) -> list[datetime]:
    """Return a visit every twenty minutes, but none while the scheduler is away."""
    visits, moment = [], begin
    while moment < begin + timedelta(days=days):
        if not away[0] <= moment - begin < away[1]:
            visits.append(moment)
        moment += timedelta(minutes=20)
    return visits


def consumed(steps: list[Step], limit: Limit, moment: datetime) -> int:
    return read_clock(steps, limit, CALENDAR, moment).consumed


def test_a_scheduler_that_is_there_decides_when_the_limit_is_over() -> None:
    steps = [Step(beijing("2026-03-02 09:00:00"), "ready")]
    never = (timedelta(0), timedelta(0))
    done = attend(steps, Limit(5, Starts.NEXT_DAY), visits_of(steps[0].at, never, 12))
    # 2100 minutes from Tuesday on: 1680 on Friday evening, 1890 on Monday at noon and a half hour.
    assert [(shown(moment), duty) for moment, duty in done] == [
        ("2026-03-06 17:00", Duty.TURN_YELLOW),
        ("2026-03-09 13:40", Duty.WARN_AGAIN),
        ("2026-03-09 17:00", Duty.TURN_RED),
        ("2026-03-10 09:20", Duty.DEEM),
    ]


@pytest.mark.promise("P34")
def test_a_scheduler_that_was_down_for_two_days_has_one_lawful_outcome(
    shows: Callable[[str], None],
) -> None:
    limit = Limit(5, Starts.NEXT_DAY)
    steps = [Step(beijing("2026-03-02 09:00:00"), "ready")]
    whole = CALENDAR.limit_minutes(limit)
    tenth, outcomes = share_of(whole, STANDS), set()
    for hour in range(24 * 12):
        away = (timedelta(hours=hour), timedelta(hours=hour + 48))
        done = attend(steps, limit, visits_of(steps[0].at, away, 21))
        outcomes.add(tuple(duty for _, duty in done if duty is not Duty.TURN_RED))
        at = {duty: consumed(steps, limit, moment) for moment, duty in done}
        assert len(at) == len(done) == 4
        assert at[Duty.WARN_AGAIN] >= max(
            share_of(whole, LAST_WARNING), at[Duty.TURN_YELLOW] + tenth
        )
        assert at[Duty.DEEM] >= max(whole, at[Duty.WARN_AGAIN] + tenth)
        order = [duty for _, duty in done]
        assert order.index(Duty.TURN_YELLOW) < order.index(Duty.TURN_RED) < order.index(Duty.DEEM)
    shows(
        f"scheduler down for two days from each of {24 * 12} hours: {len(outcomes)} outcome, "
        "both warnings stood a tenth of the limit before silence decided"
    )
    assert outcomes == {(Duty.TURN_YELLOW, Duty.WARN_AGAIN, Duty.DEEM)}


@settings(max_examples=40)
@given(
    st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)),
    st.builds(Limit, st.integers(1, 12), st.sampled_from(Starts)),
    st.lists(st.integers(60, 9 * 86_400), min_size=1, max_size=30),
)
def test_each_lamp_and_each_warning_comes_once_and_in_order(
    begin: datetime, limit: Limit, pauses: list[int]
) -> None:
    steps = [Step(begin, "ready")]
    moment, visits = begin, []
    while moment < begin + UP_TO:
        moment += timedelta(seconds=pauses[len(visits) % len(pauses)])
        visits.append(moment)
    done = attend(steps, limit, visits)
    duties = [duty for _, duty in done]
    assert sorted(duties) == sorted(set(duties))
    assert duties[-1] is Duty.DEEM
    at = {duty: when for when, duty in done}
    tenth = share_of(CALENDAR.limit_minutes(limit), STANDS)
    spent = {duty: consumed(steps, limit, when) for duty, when in at.items()}
    assert at[Duty.TURN_YELLOW] <= at[Duty.TURN_RED]
    assert spent[Duty.WARN_AGAIN] - spent[Duty.TURN_YELLOW] >= tenth
    assert spent[Duty.DEEM] - spent[Duty.WARN_AGAIN] >= tenth
    assert spent[Duty.DEEM] >= CALENDAR.limit_minutes(limit)


def test_where_silence_says_nothing_a_task_stays_red() -> None:
    steps = [Step(beijing("2026-03-02 09:00:00"), "ready")]
    visits = visits_of(steps[0].at, (timedelta(0), timedelta(0)), 40)
    done = attend(steps, Limit(5, Starts.NEXT_DAY), visits, is_deemed=False)
    assert [duty for _, duty in done] == [Duty.TURN_YELLOW, Duty.TURN_RED]


@pytest.mark.parametrize(
    ("status", "duty"),
    [("supplement_asked", Duty.LAPSE), ("special_procedure", Duty.END_PAUSE)],
)
def test_a_pause_has_its_own_end_and_nothing_is_decided_meanwhile(status: str, duty: Duty) -> None:
    limit, pause = Limit(1, Starts.AT_ONCE), Limit(3, Starts.NEXT_DAY)
    steps = [
        Step(beijing("2026-03-02 09:00:00"), "ready"),
        Step(beijing("2026-03-02 11:00:00"), status, pause=pause),
    ]
    visits = visits_of(steps[0].at, (timedelta(0), timedelta(0)), 30)
    done = attend(steps, limit, visits)
    assert [(shown(moment), what) for moment, what in done] == [("2026-03-05 17:00", duty)]


@pytest.mark.parametrize("status", ["approved", "withdrawn"])
def test_what_is_over_or_has_not_begun_brings_nothing(status: str) -> None:
    later = beijing("2026-06-01 09:00:00")
    limit = Limit(1, Starts.AT_ONCE)
    over = [
        Step(beijing("2026-03-02 09:00:00"), "ready"),
        Step(beijing("2026-03-02 10:00:00"), status),
    ]
    waiting = [Step(beijing("2026-03-02 09:00:00"), "waiting")]
    for steps in (over, waiting):
        assert attend(steps, limit, [later]) == []
