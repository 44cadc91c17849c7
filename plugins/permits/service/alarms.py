"""Alarms on the work lists: of the department, of the lead, and of the supervising department."""

from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, true

from app.sdk import Page, PageRequest, UnitOfWork, fetch_page, now
from plugins.permits.errors import ClockAlarmNotFound
from plugins.permits.models import ClockAlarm
from plugins.permits.service.calendar import SUPERVISING
from plugins.permits.service.seats import take_place
from plugins.permits.values.clock import AlarmView
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import Caller

_READERS = tuple(SeatRole)
_SEERS = (SeatRole.SUPERVISOR, SeatRole.SUPERIOR, SeatRole.DECIDER)


def list_alarms(
    uow: UnitOfWork, caller: Caller, page: PageRequest, *, seen: bool | None
) -> Page[AlarmView]:
    """Return a page of the alarms that a department has to see to, the first raised first.

    Its own tasks, those of applications that it leads, and what it asks another department or is
    asked; the supervising department has all.
    """
    take_place(uow, caller, *_READERS)
    statement = select(ClockAlarm).where(_of(caller))
    if seen is not None:
        at = ClockAlarm.seen_at
        statement = statement.where(at.is_not(None) if seen else at.is_(None))
    rows = fetch_page(uow, statement, [ClockAlarm.raised_at, ClockAlarm.id], page)
    return Page([_show(row) for row in rows.items], rows.next_cursor)


def see_alarm(uow: UnitOfWork, caller: Caller, alarm_id: UUID) -> AlarmView:
    """Say that an alarm was seen; the first one who says so stays.

    Raise `ClockAlarmNotFound`, or `SeatNeeded` for a clerk.
    """
    take_place(uow, caller, *_SEERS)
    statement = select(ClockAlarm).where(ClockAlarm.id == alarm_id, _of(caller))
    alarm: ClockAlarm | None = uow.scalar(statement.with_for_update())
    if alarm is None:
        raise ClockAlarmNotFound
    if alarm.seen_at is None:
        alarm.seen_by, alarm.seen_at = caller.staff_id, now()
        uow.flush()
    return _show(alarm)


def _of(caller: Caller) -> ColumnElement[bool]:
    if caller.department == SUPERVISING:
        return true()
    mine = caller.department
    return or_(ClockAlarm.lead == mine, ClockAlarm.department == mine, ClockAlarm.asking == mine)


def _show(row: ClockAlarm) -> AlarmView:
    return AlarmView(
        id=row.id,
        kind=row.kind,
        application_id=row.application_id,
        task=row.task,
        department=row.department,
        lead=row.lead,
        consultation_id=row.consultation_id,
        asking=row.asking,
        due_at=row.due_at,
        raised_at=row.raised_at,
        seen_at=row.seen_at,
    )
