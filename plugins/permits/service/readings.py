"""What is shown and handed out of an application's clocks: pure functions of its course."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app.sdk import Move
from plugins.permits.service.attribution import Course
from plugins.permits.service.clock import silence_accepts_at
from plugins.permits.values.attribution import (
    ApplicationClock,
    ClockExport,
    ExportedEvent,
    ExportedTask,
    Held,
    TaskClock,
)
from plugins.permits.values.bundles import Limit, Starts
from plugins.permits.values.calendar import CalendarEntry, OfficeHours
from plugins.permits.values.clock import Holder, Step, TaskHistory


def limit_in(data: Mapping[str, object], name: str) -> Limit | None:
    """Return the limit that a move's data says under `<name>_days` and `<name>_starts`."""
    days, starts = data.get(f"{name}_days"), data.get(f"{name}_starts")
    if not isinstance(days, int) or not isinstance(starts, str):
        return None
    return Limit(days, Starts(starts))


def steps_of(moves: Sequence[Move]) -> tuple[Step, ...]:
    """Return the steps of a task from its moves, in order.

    A move from a state to the same one is another officer's taking over, and no step.
    """
    return tuple(
        Step(move.at, move.to_state, move.cause, limit_in(move.data, "pause"))
        for move in moves
        if move.from_state != move.to_state
    )


def show_course(
    application_id: UUID, course: Course, finish_by: datetime | None
) -> ApplicationClock:
    """Return where the time of an application goes."""
    path = course.path()
    tasks = tuple(
        TaskClock(
            task=task,
            department=history.department,
            reading=course.readings[task],
            held=course.held(task),
            silence_at=silence_accepts_at(history.steps, history.silence, course.calendar_of(task)),
        )
        for task, history in course.histories.items()
    )
    return ApplicationClock(
        application_id=application_id,
        read_at=course.moment,
        calendar_version=course.calendar.version,
        is_provisional=any(task.reading.is_provisional for task in tasks),
        ends_at=path[-1].ends,
        held=_sum_up([held for part in path for held in part.held]),
        tasks=tasks,
        critical_path=tuple(path),
        plan=None if finish_by is None else course.plan(finish_by),
    )


def export_course(
    application_id: UUID,
    bundle: tuple[str, int],
    course: Course,
    days: Sequence[CalendarEntry],
    events: Mapping[str, Sequence[ExportedEvent]],
) -> ClockExport:
    """Return all that the clocks of a course are reckoned from."""
    return ClockExport(
        application_id=application_id,
        bundle=bundle[0],
        bundle_version=bundle[1],
        read_at=_written(course.moment),
        office_hours=_hours(course.calendar.hours),
        calendar_version=course.calendar.version,
        days=tuple(days),
        tasks=tuple(
            ExportedTask(
                task=task,
                department=history.department,
                limit=history.limit,
                after=history.after,
                after_any=history.after_any,
                silence=history.silence,
                calendar_version=_version(history, course),
                events=tuple(events[task]),
            )
            for task, history in course.histories.items()
        ),
    )


def export_event(move: Move) -> ExportedEvent:
    """Return a move as it is handed out: what was done and when, and by nobody."""
    pause = limit_in(move.data, "pause")
    return ExportedEvent(_written(move.at), move.from_state, move.to_state, move.cause, pause)


def _version(history: TaskHistory, course: Course) -> int:
    version = history.calendar_version
    return course.calendar.version if version is None else version


def _sum_up(parts: Sequence[Held]) -> tuple[Held, ...]:
    sums: dict[tuple[Holder, str | None], list[int]] = {}
    for part in parts:
        both = sums.setdefault((part.holder, part.department), [0, 0])
        both[0] += part.minutes
        both[1] += part.overrun
    return tuple(Held(*who, *both) for who, both in sums.items())


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _hours(hours: OfficeHours) -> tuple[tuple[str, str], ...]:
    return tuple((_clock(begin), _clock(end)) for begin, end in hours.spans)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
