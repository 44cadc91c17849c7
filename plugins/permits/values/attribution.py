"""Who holds an application and how long: what is shown of its clocks, and handed out of them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from plugins.permits.values.bundles import Limit
from plugins.permits.values.calendar import CalendarEntry
from plugins.permits.values.clock import Holder, Reading


@dataclass(frozen=True, slots=True)
class Held:
    """How many working minutes somebody has had something in hand; `overrun` of them as a pause."""

    holder: Holder
    department: str | None
    minutes: int
    overrun: int = 0


@dataclass(frozen=True, slots=True)
class PathPart:
    """A stretch of the critical path; `ends` lies ahead, by the limits, for what is not decided."""

    task: str
    department: str
    begins: datetime
    ends: datetime
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """By when a task has to be decided, and how many working minutes it still has by its limit."""

    task: str
    department: str
    finish_by: datetime
    minutes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Who has to finish by when, so that everything is decided by a moment.

    `window` are the working minutes until then and `longest` those of the longest chain by its
    limits. Where they do not fit, each task of a chain gives way in proportion.
    """

    finish_by: datetime
    window: int
    longest: int
    tasks: tuple[PlannedTask, ...]

    @property
    def keeps_limits(self) -> bool:
        """Say whether everybody may use what their limit leaves them."""
        return self.longest <= self.window


@dataclass(frozen=True, slots=True)
class TaskClock:
    """The clock of one task as it is shown: its reading, and who has had the task how long.

    `silence_at` is from when on the silence of the lead department accepts, or has accepted.
    """

    task: str
    department: str
    reading: Reading
    held: tuple[Held, ...]
    silence_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApplicationClock:
    """Where the time of an application goes: its tasks, its critical path, and a plan.

    `held` sums up the critical path until `read_at`: each working minute since the submission has
    one owner in it. `ends_at` is when everything is decided if each department uses its limit.
    """

    application_id: UUID
    read_at: datetime
    calendar_version: int
    is_provisional: bool
    ends_at: datetime
    held: tuple[Held, ...]
    tasks: tuple[TaskClock, ...]
    critical_path: tuple[PathPart, ...]
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class ExportedEvent:
    """A change of state as anybody may recompute with it; `at` keeps its microseconds."""

    at: str
    from_state: str | None
    to_state: str
    cause: str
    pause: Limit | None


@dataclass(frozen=True, slots=True)
class ExportedTask:
    """A task with its limit, its place in the graph, its calendar and all that happened to it."""

    task: str
    department: str
    limit: Limit
    after: tuple[str, ...]
    after_any: tuple[str, ...]
    silence: Limit | None
    calendar_version: int
    events: tuple[ExportedEvent, ...]


@dataclass(frozen=True, slots=True)
class ClockExport:
    """All that the clocks of an application are reckoned from."""

    application_id: UUID
    bundle: str
    bundle_version: int
    read_at: str
    office_hours: tuple[tuple[str, str], ...]
    calendar_version: int
    days: tuple[CalendarEntry, ...]
    tasks: tuple[ExportedTask, ...]
