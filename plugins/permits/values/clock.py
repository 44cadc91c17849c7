"""Working time: office hours, the calendar, and what a clock of a task reads.

Civil Code art. 201: the day on which a time begins is not counted. Art. 203: a last day that is a
legal holiday is moved to the day after it, and the last day ends when business ends. Administrative
Licensing Law art. 82: its times are working days, without legal holidays. Which weekdays are
holidays and which weekend days make up for them is said by the State Council's notice of each year.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from app.sdk import CITY_TIME
from plugins.permits.values.bundles import Limit
from plugins.permits.values.tasks import Lamp

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
_FRIDAY = 4
_HOUR = 60
_MIDNIGHT = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When offices are open on a working day: spans of minutes after midnight, the end excluded."""

    spans: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        edges = [edge for span in self.spans for edge in span]
        if not edges or edges != sorted(set(edges)) or edges[0] < 0 or edges[-1] > _MIDNIGHT:
            raise ValueError("office hours are spans that follow each other")

    @property
    def minutes(self) -> int:
        """Return how many minutes a full working day has."""
        return sum(end - begin for begin, end in self.spans)

    def before(self, minute: int) -> int:
        """Return how many office minutes lie before a minute of the day."""
        return sum(max(0, min(minute, end) - begin) for begin, end in self.spans)

    def end_of(self, count: int) -> int:
        """Return the minute of the day at which so many office minutes, at least one, are over."""
        for begin, end in self.spans:
            if count <= end - begin:
                return begin + count
            count -= end - begin
        raise ValueError("a day has no so many office minutes")


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """What is said of one day, by whom: a notice of a year, or the desk with its reason."""

    day: date
    is_working: bool
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class YearNotice:
    """What the State Council's notice says of one year: the days that differ from the weekend."""

    year: int
    source: str
    days: tuple[CalendarDay, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which minutes are working minutes. A day of which nothing is said follows the weekend.

    A year whose notice we do not hold is provisional: its days can still change. Counting takes
    prefix sums of each year, so a limit of years costs as much as one of a day. `version` names
    what was known when the calendar was made.
    """

    hours: OfficeHours
    days: Mapping[date, CalendarDay]
    years: frozenset[int]
    version: int = 0
    _sums: dict[int, tuple[int, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def is_working(self, day: date) -> bool:
        """Say whether offices are open on a day."""
        said = self.days.get(day)
        return day.weekday() <= _FRIDAY if said is None else said.is_working

    def is_provisional(self, day: date) -> bool:
        """Say whether only the weekend rule speaks of a day, for want of its year's notice."""
        return day.year not in self.years and day not in self.days

    def is_provisional_between(self, first: date, last: date) -> bool:
        """Say whether any day of a stretch, both ends included, is provisional."""
        if all(year in self.years for year in range(first.year, last.year + 1)):
            return False
        count = (last - first).days + 1
        return any(self.is_provisional(first + DAY * n) for n in range(count))

    def minutes_between(self, begin: datetime, end: datetime) -> int:
        """Return how many working minutes begin at or after `begin` and before `end`."""
        if end <= begin:
            return 0
        first, last = _place(begin), _place(end)
        days = self._working_days(first[0], last[0])
        return days * self.hours.minutes + self._within(*last) - self._within(*first)

    def after(self, begin: datetime, minutes: int) -> datetime:
        """Return when so many working minutes from `begin` on are over: the end of the last one.

        With none it is `begin`, at the full minute.
        """
        day, minute = _place(begin)
        if minutes <= 0:
            return _moment(day, minute)
        left = minutes + self._within(day, minute)
        whole, rest = divmod(left - 1, self.hours.minutes)
        return _moment(self._nth_working_day(day, whole), self.hours.end_of(rest + 1))

    def opening_after(self, day: date) -> datetime:
        """Return when offices open on the first working day after a day."""
        return _moment(self._nth_working_day(day + DAY, 0), self.hours.spans[0][0])

    def counting_begins(self, limit: Limit, moment: datetime) -> datetime:
        """Return from when a limit counts that begins at a moment.

        The day is the one of the moment itself: at 23:59:59 the next day is a second away.
        """
        if limit.starts == limit.starts.AT_ONCE:
            return up_to_minute(moment)
        return self.opening_after(moment.astimezone(CITY_TIME).date())

    def limit_minutes(self, limit: Limit) -> int:
        """Return how many working minutes a limit has: its days are full days of office hours."""
        return limit.working_days * self.hours.minutes

    def due(self, limit: Limit, moment: datetime) -> datetime:
        """Return when a limit is over that begins at a moment and is never paused."""
        return self.after(self.counting_begins(limit, moment), self.limit_minutes(limit))

    def _within(self, day: date, minute: int) -> int:
        return self.hours.before(minute) if self.is_working(day) else 0

    def _sums_of(self, year: int) -> tuple[int, ...]:
        """Return how many working days lie before each day of a year, and at the end in all."""
        sums = self._sums.get(year)
        if sums is None:
            first = date(year, 1, 1)
            counts = [0]
            for n in range((date(year, 12, 31) - first).days + 1):
                counts.append(counts[-1] + self.is_working(first + DAY * n))
            # Two threads may both reckon a year; they come to the same.
            sums = self._sums[year] = tuple(counts)
        return sums

    def _before(self, day: date) -> int:
        """Return how many working days of its year lie before a day."""
        return self._sums_of(day.year)[day.timetuple().tm_yday - 1]

    def _working_days(self, first: date, end: date) -> int:
        """Return how many working days lie from `first` on before `end`."""
        whole = sum(self._sums_of(year)[-1] for year in range(first.year, end.year))
        return whole + self._before(end) - self._before(first)

    def _nth_working_day(self, first: date, skipped: int) -> date:
        """Return the working day from `first` on before which so many others are skipped."""
        wanted = self._before(first) + skipped + 1
        year = first.year
        while wanted > (sums := self._sums_of(year))[-1]:
            wanted -= sums[-1]
            year += 1
        return date(year, 1, 1) + DAY * (bisect_left(sums, wanted) - 1)


class Holder(StrEnum):
    """Who has a task in hand; each working minute of it belongs to exactly one."""

    DEPARTMENT = "department"
    APPLICANT = "applicant"
    PROCEDURE = "procedure"
    NOBODY = "nobody"


HOLDERS: Mapping[str, Holder] = {
    "submitted": Holder.DEPARTMENT,
    "supplement_required": Holder.APPLICANT,
    "waiting": Holder.NOBODY,
    "ready": Holder.DEPARTMENT,
    "claimed": Holder.DEPARTMENT,
    "in_review": Holder.DEPARTMENT,
    "consulting": Holder.DEPARTMENT,
    "proposed": Holder.DEPARTMENT,
    "supplement_asked": Holder.APPLICANT,
    "special_procedure": Holder.PROCEDURE,
}
"""Who has an intake (the first two) or a task in hand in each state; in any other it is over."""


class ClockState(StrEnum):
    """Whether the minutes of a limit go by: not yet, now, not for a while, or never again."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a task's state as its event says it; `pause` is the limit of a pause."""

    at: datetime
    status: str
    cause: str = ""
    pause: Limit | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a task's life with one holder; `ends` is None while it lasts.

    A minute belongs to it that begins within it. `is_overrun` says that a procedure is longer than
    its own limit, so that the department answers for it again.
    """

    holder: Holder
    status: str
    begins: datetime
    ends: datetime | None
    is_overrun: bool = False

    @property
    def counts(self) -> bool:
        """Say whether the limit of the task runs meanwhile."""
        return self.holder is Holder.DEPARTMENT


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock of a task says at a moment, in working minutes.

    `starts_at` is from when the limit counts. `remaining` falls below zero when it is used up.
    `due_at` is when it is, or would be if the clock ran on from here; a task that was decided with
    time to spare has none. A pause has a limit of its own, `pause_due_at`. `is_provisional` warns
    that the days up to then may still change.
    """

    state: ClockState
    limit: int
    consumed: int = 0
    starts_at: datetime | None = None
    warn_at: datetime | None = None
    due_at: datetime | None = None
    pause_due_at: datetime | None = None
    lamp: Lamp = Lamp.GREEN
    is_overdue: bool = False
    is_provisional: bool = False

    @property
    def remaining(self) -> int:
        """Return how many working minutes are left."""
        return self.limit - self.consumed


class Alarm(StrEnum):
    """What is raised once about a task: at four fifths, before silence decides, and at the end."""

    WARNING = "warning"
    LAST_WARNING = "last_warning"
    OVERDUE = "overdue"


class Duty(StrEnum):
    """What time brings to a task, in the order in which it is done when several things are due."""

    END_PAUSE = "end_pause"
    WARN_CONSULTED = "warn_consulted"
    END_CONSULTATIONS = "end_consultations"
    TURN_YELLOW = "turn_yellow"
    WARN_AGAIN = "warn_again"
    TURN_RED = "turn_red"
    DEEM = "deem"
    ACCEPT = "accept"
    LAPSE = "lapse"


@dataclass(frozen=True, slots=True)
class Due:
    """A duty, and since when or from when on it is due."""

    duty: Duty
    at: datetime


INTAKE = "intake"
"""The name of what comes before all tasks: seeing whether an application is complete."""


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """What a clock needs of one task: its place in the graph, its limit and what happened to it.

    `after` are tasks that must all be decided first, `after_any` such of which one must be. What is
    over keeps the version of the calendar that was known when it ended; None means today's.
    `silence` is how long the intake may say nothing before the application counts as accepted.
    """

    task: str
    department: str
    limit: Limit
    after: tuple[str, ...]
    after_any: tuple[str, ...]
    steps: tuple[Step, ...]
    calendar_version: int | None = None
    silence: Limit | None = None

    @property
    def begun_at(self) -> datetime | None:
        """Return when it came into somebody's hands."""
        nobody = Holder.NOBODY
        return next((s.at for s in self.steps if HOLDERS.get(s.status, nobody) != nobody), None)

    @property
    def ended_at(self) -> datetime | None:
        """Return when it was decided or withdrawn."""
        last = self.steps[-1]
        return None if last.status in HOLDERS else last.at


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
class CalendarEntry:
    """One line of the calendar's record: the last one of a day counts.

    `notice_year` is the year whose notice says it; what the desk has set has none.
    """

    version: int
    day: date
    is_working: bool
    title: str
    source: str
    notice_year: int | None


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """What is said of the days of a year; provisional while its notice has not come."""

    year: int
    version: int
    is_provisional: bool
    days: tuple[CalendarEntry, ...]


@dataclass(frozen=True, slots=True)
class AlarmView:
    """What was raised about a task, for whoever has to see to it.

    Of a consultation `department` is the one that was asked, and `asking` the one that asks.
    """

    id: UUID
    kind: str
    application_id: UUID
    task: str
    department: str
    lead: str
    consultation_id: UUID | None
    asking: str | None
    due_at: datetime
    raised_at: datetime
    seen_at: datetime | None


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


def up_to_minute(moment: datetime) -> datetime:
    """Return the first full minute at or after a moment."""
    full = down_to_minute(moment)
    return full if full == moment else full + MINUTE


def down_to_minute(moment: datetime) -> datetime:
    """Return the last full minute at or before a moment."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _place(moment: datetime) -> tuple[date, int]:
    """Return the city's day of a moment, and the minute of it, rounded up."""
    local = up_to_minute(moment).astimezone(CITY_TIME)
    return local.date(), local.hour * _HOUR + local.minute


def _moment(day: date, minute: int) -> datetime:
    begins = datetime.combine(day, time(), CITY_TIME).astimezone(UTC)
    return begins + MINUTE * minute
