"""Working time: office hours, and the calendar.

Civil Code art. 201: the day on which a time begins is not counted. Art. 203: a last day that is a
legal holiday is moved to the day after it, and the last day ends when business ends. Administrative
Licensing Law art. 82: its times are working days, without legal holidays. Which weekdays are
holidays and which weekend days make up for them is said by the State Council's notice of each year.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from app.sdk import CITY_TIME
from plugins.permits.values.bundles import Limit

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
