"""The offline program and the API come to the same, whatever happened; who holds what adds up."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.permits.schemas.clock import ApplicationClockSchema, ClockExportSchema
from plugins.permits.service.attribution import Course
from plugins.permits.service.holidays import make_calendar, year_notices
from plugins.permits.service.readings import export_course, show_course
from plugins.permits.values.attribution import ExportedEvent
from plugins.permits.values.bundles import Limit, Starts
from plugins.permits.values.calendar import Calendar, CalendarEntry, down_to_minute, up_to_minute
from plugins.permits.values.clock import INTAKE, Step, TaskHistory
from tests.plugins.permits.worked_examples import beijing, shown
from tools import approval_clock

APPLICATION = UUID(int=7)
HISTORIES = 150
EARLIEST, LATEST = map(datetime.fromisoformat, ("2026-01-04", "2026-11-01"))
NOTICES = year_notices()
ENTRIES = [
    CalendarEntry(number, entry.day, entry.is_working, entry.title, entry.source, notice.year)
    for number, (notice, entry) in enumerate(
        ((notice, entry) for notice in NOTICES for entry in notice.days), start=1
    )
]


def _storm(version: int, day: date, *, works: bool) -> CalendarEntry:
    return CalendarEntry(version, day, works, "台风停工", "desk", None)


# What the desk set later: a day of storm, and a Saturday that made up for it.
STORM = [
    _storm(900, date(2026, 7, 15), works=False),
    _storm(901, date(2026, 7, 18), works=True),
]


def calendar_of(entries: list[CalendarEntry]) -> Calendar:
    plain = make_calendar(NOTICES)
    days = {entry.day: entry for entry in entries}
    return Calendar(plain.hours, days, plain.years, entries[-1].version)


BEFORE, TODAY = calendar_of(ENTRIES), calendar_of(ENTRIES + STORM)
ENDS = ("approved", "approved_with_conditions", "refused", "deemed_approved", "withdrawn")
WORK = ("claimed", "in_review", "consulting", "proposed", "supplement_asked", "special_procedure")
PAUSES = ("supplement_asked", "supplement_required", "special_procedure")
limits = st.builds(Limit, st.integers(1, 8), st.sampled_from(Starts))
gaps = st.one_of(
    st.integers(0, 3600), st.integers(0, 5 * 86_400), st.sampled_from((60, 86_400, 7 * 86_400))
).map(lambda seconds: timedelta(seconds=seconds))
fractions = st.sampled_from((0, 1, 500, 999_999)).map(lambda n: timedelta(microseconds=n))


@st.composite
def courses(draw: st.DrawFn) -> Course:
    """Draw an application: an intake, tasks that wait for each other, how far they have come."""
    begin = draw(st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)))
    intake = _life(draw, begin, ["submitted"], ("supplement_required", "submitted"))
    histories = [TaskHistory(INTAKE, "hall", draw(limits), (), (), intake, silence=draw(limits))]
    names: list[str] = []
    for number in range(draw(st.integers(0, 5)) if intake[-1].status in ENDS else 0):
        after = draw(st.lists(st.sampled_from(names), unique=True, max_size=2)) if names else []
        others = [name for name in names if name not in after]
        some = draw(st.lists(st.sampled_from(others), unique=True, max_size=2)) if others else []
        ends = {h.task: h.ended_at for h in histories}
        all_ends = [ends[name] for name in after]
        some_ends = [end for name in some if (end := ends[name]) is not None]
        opened = ends[INTAKE]
        assert opened is not None
        if None in all_ends or (some and not some_ends):
            steps: tuple[Step, ...] = (Step(opened, "waiting"),)
        else:
            ready = max([opened, *[e for e in all_ends if e], *([min(some_ends)] if some else [])])
            steps = (Step(opened, "waiting"), *_life(draw, ready, ["ready"], WORK))
        name = f"task-{number}"
        names.append(name)
        histories.append(
            TaskHistory(
                name, f"bureau-{number % 3}", draw(limits), tuple(after), tuple(some), steps
            )
        )
    last = max(step.at for history in histories for step in history.steps)
    moment = last + draw(gaps) + draw(fractions)
    histories = [
        TaskHistory(
            *(h.task, h.department, h.limit, h.after, h.after_any, h.steps),
            calendar_version=BEFORE.version if h.ended_at and draw(st.booleans()) else None,
            silence=h.silence,
        )
        for h in histories
    ]
    return Course(histories, TODAY, moment, {BEFORE.version: BEFORE, TODAY.version: TODAY})


def _life(
    draw: st.DrawFn, at: datetime, first: list[str], work: tuple[str, ...]
) -> tuple[Step, ...]:
    statuses = first + draw(st.lists(st.sampled_from(work), max_size=4))
    statuses += draw(st.sampled_from(([], [ENDS[0]], [ENDS[0]], list(ENDS[2:3]), list(ENDS[4:]))))
    steps: list[Step] = []
    for status in statuses:
        if steps and steps[-1].status == status:
            continue
        steps.append(Step(at, status, pause=draw(limits) if status in PAUSES else None))
        at += draw(gaps) + draw(fractions)
    return tuple(steps)


def exported(course: Course) -> dict[str, Any]:
    """Return the body of the export, after its way over the wire."""
    events = {}
    for history in course.histories.values():
        previous: list[str | None] = [None, *(step.status for step in history.steps)]
        events[history.task] = [
            ExportedEvent(step.at.isoformat(), before, step.status, step.cause, step.pause)
            for before, step in zip(previous, history.steps, strict=False)
        ]
    made = export_course(APPLICATION, ("bundle", 1), course, ENTRIES + STORM, events)
    body: dict[str, Any] = json.loads(json.dumps(ClockExportSchema().dump(made)))
    return body


def answered(course: Course) -> dict[str, Any]:
    """Return what the API says, as far as the program recomputes it."""
    body = ApplicationClockSchema().dump(show_course(APPLICATION, course, None))
    return {
        "tasks": [
            {name: _plain(value) for name, value in task.items() if name != "is_provisional"}
            for task in body["tasks"]
        ],
        "critical_path": [
            {name: _plain(value) for name, value in part.items()} for part in body["critical_path"]
        ],
    }


def _plain(value: object) -> object:
    """Return a moment without its milliseconds: clocks know full minutes only."""
    return value.replace(".000Z", "Z") if isinstance(value, str) else value


@pytest.mark.promise("P34")
def test_an_offline_program_recomputes_every_clock(shows: Callable[[str], None]) -> None:
    seen = {"histories": 0, "tasks": 0, "differences": 0}

    @settings(max_examples=HISTORIES, suppress_health_check=list(HealthCheck), database=None)
    @given(courses())
    def compare(course: Course) -> None:
        ours, theirs = answered(course), approval_clock.recompute(exported(course))
        seen["histories"] += 1
        seen["tasks"] += len(course.histories)
        seen["differences"] += ours != theirs
        assert ours == theirs

    compare()
    assert seen["histories"] >= HISTORIES
    shows(
        f"approval clock: {seen['histories']} random histories, {seen['tasks']} tasks recomputed "
        f"offline: {seen['differences']} differences"
    )


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(courses())
def test_each_working_minute_has_one_owner(course: Course) -> None:
    for task, history in course.histories.items():
        begins = up_to_minute(history.steps[0].at)
        ended = history.ended_at
        until = down_to_minute(course.moment) if ended is None else up_to_minute(ended)
        whole = course.calendar_of(task).minutes_between(begins, until)
        assert sum(held.minutes for held in course.held(task)) == whole
    path = course.path()
    assert path[0].task == INTAKE
    for one, following in pairwise(path):
        assert one.ends == following.begins
    assert path[-1].ends == max(course.expected_end(task) for task in course.histories)


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(courses(), st.integers(0, 30 * 86_400))
def test_a_plan_leaves_those_who_come_after_their_share(course: Course, seconds: int) -> None:
    finish_by = course.moment + timedelta(seconds=seconds)
    plan = course.plan(finish_by)
    planned = {task.task: task for task in plan.tasks}
    now = down_to_minute(course.moment)
    assert set(planned) == {t for t, h in course.histories.items() if h.ended_at is None}
    for task in planned.values():
        assert now <= task.finish_by <= max(now, finish_by)
        before = [p for p in course.histories[task.task].after if p in planned]
        starts = max((planned[p].finish_by for p in before), default=now)
        room = TODAY.minutes_between(starts, task.finish_by)
        if plan.keeps_limits:
            assert room >= task.minutes
        else:
            assert room >= task.minutes * plan.window // plan.longest - 1


def history(
    task: str, department: str, days: int, *steps: tuple[str, str], after: Sequence[str] = ()
) -> TaskHistory:
    said = tuple(Step(beijing(f"2026-03-{at}"), status) for at, status in steps)
    return TaskHistory(task, department, Limit(days, Starts.NEXT_DAY), tuple(after), (), said)


def the_course(moment: str) -> Course:
    """An intake of a day, two tasks side by side, and one that waits for both."""
    return Course(
        [
            history(INTAKE, "hall", 1, ("02 09:00", "submitted"), ("02 11:00", "accepted")),
            history(
                *("plan", "planning", 3),
                *(("02 11:00", "ready"), ("03 12:00", "approved")),
            ),
            history("fire", "fire-brigade", 5, ("02 11:00", "ready")),
            history("build", "housing", 4, ("02 11:00", "waiting"), after=("plan", "fire")),
        ],
        TODAY,
        beijing(moment),
    )


def test_who_holds_the_file_and_what_decides_its_end() -> None:
    course = the_course("2026-03-04 10:00")
    clock = show_course(APPLICATION, course, beijing("2026-03-06 17:00"))
    # Intake 120; fire since 11:00 on Monday: 60 + 240, 420, and 60 on Wednesday.
    assert [(h.department, h.minutes) for h in clock.held] == [("hall", 120), ("fire-brigade", 780)]
    assert [part.task for part in clock.critical_path] == [INTAKE, "fire", "build"]
    # Five days from Tuesday are over on Monday 9; four more from Tuesday 10 on Friday 13.
    assert shown(clock.critical_path[1].ends) == "2026-03-09 17:00"
    assert shown(clock.ends_at) == "2026-03-13 17:00"
    held = {task.task: [(h.holder, h.minutes) for h in task.held] for task in clock.tasks}
    assert held["build"] == [("nobody", 780)]
    assert held["plan"] == [("department", 480)]


def test_what_if_everything_is_to_be_decided_by_friday() -> None:
    plan = the_course("2026-03-04 10:00").plan(beijing("2026-03-06 17:00"))
    # 360 + 840 minutes are left; fire has 2100 - 480 and build 1680 by their limits.
    assert (plan.window, plan.longest, plan.keeps_limits) == (1200, 3300, False)
    by = {task.task: (task.minutes, shown(task.finish_by)) for task in plan.tasks}
    # Build gets 610 of 1200 (1680 of 3300), so that fire has 590: 360, and 230 of Thursday.
    assert by == {"fire": (1620, "2026-03-05 13:50"), "build": (1680, "2026-03-06 17:00")}
    relaxed = the_course("2026-03-04 10:00").plan(beijing("2026-03-31 17:00"))
    assert relaxed.keeps_limits
    assert {t.task: shown(t.finish_by) for t in relaxed.tasks} == {
        "fire": "2026-03-25 17:00",
        "build": "2026-03-31 17:00",
    }


def test_the_program_prints_a_table(tmp_path: Path) -> None:
    export = exported(the_course("2026-03-04 10:00"))
    file = tmp_path / "application.json"
    file.write_text(json.dumps(export), encoding="utf-8")
    program = [sys.executable, "-I", str(Path(approval_clock.__file__)), str(file)]
    run = subprocess.run(program, capture_output=True, text=True, check=True)  # noqa: S603
    lines = run.stdout.splitlines()
    assert lines[0].split()[:6] == ["task", "department", "state", "limit", "used", "left"]
    (fire,) = [line for line in lines if line.startswith("fire ")]
    assert fire.split() == [
        *("fire", "fire-brigade", "running", "2100", "480", "1620", "2026-03-09", "17:00", "green")
    ]
    assert lines[-1] == "critical path: intake -> fire -> build"
    late = subprocess.run(  # noqa: S603
        [*program, "--at", "2026-03-20T10:00:00+08:00", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(late.stdout)["tasks"][2]
    # 13 full days since Tuesday 3, and an hour.
    assert (said["lamp"], said["is_overdue"], said["remaining"]) == ("red", True, 2100 - 5520)


def test_a_forged_export_is_noticed() -> None:
    """A program that only repeated what it is told would say nothing here."""
    course = the_course("2026-03-04 10:00")
    export = exported(course)
    export["tasks"][2]["events"][0]["at"] = "2026-03-03T03:00:00+00:00"
    assert approval_clock.recompute(export) != answered(course)
