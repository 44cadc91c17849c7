"""What time brings to tasks: lamps, warnings, lapses, ends of pauses, and decisions by silence.

The rules are in `service/clock.py: next_duty`; here they are carried out. A worker that was away
for days finds the same duties in the same order. Two workers never do the same: each takes the row
of the application first, or leaves it to the other.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from app.sdk import House, UnitOfWork, now
from plugins.permits.models import Application, Clock, Procedure, Task
from plugins.permits.service.applications import lapse_application
from plugins.permits.service.calendar import current_calendar, load_notices
from plugins.permits.service.consultations import go_on_without
from plugins.permits.service.decisions import deem_task
from plugins.permits.service.intake import accept_by_silence
from plugins.permits.service.moves import move_task
from plugins.permits.service.news import tell_alarm
from plugins.permits.service.winding import (
    BY_CALENDAR,
    BY_TIME,
    Wound,
    keep_clock,
    next_of,
    open_consultations,
    raise_alarm,
    turn_lamp,
    wound_clock,
    wound_intake,
)
from plugins.permits.values.bundles import Deemed
from plugins.permits.values.clock import Alarm, Duty
from plugins.permits.values.tasks import Lamp, TaskStatus

_BATCH = 100
_MOST_DUTIES = 12
"""What can come over one task at once: two lamps, two warnings, a pause, its end, and some more."""
_SILENCE = {
    Deemed.APPROVED: TaskStatus.DEEMED_APPROVED,
    Deemed.REFUSED: TaskStatus.DEEMED_REFUSED,
}


def attend_clocks(house: House) -> None:
    """Do what time has brought, a bounded part of it; safe to run again, and by two at once.

    One clock that cannot be attended to does not keep the others waiting; what it raises is raised
    when they have had their turn.
    """
    load_notices(house)
    with ExitStack() as afterwards:
        afterwards.callback(_attend_due, house)
        _recount_stale(house)


def _recount_stale(house: House) -> None:
    with house.unit_of_work() as uow:
        version = current_calendar(uow).version
        stale = _first(uow, Clock.calendar_version < version, Clock.stopped_at.is_(None))
    _each(house, stale, _recount)


def _attend_due(house: House) -> None:
    with house.unit_of_work() as uow:
        due = _first(uow, Clock.next_at <= now())
    _each(house, due, _attend)


def _first(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> list[UUID]:
    statement = select(Clock.id).where(*conditions)
    return list(uow.scalars(statement.order_by(Clock.next_at, Clock.id).limit(_BATCH)))


def _each(house: House, ids: list[UUID], act: Callable[[House, UnitOfWork, Wound], None]) -> None:
    """Attend to each clock in a unit of its own, also after one has failed."""
    with ExitStack() as turns:
        for clock_id in reversed(ids):
            turns.callback(_one, house, clock_id, act)


def _one(house: House, clock_id: UUID, act: Callable[[House, UnitOfWork, Wound], None]) -> None:
    with house.unit_of_work() as uow:
        wound = _take(uow, clock_id)
        if wound is not None:
            act(house, uow, wound)


def _take(uow: UnitOfWork, clock_id: UUID) -> Wound | None:
    """Lock what a clock belongs to, in the order of this plug-in; None while others have it."""
    clock = uow.get_one(Clock, clock_id)
    application = uow.scalar(
        select(Application)
        .where(Application.id == clock.application_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if application is None:
        return None
    if clock.task_id is None:
        return wound_intake(uow, application)
    return wound_clock(uow, uow.lock(Task, clock.task_id))


def _recount(house: House, uow: UnitOfWork, wound: Wound) -> None:  # noqa: ARG001 - as `_attend`
    """Reckon a clock that runs by the calendar as it is now, and log what that changes.

    A lamp goes back here; that it goes on is found like any other time.
    """
    clock, before = wound.clock, wound.clock.due_at
    lamp = wound.read(now()).lamp
    keep_clock(uow, wound)
    goes_back = list(Lamp).index(lamp) < list(Lamp).index(Lamp(clock.status))
    if goes_back or (clock.due_at != before and clock.stopped_at is None):
        uow.move(
            clock,
            lamp if goes_back else Lamp(clock.status),
            cause=BY_CALENDAR,
            calendar_version=clock.calendar_version,
            due_before=_written(before),
            due_at=_written(clock.due_at),
        )
        uow.flush()
        keep_clock(uow, wound)


def _attend(house: House, uow: UnitOfWork, wound: Wound) -> None:
    for _ in range(_MOST_DUTIES):
        due = next_of(uow, wound, now())
        if due is None or due.at > now():
            break
        _DUTIES[due.duty](house, uow, wound, due.at)
        again = wound_intake(uow, wound.application) if wound.task is None else None
        again = wound_clock(uow, wound.task) if wound.task is not None else again
        assert again is not None
        wound = again
        if wound.clock.stopped_at is not None:
            return
    keep_clock(uow, wound)


def _turn_yellow(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:
    turn_lamp(uow, wound.clock, Lamp.YELLOW, BY_TIME, since=_written(at))
    _raise(house, uow, wound, Alarm.WARNING, wound.clock.due_at or at)


def _warn_again(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:
    _raise(house, uow, wound, Alarm.LAST_WARNING, wound.silence_at or wound.clock.due_at or at)


def _turn_red(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:
    turn_lamp(uow, wound.clock, Lamp.RED, BY_TIME, since=_written(at))
    _raise(house, uow, wound, Alarm.OVERDUE, at)


def _deem(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:  # noqa: ARG001 - a duty
    assert wound.task is not None
    assert wound.deemed is not None
    deem_task(house, uow, wound.application, wound.task, _SILENCE[wound.deemed])


def _end_pause(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:  # noqa: ARG001 - a duty
    """Give a task back to its department, whose procedure took longer than it may."""
    assert wound.task is not None
    uow.execute(
        update(Procedure)
        .where(Procedure.task_id == wound.task.id, Procedure.ended_at.is_(None))
        .values(ended_at=now())
    )
    move_task(uow, wound.task, TaskStatus.IN_REVIEW, "procedure-overrun", since=_written(at))


def _accept(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:  # noqa: ARG001 - a duty
    """Accept an application of which the lead department has said nothing in time."""
    accept_by_silence(house, uow, wound.application)


def _lapse(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:  # noqa: ARG001 - a duty
    """End an application whose citizen was asked for something and has not answered in time."""
    lapse_application(house, uow, wound.application)


def _raise(house: House, uow: UnitOfWork, wound: Wound, kind: Alarm, due_at: datetime) -> None:
    """Raise an alarm while the clock runs; whoever finds it raised already tells nobody again."""
    alarm_id = raise_alarm(uow, wound, kind, due_at)
    if alarm_id is not None:
        tell_alarm(house, uow, wound, alarm_id, kind, due_at)


def _warn_consulted(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:  # noqa: ARG001 - a duty
    """Warn the departments that were asked, and the one that asks, that an answer is due soon."""
    for row in open_consultations(uow, wound):
        if row.warn_at is not None and row.due_at is not None and row.warn_at <= now():
            raise_alarm(uow, wound, Alarm.WARNING, row.due_at, row)


def _end_consultations(house: House, uow: UnitOfWork, wound: Wound, at: datetime) -> None:  # noqa: ARG001 - a duty
    """Let the review go on without the opinions that have not come in their time."""
    assert wound.task is not None
    for row in go_on_without(uow, wound.task):
        raise_alarm(uow, wound, Alarm.OVERDUE, row.due_at or at, row)


_DUTIES: Mapping[Duty, Callable[[House, UnitOfWork, Wound, datetime], None]] = {
    Duty.TURN_YELLOW: _turn_yellow,
    Duty.WARN_AGAIN: _warn_again,
    Duty.TURN_RED: _turn_red,
    Duty.DEEM: _deem,
    Duty.ACCEPT: _accept,
    Duty.END_PAUSE: _end_pause,
    Duty.WARN_CONSULTED: _warn_consulted,
    Duty.END_CONSULTATIONS: _end_consultations,
    Duty.LAPSE: _lapse,
}


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
