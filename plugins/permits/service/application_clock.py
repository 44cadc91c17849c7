"""The clocks of one application, for its citizen: read now, and handed out to be recomputed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import select

from app.sdk import CITY_TIME, Move, UnitOfWork, history, now
from plugins.permits.errors import PermitApplicationNotFound, PermitClockNotFound
from plugins.permits.models import Application, Clock, Task
from plugins.permits.service.attribution import Course
from plugins.permits.service.bundles import find_bundle, list_bundles
from plugins.permits.service.calendar import calendar_of, list_entries
from plugins.permits.service.holidays import office_hours
from plugins.permits.service.readings import export_course, export_event, show_course
from plugins.permits.service.winding import intake_history, intake_moves, task_history
from plugins.permits.values.attribution import ApplicationClock, ClockExport
from plugins.permits.values.calendar import CalendarEntry
from plugins.permits.values.clock import INTAKE, TaskHistory
from plugins.permits.values.tasks import TaskStatus


@dataclass(frozen=True, slots=True)
class _Read:
    """An application's course, and what it was made of."""

    application: Application
    course: Course
    entries: Sequence[CalendarEntry]
    moves: dict[str, Sequence[Move]]


def find_clock(
    uow: UnitOfWork,
    citizen_reference: str,
    application_id: UUID,
    services: Collection[str],
    finish_by: date | None,
) -> ApplicationClock:
    """Return where the time of a citizen's application goes, and who has to finish by when.

    Raise `PermitApplicationNotFound`, and `PermitClockNotFound` before it is submitted.
    """
    read = _read(uow, citizen_reference, application_id, services)
    return show_course(
        application_id, read.course, None if finish_by is None else _close_of(finish_by)
    )


def export_clock(
    uow: UnitOfWork, citizen_reference: str, application_id: UUID, services: Collection[str]
) -> ClockExport:
    """Return all that the clocks of a citizen's application are reckoned from; raise as above."""
    read = _read(uow, citizen_reference, application_id, services)
    course = read.course
    path = course.path()
    years = range(path[0].begins.year, path[-1].ends.year + 2)
    return export_course(
        application_id,
        (read.application.bundle, read.application.bundle_version),
        course,
        [entry for entry in read.entries if entry.day.year in years],
        {task: [export_event(move) for move in moves] for task, moves in read.moves.items()},
    )


def _read(
    uow: UnitOfWork, citizen_reference: str, application_id: UUID, services: Collection[str]
) -> _Read:
    bundles = [bundle.id for bundle in list_bundles() if bundle.service in services]
    application: Application | None = uow.scalar(
        select(Application).where(
            Application.id == application_id,
            Application.citizen_reference == citizen_reference,
            Application.bundle.in_(bundles),
        )
    )
    if application is None:
        raise PermitApplicationNotFound
    bundle = find_bundle(application.bundle, application.bundle_version)
    of_application = intake_moves(list(history(uow, Application, [application.id])))
    intake = intake_history(application.lead, bundle.intake, of_application)
    if intake is None:
        raise PermitClockNotFound
    order = {template.id: number for number, template in enumerate(bundle.tasks)}
    tasks = sorted(
        uow.scalars(
            select(Task).where(
                Task.application_id == application.id,
                Task.status != TaskStatus.NOT_APPLICABLE,
            )
        ),
        key=lambda task: order[task.template],
    )
    moves: dict[UUID, list[Move]] = {task.id: [] for task in tasks}
    for move in history(uow, Task, list(moves)):
        moves[move.record_id].append(move)
    stopped = _versions_of_what_is_over(uow, application.id)
    entries = list_entries(uow)
    histories = [_with(intake, stopped.get(application.id))]
    histories += [_with(task_history(t, moves[t.id]), stopped.get(t.id)) for t in tasks]
    calendars = {version: calendar_of(entries, version) for version in set(stopped.values())}
    return _Read(
        application,
        Course(histories, calendar_of(entries), now(), calendars),
        entries,
        {INTAKE: of_application, **{task.template: moves[task.id] for task in tasks}},
    )


def _versions_of_what_is_over(uow: UnitOfWork, application_id: UUID) -> dict[UUID, int]:
    statement = select(Clock.id, Clock.calendar_version).where(
        Clock.application_id == application_id, Clock.stopped_at.is_not(None)
    )
    return {row.id: row.calendar_version for row in uow.execute(statement)}


def _with(of_task: TaskHistory, version: int | None) -> TaskHistory:
    return replace(of_task, calendar_version=version)


def _close_of(day: date) -> datetime:
    """Return when offices close on a day, were it a working day."""
    return datetime.combine(day, time(), CITY_TIME) + timedelta(minutes=office_hours().spans[-1][1])
