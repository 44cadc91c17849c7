"""Clocks in the database: wound with each move, attended to once, and never moved when decided."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.factory import Rooms
from app.sdk import PageRequest
from plugins.permits import service
from plugins.permits.errors import BundleNotFound, SupplementLapsed
from plugins.permits.models import CalendarDay, Clock, Procedure
from plugins.permits.service.calendar import current_calendar, load_notices
from plugins.permits.service.holidays import make_calendar, year_notices
from plugins.permits.values.bundles import Procedure as Kind
from plugins.permits.values.clock import HOLDERS
from plugins.permits.values.tasks import FINAL, TaskStatus
from tests.plugins.permits.clockwork import SERVICES, File, Office, at
from tests.plugins.permits.worked_examples import shown

SILENT = "traffic-opinion"
"""Its department's silence means yes, after a limit of one day that begins at once."""
PLAN = "works-planning"


@pytest.fixture
def office(rooms: Rooms) -> Office:
    made = Office(rooms)
    made.forget_others()
    for department in ("natural-resources-bureau", "traffic-police", "government-services-office"):
        made.caller(department)
    return made


def opened(office: Office, moment: str) -> File:
    """Return an application that was handed in and accepted at a moment."""
    with at(moment):
        file = office.submit()
        office.caller(file.application().lead)
        return file.accept()


def test_the_states_that_a_clock_knows_are_those_of_tasks_and_of_an_intake() -> None:
    assert set(HOLDERS) - {"submitted", "supplement_required"} == set(TaskStatus) - FINAL


def test_the_table_holds_the_notices(office: Office) -> None:
    load_notices(office.house)
    with office.house.unit_of_work() as uow:
        calendar = current_calendar(uow)
        years = set(uow.scalars(select(CalendarDay.notice_year)))
        by_hand = set(uow.scalars(select(CalendarDay.day).where(CalendarDay.set_by.is_not(None))))
    plain = make_calendar(year_notices())
    assert {2024, 2025, 2026} <= years
    first = date(2024, 1, 1)
    days = [day for n in range(3 * 365) if (day := first + timedelta(days=n)) not in by_hand]
    assert [d for d in days if calendar.is_working(d)] == [d for d in days if plain.is_working(d)]


def test_an_intake_and_the_tasks_have_clocks_as_soon_as_somebody_has_them(office: Office) -> None:
    with at("2026-03-03 09:59:10"):
        file = office.submit()
    assert shown(file.clock(None).due_at) == "2026-03-04 10:00"
    assert file.application().due_at == file.clock(None).due_at
    with at("2026-03-03 10:59:10"):
        office.caller(file.application().lead)
        file.accept()
    assert file.clock(None).stopped_at is not None
    task = file.task(PLAN)
    assert (shown(task.due_at), shown(task.warn_at), task.lamp) == (
        *("2026-03-04 11:00", "2026-03-04 09:36", "green"),
    )
    waiting = file.task("construction-permit")
    assert (waiting.status, waiting.due_at) == ("waiting", None)
    with file.unit() as uow:
        assert uow.get(Clock, waiting.id) is None


def test_lamps_and_alarms_come_once_and_in_order_and_silence_decides_last(office: Office) -> None:
    file = opened(office, "2026-03-03 09:59:10")
    for moment in ("03 16:35:05", "03 16:36:00", "03 16:36:00", "04 09:17:05", "04 09:18:00"):
        with at(f"2026-03-{moment}"):
            office.attend()
    assert file.task(SILENT).status == "ready"
    with at("2026-03-04 09:59:05"):
        office.attend()
    assert file.task(SILENT).status == "ready"
    with at("2026-03-04 10:00:00"):
        office.attend()
        office.attend()
    assert file.lamps(SILENT) == [
        ("2026-03-03 09:59", None, "green begun"),
        ("2026-03-03 16:36", "green", "yellow time"),
        ("2026-03-04 10:00", "yellow", "red time"),
    ]
    assert [alarm for alarm in file.alarms() if alarm[0] == SILENT] == [
        (SILENT, "warning", "2026-03-03 16:36"),
        (SILENT, "last_warning", "2026-03-04 09:18"),
        (SILENT, "overdue", "2026-03-04 10:00"),
    ]
    assert file.task(SILENT).status == "deemed_approved"
    assert file.task("road-works").status == "ready"
    # Where silence says nothing, the task stays open, red and overdue.
    assert (file.task(PLAN).status, file.task(PLAN).lamp) == ("ready", "red")
    assert [alarm[1] for alarm in file.alarms() if alarm[0] == PLAN] == ["warning", "overdue"]


@pytest.mark.promise("P34")
def test_a_worker_that_was_down_for_two_days_decides_only_after_its_warnings_stood(
    office: Office, shows: Callable[[str], None]
) -> None:
    file = opened(office, "2026-03-03 09:59:10")
    seen = []
    for moment in ("05 16:30:00", "05 16:59:00", "06 09:11:05", "06 09:12:00", "06 09:53:05"):
        with at(f"2026-03-{moment}"):
            office.attend()
            seen.append((moment, file.task(SILENT).status, len(file.alarms_of(SILENT))))
    assert seen == [
        ("05 16:30:00", "ready", 2),
        ("05 16:59:00", "ready", 2),
        ("06 09:11:05", "ready", 2),
        ("06 09:12:00", "ready", 3),
        ("06 09:53:05", "ready", 3),
    ]
    with at("2026-03-06 09:54:00"):
        office.attend()
    assert file.task(SILENT).status == "deemed_approved"
    assert [what for _, _, what in file.lamps(SILENT)] == ["green begun", "yellow time", "red time"]
    assert file.alarms_of(SILENT) == [
        (SILENT, "warning", "2026-03-05 16:30"),
        (SILENT, "overdue", "2026-03-05 16:30"),
        (SILENT, "last_warning", "2026-03-06 09:12"),
    ]
    shows("worker down for two days: warned at 16:30, once more at 9:12, silence decided at 9:54")


def test_a_department_that_decides_before_silence_does_is_heard(office: Office) -> None:
    file = opened(office, "2026-03-03 09:59:10")
    with at("2026-03-05 16:30:00"):
        office.attend()
        file.take(SILENT)
        file.approve(SILENT)
    with at("2026-03-09 16:30:00"):
        office.attend()
    assert file.task(SILENT).status == "approved"
    assert file.clock(SILENT).next_at is None
    assert [alarm[1] for alarm in file.alarms_of(SILENT)] == ["warning", "overdue"]


def test_what_is_late_is_red_though_no_worker_came_by(office: Office) -> None:
    file = opened(office, "2026-03-03 09:59:10")
    with at("2026-03-05 16:30:00"):
        file.take(PLAN)
        file.approve(PLAN)
    assert [what for _, _, what in file.lamps(PLAN)] == ["green begun", "yellow time", "red time"]
    assert file.alarms_of(PLAN) == [(PLAN, "overdue", "2026-03-05 16:30")]
    assert file.task(PLAN).lamp == "red"


def test_two_workers_do_everything_once(office: Office) -> None:
    files = [opened(office, "2026-03-03 09:59:10") for _ in range(4)]
    with at("2026-03-05 16:30:00"), ThreadPoolExecutor(3) as workers:
        for _ in range(3):
            for done in [workers.submit(office.attend) for _ in range(3)]:
                done.result()
    for file in files:
        for template in (SILENT, PLAN):
            lamps = [what for _, _, what in file.lamps(template)]
            assert lamps == ["green begun", "yellow time", "red time"]
            assert [alarm[1] for alarm in file.alarms_of(template)] == ["warning", "overdue"]


def test_a_supplement_stops_the_clock_and_lapses_after_its_own_time(office: Office) -> None:
    file = opened(office, "2026-03-03 09:59:10")
    with at("2026-03-03 10:59:10"):
        file.take(PLAN)
        file.ask(PLAN)
    clock = file.clock(PLAN)
    assert shown(clock.next_at) == "2026-03-24 17:00"
    with at("2026-03-24 16:59:00"):
        office.attend()
        assert file.task(PLAN).status == "supplement_asked"
        assert file.task(PLAN).lamp == "green"
    with at("2026-03-24 17:00:00"), pytest.raises(SupplementLapsed):
        file.answer()
    assert file.application().status == "in_progress"
    with at("2026-03-26 09:00:00"):
        office.attend()
    assert file.application().status == "lapsed"
    assert file.task(PLAN).status == "withdrawn"
    assert file.clock(PLAN).stopped_at is not None


def test_an_answer_in_time_lets_the_clock_run_on_from_where_it_was(office: Office) -> None:
    file = opened(office, "2026-03-03 09:59:10")
    with at("2026-03-03 10:59:10"):
        file.take(PLAN)
        file.ask(PLAN)
    with at("2026-03-24 16:58:05"):
        file.answer()
    (asked,) = file.read(PLAN).supplements
    assert shown(asked.due_at) == "2026-03-24 17:00"
    # 60 minutes were used and the last one of this day; 359 are left for the next.
    assert shown(file.task(PLAN).due_at) == "2026-03-25 15:59"


def test_an_intake_that_is_not_answered_lapses(office: Office) -> None:
    with at("2026-03-03 09:59:10"):
        file = office.submit()
        office.caller(file.application().lead)
        file.ask_at_intake()
    assert shown(file.clock(None).next_at) == "2026-03-24 17:00"
    with file.unit() as uow:
        seen = service.find_application(
            office.house, uow, file.citizen.reference, file.id, SERVICES
        )
    assert [shown(asked.due_at) for asked in seen.supplements] == ["2026-03-24 17:00"]
    with at("2026-03-24 17:00:00"):
        office.attend()
    assert file.application().status == "lapsed"
    assert file.clock(None).stopped_at is not None


def test_a_procedure_that_outlasts_its_limit_is_the_departments_again(office: Office) -> None:
    file = opened(office, "2026-03-03 09:59:10")
    with at("2026-03-03 10:59:10"):
        file.take(PLAN)
        file.begin_procedure(PLAN, Kind.PUBLICITY)
    assert shown(file.clock(PLAN).next_at) == "2026-03-12 17:00"
    (under_way,) = file.read(PLAN).procedures
    assert shown(under_way.due_at) == "2026-03-12 17:00"
    # A day late, and all the same the minutes since Friday's opening are the department's.
    with at("2026-03-13 12:00:00"):
        office.attend()
    task = file.task(PLAN)
    assert (task.status, shown(task.due_at)) == ("in_review", "2026-03-13 16:00")
    with file.unit() as uow:
        held = uow.scalars(select(Procedure).where(Procedure.task_id == task.id)).one()
        assert held.ended_at is not None


def test_a_question_to_another_department_says_until_when(office: Office) -> None:
    file = opened(office, "2026-04-02 09:59:10")
    with at("2026-04-02 10:59:10"):
        file.take(PLAN)
        file.consult(PLAN, "traffic-police", 3)
    # The next day is Friday, Tomb Sweeping Day goes to Monday, and the third one is Wednesday.
    (asked,) = file.read(PLAN).consultations
    assert (shown(asked.asked_at), shown(asked.due_at)) == ("2026-04-02 10:59", "2026-04-08 17:00")
    with file.unit() as uow:
        asked_police = service.list_consultations(
            office.house, uow, office.caller("traffic-police"), PageRequest(limit=100)
        )
    assert asked in asked_police.items


@pytest.mark.promise("P34")
def test_a_change_of_the_calendar_moves_what_runs_and_never_what_is_decided(
    office: Office, shows: Callable[[str], None]
) -> None:
    decided, runs = (opened(office, "2025-06-10 09:59:10") for _ in range(2))
    with at("2025-06-10 11:00:00"):
        decided.take(PLAN)
        decided.approve(PLAN)
    before, lamps = decided.clock(PLAN), decided.lamps(PLAN)
    running = due_dates(office, decided, runs)
    assert shown(runs.task(PLAN).due_at) == "2025-06-11 10:00"
    with at("2025-06-10 12:00:00"), office.rooms.units.open(actor="test") as uow:
        uow.add(line(office, date(2025, 6, 11), works=False))
    with at("2025-06-10 12:01:00"):
        office.attend()
        office.attend()
    assert shown(runs.task(PLAN).due_at) == "2025-06-12 10:00"
    assert runs.lamps(PLAN) == [
        ("2025-06-10 09:59", None, "green begun"),
        ("2025-06-10 12:01", "green", "green calendar-changed"),
    ]
    after = decided.clock(PLAN)
    changed = (
        *(after.due_at != before.due_at, after.calendar_version != before.calendar_version),
        decided.lamps(PLAN) != lamps,
    )
    now_due = due_dates(office, decided, runs)
    moved = [clock for clock in running if now_due[clock] != running[clock]]
    shows(
        f"a day off set: {len(moved)} running dates moved, {sum(changed)} changes of a decided task"
    )
    assert len(moved) == len(running) > 1
    assert not any(changed)
    assert decided.task(PLAN).due_at == before.due_at


def test_a_day_off_moves_until_when_something_is_paused(office: Office) -> None:
    file = opened(office, "2025-07-01 09:59:10")
    with at("2025-07-01 10:59:10"):
        file.take(PLAN)
        file.begin_procedure(PLAN, Kind.PUBLICITY)
        assert shown(file.read(PLAN).procedures[0].due_at) == "2025-07-10 17:00"
        with office.rooms.units.open(actor="test") as uow:
            uow.add(line(office, date(2025, 7, 9), works=False))
        office.attend()
        assert shown(file.read(PLAN).procedures[0].due_at) == "2025-07-11 17:00"


def test_a_day_off_moves_until_when_others_are_asked(office: Office) -> None:
    file = opened(office, "2025-08-05 09:59:10")
    with at("2025-08-05 10:59:10"):
        file.take(PLAN)
        file.consult(PLAN, "traffic-police", 3)
        assert shown(file.read(PLAN).consultations[0].due_at) == "2025-08-08 17:00"
        with office.rooms.units.open(actor="test") as uow:
            uow.add(line(office, date(2025, 8, 7), works=False))
        office.attend()
        assert shown(file.read(PLAN).consultations[0].due_at) == "2025-08-11 17:00"
    with at("2025-08-08 17:00:00"):
        office.attend()
        assert file.task(PLAN).status == "consulting"


def test_a_day_off_moves_when_silence_accepts(office: Office) -> None:
    with at("2025-08-19 09:59:10"):
        file = office.submit()
        office.caller(file.application().lead)
        with office.rooms.units.open(actor="test") as uow:
            uow.add(line(office, date(2025, 8, 25), works=False))
    # The fifth day would be Tuesday.
    with at("2025-08-26 17:00:00"):
        office.attend()
        assert file.application().status == "submitted"
    with at("2025-08-27 17:00:00"):
        office.attend()
    assert file.application().reason == "not-told-in-time"


def test_a_lamp_goes_back_when_a_day_off_gives_time(office: Office) -> None:
    file = opened(office, "2025-06-17 09:59:10")
    with at("2025-06-18 09:30:00"):
        office.attend()
        assert file.task(PLAN).lamp == "yellow"
        with office.rooms.units.open(actor="test") as uow:
            uow.add(line(office, date(2025, 6, 17), works=False))
        office.attend()
        assert file.task(PLAN).lamp == "green"
    with at("2025-06-18 15:36:00"):
        office.attend()
    assert [what for _, _, what in file.lamps(PLAN)] == [
        *("green begun", "yellow time", "green calendar-changed", "yellow time"),
    ]
    assert [alarm[1] for alarm in file.alarms_of(PLAN)] == ["warning"]


def due_dates(office: Office, *files: File) -> dict[UUID, datetime | None]:
    """Return until when each task of some applications is due whose clock has not stopped."""
    with office.house.unit_of_work() as uow:
        clocks = uow.scalars(
            select(Clock).where(
                Clock.application_id.in_([file.id for file in files]), Clock.stopped_at.is_(None)
            )
        )
        return {clock.id: clock.due_at for clock in clocks}


def line(office: Office, day: date, *, works: bool) -> CalendarDay:
    """Return a line of the calendar as the desk writes it."""
    officer = office.caller("government-services-office")
    return CalendarDay(
        day=day, is_working=works, title="调整", source="台风", set_by=officer.staff_id
    )


def run(office: Office, statement: str, clock: Clock) -> None:
    """Run SQL beside the code, as the service's own role."""
    with office.rooms.units.open(actor="test") as uow:
        uow.execute(text("set local search_path = plugin_permits"))
        uow.execute(text(statement), {"clock": clock.id})


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("update clocks set status = 'red', version = version + 1 where id = :clock", "cannot go"),
        ("update clocks set stopped_at = now() where id = :clock", "ck_clocks_stopped"),
        ("update clocks set task_id = null where id = :clock", "ck_clocks_application_id"),
        ("update calendar_days set is_working = true", "permission denied"),
        ("delete from calendar_days", "permission denied"),
        (
            (
                "insert into calendar_days (day, is_working, title, source, set_at)"
                " values ('2026-05-05', true, 'x', 'x', now())"
            ),
            "ck_calendar_days_origin",
        ),
        (
            (
                "insert into calendar_days (day, is_working, title, source, notice_year, set_at)"
                " select day, true, title, source, notice_year, set_at from calendar_days"
                " order by version limit 1"
            ),
            "uq_calendar_days_notice",
        ),
        (
            (
                "insert into clock_alarms (id, clock_id, kind, application_id, task, department,"
                " lead, due_at, raised_at) select gen_random_uuid(), clock_id, kind,"
                " application_id, task, department, lead, due_at, raised_at from clock_alarms"
                " where clock_id = :clock"
            ),
            "uq_clock_alarms_clock_id_kind",
        ),
    ],
)
def test_postgresql_keeps_the_promises_of_clocks(office: Office, statement: str, name: str) -> None:
    file = opened(office, "2026-03-03 09:59:10")
    clock = file.clock(PLAN)
    with at("2026-03-03 16:36:00"):
        if "clock_alarms" in statement:
            office.attend()
    before = file.lamps(PLAN)
    with pytest.raises(DBAPIError, match=name):
        run(office, statement, clock)
    assert file.lamps(PLAN) == before


def test_the_scan_goes_by_the_index(office: Office) -> None:
    opened(office, "2026-03-03 09:59:10")
    with office.rooms.units.open(actor="test") as uow:
        uow.execute(text("set local enable_seqscan = off"))
        plan = uow.scalars(
            text(
                "explain select id from plugin_permits.clocks where next_at <= now()"
                " order by next_at, id limit 100"
            )
        ).all()
    assert "ix_clocks_next_at" in " ".join(plan)


def test_a_clock_that_fails_keeps_nobody_waiting(office: Office) -> None:
    broken, fine = (opened(office, "2026-03-03 09:59:10") for _ in range(2))
    with office.rooms.units.open(actor="test") as uow:
        # Of a version that there is not, nobody knows what silence means.
        uow.execute(
            text("update plugin_permits.applications set bundle_version = 99 where id = :id"),
            {"id": broken.id},
        )
    with at("2026-03-05 16:30:00"), pytest.raises(BundleNotFound):
        office.attend()
    assert fine.task(PLAN).lamp == "red"
    with office.rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update plugin_permits.applications set bundle_version = 1 where id = :id"),
            {"id": broken.id},
        )
    office.forget_others()
