"""Days off and make-up days: what the State Council's notices beside the code say of each year."""

import tomllib
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from plugins.permits.values.calendar import Calendar, CalendarDay, OfficeHours, YearNotice

FOLDER = Path(__file__).parents[1] / "calendar"
_FRIDAY = 4


class CalendarFault(ValueError):
    """A file of the calendar contradicts itself; the message says where."""


@cache
def office_hours() -> OfficeHours:
    """Return the hours in which offices are open on a working day."""
    raw = tomllib.loads((FOLDER / "office-hours.toml").read_text(encoding="utf-8"))
    return OfficeHours(tuple((_minute(begin), _minute(end)) for begin, end in raw["spans"]))


@cache
def year_notices() -> tuple[YearNotice, ...]:
    """Return the notices that lie beside the code, the earliest year first."""
    files = sorted(FOLDER.glob("[0-9]*.toml"))
    return tuple(read_notice(tomllib.loads(f.read_text(encoding="utf-8"))) for f in files)


def read_notice(raw: dict[str, Any]) -> YearNotice:
    """Return the days of a notice that differ from the weekend, in order.

    Raise `CalendarFault` for a make-up day that is a working day anyway or falls into a holiday,
    for a holiday that ends before it begins, and for a day that is said twice.
    """
    year, source = raw["year"], raw["source"]
    days: dict[date, CalendarDay] = {}
    for holiday in raw["holidays"]:
        title, first, last = holiday["title"], holiday["from"], holiday["to"]
        if last < first or first.year != year:
            raise CalendarFault(f"{title}: from {first} to {last}")
        rest = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        said = [CalendarDay(day, False, title, source) for day in rest]  # noqa: FBT003 - a row
        said += [CalendarDay(day, True, title, source) for day in holiday["working"]]  # noqa: FBT003 - a row
        for entry in said:
            if entry.day in days or (entry.is_working and entry.day.weekday() <= _FRIDAY):
                raise CalendarFault(f"{title}: {entry.day}")
            days[entry.day] = entry
    return YearNotice(year, source, tuple(days[day] for day in sorted(days)))


def make_calendar(
    notices: Iterable[YearNotice], *, hours: OfficeHours | None = None, version: int = 0
) -> Calendar:
    """Return the calendar that some notices make; years without one follow the weekend."""
    known = tuple(notices)
    days = {entry.day: entry for notice in known for entry in notice.days}
    years = frozenset(notice.year for notice in known)
    return Calendar(hours or office_hours(), days, years, version)


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
