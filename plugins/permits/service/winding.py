"""Winding clocks: whenever a task or an intake moves, its clock is reckoned anew from its events.

The row of what moves is locked by whoever moves it; that of its clock is locked after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import Move, UnitOfWork, history, new_id, now
from plugins.permits.models import (
    Application,
    Clock,
    ClockAlarm,
    Consultation,
    Procedure,
    Supplement,
    Task,
)
from plugins.permits.service.bundles import find_bundle
from plugins.permits.service.calendar import current_calendar
from plugins.permits.service.clock import (
    WARNING,
    first_of,
    next_duty,
    part_of,
    read_clock,
    silence_accepts_at,
)
from plugins.permits.service.readings import limit_in, steps_of
from plugins.permits.values.applications import INTAKE_SILENCE, ApplicationStatus
from plugins.permits.values.bundles import Deemed, Limit, Starts
from plugins.permits.values.calendar import Calendar
from plugins.permits.values.clock import (
    HOLDERS,
    INTAKE,
    Alarm,
    ClockState,
    Due,
    Duty,
    Reading,
    TaskHistory,
)
from plugins.permits.values.tasks import SUPPLEMENT_LIMIT, Lamp, SupplementStatus, TaskStatus

BY_TIME = "time"
BY_CALENDAR = "calendar-changed"
_LAMPS = tuple(Lamp)
_UNKNOWN = Limit(0, Starts.NEXT_DAY)


@dataclass(frozen=True, slots=True)
class Wound:
    """What a clock belongs to, its row, and what has happened."""

    application: Application
    task: Task | None
    clock: Clock
    history: TaskHistory
    deemed: Deemed | None
    calendar: Calendar

    def read(self, moment: datetime) -> Reading:
        """Return what the clock says at a moment."""
        return read_clock(self.history.steps, self.history.limit, self.calendar, moment)

    @property
    def silence_at(self) -> datetime | None:
        """Return from when on silence has accepted the application, at intake."""
        return silence_accepts_at(self.history.steps, self.history.silence, self.calendar)


def wind(uow: UnitOfWork, task: Task) -> None:
    """Reckon the clock of a task that has just moved; one that only waits has none."""
    wound = wound_clock(uow, task)
    if wound is not None:
        keep_clock(uow, wound)


def wind_intake(uow: UnitOfWork, application: Application) -> None:
    """Reckon the clock of an application's intake, which begins when it is submitted."""
    wound = wound_intake(uow, application)
    if wound is not None:
        keep_clock(uow, wound)


def wound_clock(uow: UnitOfWork, task: Task) -> Wound | None:
    """Return a task with its clock, whose row is locked and made if there is none."""
    if task.status == TaskStatus.WAITING:
        return None
    of_task = task_history(task, history(uow, Task, [task.id]))
    if of_task.begun_at is None:
        return None
    application = uow.get_one(Application, task.application_id)
    bundle = find_bundle(application.bundle, application.bundle_version)
    calendar = current_calendar(uow)
    clock = _take_clock(uow, task.id, application, task, calendar.version)
    deemed = bundle.task(task.template).deemed
    return Wound(application, task, clock, of_task, deemed, calendar)


def wound_intake(uow: UnitOfWork, application: Application) -> Wound | None:
    """Return an application with the clock of its intake, as `wound_clock` does."""
    bundle = find_bundle(application.bundle, application.bundle_version)
    moves = history(uow, Application, [application.id])
    of_intake = intake_history(application.lead, bundle.intake, moves)
    if of_intake is None:
        return None
    calendar = current_calendar(uow)
    clock = _take_clock(uow, application.id, application, None, calendar.version)
    return Wound(application, None, clock, of_intake, None, calendar)


def task_history(task: Task, moves: Sequence[Move]) -> TaskHistory:
    """Return what has happened to a task; limit and place in the graph stand in its first event."""
    opened = moves[0].data
    return TaskHistory(
        task=task.template,
        department=task.department,
        limit=limit_in(opened, "limit") or _UNKNOWN,
        after=tuple(opened.get("after", ())),
        after_any=tuple(opened.get("after_any", ())),
        steps=steps_of(moves),
    )


def intake_moves(moves: Sequence[Move]) -> list[Move]:
    """Return the moves of an application that are its intake: from the submission to its end."""
    found: list[Move] = []
    for move in moves:
        if move.to_state == ApplicationStatus.DRAFT:
            continue
        if not found and move.to_state != ApplicationStatus.SUBMITTED:
            break
        found.append(move)
        if move.to_state not in HOLDERS:
            break
    return found


def intake_history(lead: str, limit: Limit, moves: Sequence[Move]) -> TaskHistory | None:
    """Return the intake of an application, or None before it is submitted."""
    steps = steps_of(intake_moves(moves))
    if not steps:
        return None
    return TaskHistory(INTAKE, lead, limit, (), (), steps, silence=INTAKE_SILENCE)


def keep_clock(uow: UnitOfWork, wound: Wound) -> None:
    """Write down when time brings something next, and show the dates where they are listed."""
    clock, moment = wound.clock, now()
    if clock.stopped_at is not None:
        return
    reading = wound.read(moment)
    clock.calendar_version = wound.calendar.version
    if reading.state is ClockState.STOPPED:
        clock.stopped_at, clock.next_at = wound.history.ended_at, None
        turn_lamp(uow, clock, reading.lamp, BY_TIME)
        if reading.is_overdue:
            raise_alarm(uow, wound, Alarm.OVERDUE, reading.due_at or moment)
    else:
        _date_consultations(uow, wound)
        due = next_of(uow, wound, moment)
        clock.next_at = due.at if due else None
        clock.warn_at, clock.due_at = reading.warn_at, reading.due_at
        if reading.pause_due_at is not None:
            _date_pause(uow, wound, reading.pause_due_at)
    if wound.task is None:
        wound.application.due_at = clock.due_at
    else:
        wound.task.due_at, wound.task.warn_at = clock.due_at, clock.warn_at
        wound.task.lamp = clock.status
    uow.flush()


def next_of(uow: UnitOfWork, wound: Wound, moment: datetime) -> Due | None:
    """Return what time brings next to a clock, or to what its department asks others."""
    given = select(ClockAlarm.kind, ClockAlarm.raised_at).where(
        ClockAlarm.clock_id == wound.clock.id, ClockAlarm.consultation_id.is_(None)
    )
    own = next_duty(
        wound.history.steps,
        wound.history.limit,
        wound.calendar,
        moment,
        lamp=Lamp(wound.clock.status),
        given={Alarm(kind): at for kind, at in uow.execute(given)},
        is_deemed=wound.deemed is not None,
        silence=wound.history.silence,
    )
    return first_of([*([own] if own else []), *_of_consultations(uow, wound)])


def open_consultations(uow: UnitOfWork, wound: Wound) -> Sequence[Consultation]:
    """Return what others were asked for a task and have not answered, the first one first."""
    if wound.task is None or wound.task.status != TaskStatus.CONSULTING:
        return ()
    statement = select(Consultation).where(
        Consultation.task_id == wound.task.id, Consultation.ended_at.is_(None)
    )
    return uow.scalars(statement.order_by(Consultation.id)).all()


def is_lapsed(uow: UnitOfWork, asked_at: datetime) -> bool:
    """Say whether the time is over for answering what a citizen was asked at a moment.

    It is when the minute has come, whether or not a worker has noted it.
    """
    return now() >= current_calendar(uow).due(SUPPLEMENT_LIMIT, asked_at)


def is_accepted_by_silence(uow: UnitOfWork, application: Application) -> bool:
    """Say whether the lead department has said nothing of an application for too long.

    As in `is_lapsed`, whether or not a worker has noted it. The application's row is locked.
    """
    wound = wound_intake(uow, application)
    at = None if wound is None else wound.silence_at
    return at is not None and now() >= at


def turn_lamp(
    uow: UnitOfWork,
    clock: Clock,
    to: Lamp,
    cause: str,
    **data: Any,  # noqa: ANN401 - what the event says besides
) -> None:
    """Turn a lamp on to red, through yellow; each colour is an event of its own."""
    while (here := _LAMPS.index(Lamp(clock.status))) < _LAMPS.index(to):
        uow.move(clock, _LAMPS[here + 1], cause=cause, **data)
        uow.flush()  # the database checks each step


def raise_alarm(
    uow: UnitOfWork,
    wound: Wound,
    kind: Alarm,
    due_at: datetime,
    consultation: Consultation | None = None,
) -> UUID | None:
    """Put an alarm on the lists of whoever has to see to it, once; None where it is there.

    Of a consultation these are the departments that were asked and that ask.
    """
    department = wound.history.department
    row = {
        "id": new_id(),
        "clock_id": wound.clock.id,
        "kind": kind,
        "application_id": wound.application.id,
        "task": wound.history.task,
        "department": department if consultation is None else consultation.department,
        "lead": wound.application.lead,
        "consultation_id": None if consultation is None else consultation.id,
        "asking": None if consultation is None else department,
        "due_at": due_at,
        "raised_at": now(),
    }
    statement = insert(ClockAlarm).values(row).on_conflict_do_nothing()
    raised: UUID | None = uow.scalar(statement.returning(ClockAlarm.id))
    return raised


def _date_pause(uow: UnitOfWork, wound: Wound, due_at: datetime) -> None:
    """Say until when the pause lasts where it is shown: what was asked, or the procedure."""
    task, application = wound.task, wound.application
    asked = select(Supplement).where(
        Supplement.application_id == application.id,
        Supplement.task_id == task.id if task else Supplement.task_id.is_(None),
        Supplement.status == SupplementStatus.ASKED,
    )
    for supplement in uow.scalars(asked):
        supplement.due_at = due_at
    if task is not None:
        under_way = select(Procedure).where(
            Procedure.task_id == task.id, Procedure.ended_at.is_(None)
        )
        for procedure in uow.scalars(under_way):
            procedure.due_at = due_at


def _date_consultations(uow: UnitOfWork, wound: Wound) -> None:
    """Say until when others are asked, by the calendar as it is now."""
    calendar = wound.calendar
    for row in open_consultations(uow, wound):
        limit = Limit(row.working_days)
        row.warn_at = part_of(limit, WARNING, row.asked_at, calendar)
        row.due_at = calendar.due(limit, row.asked_at)
    uow.flush()


def _of_consultations(uow: UnitOfWork, wound: Wound) -> list[Due]:
    rows = open_consultations(uow, wound)
    if not rows:
        return []
    warned = set(
        uow.scalars(
            select(ClockAlarm.consultation_id).where(
                ClockAlarm.clock_id == wound.clock.id, ClockAlarm.kind == Alarm.WARNING
            )
        )
    )
    wanted = [(Duty.END_CONSULTATIONS, row.due_at) for row in rows]
    wanted += [(Duty.WARN_CONSULTED, row.warn_at) for row in rows if row.id not in warned]
    return [Due(duty, at) for duty, at in wanted if at is not None]


def _take_clock(
    uow: UnitOfWork, clock_id: UUID, application: Application, task: Task | None, version: int
) -> Clock:
    uow.flush()
    statement = select(Clock).where(Clock.id == clock_id).with_for_update()
    found: Clock | None = uow.scalar(statement.execution_options(populate_existing=True))
    if found is not None:
        return found
    clock = Clock(
        id=clock_id,
        status=Lamp.GREEN,
        application_id=application.id,
        task_id=None if task is None else task.id,
        calendar_version=version,
    )
    uow.open_record(clock, cause="begun")
    uow.flush()
    return clock
