"""The working calendar: what the notices beside the code say of each year, and what the desk says.

All of it is lines of one table, of which the last for a day counts; the number of the last line is
the version of the calendar, and every earlier one can be made again. What was decided by a version
is read by it for ever.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import CITY_TIME, House, UnitOfWork, now
from plugins.permits.errors import CalendarDayOver, CalendarNotYours, CalendarTooFar
from plugins.permits.events import PermitCalendarDaySet
from plugins.permits.models import CalendarDay as Line
from plugins.permits.service.holidays import office_hours, year_notices
from plugins.permits.service.seats import take_place
from plugins.permits.values.calendar import Calendar, CalendarDay, CalendarEntry, CalendarYear
from plugins.permits.values.seats import SeatRole
from plugins.permits.values.tasks import Caller

SUPERVISING = "government-services-office"
"""The department that supervises all others: it alone sets days, and hears of what is overdue."""
_LAST_AHEAD = timedelta(days=800)
_LOCK = 0x7065726D
"""Of PostgreSQL's advisory locks the one of whoever adds to the calendar."""


def current_calendar(uow: UnitOfWork) -> Calendar:
    """Return the calendar as it is known now."""
    return calendar_of(list_entries(uow))


def list_entries(uow: UnitOfWork) -> list[CalendarEntry]:
    """Return every line of the calendar, the first one first: some three dozen for each year."""
    return [_show(line) for line in uow.scalars(select(Line).order_by(Line.version))]


def calendar_of(entries: Sequence[CalendarEntry], version: int | None = None) -> Calendar:
    """Return the calendar that lines make, up to a version or as they are now."""
    known = [entry for entry in entries if version is None or entry.version <= version]
    days = {e.day: CalendarDay(e.day, e.is_working, e.title, e.source) for e in known}
    years = frozenset(entry.notice_year for entry in known if entry.notice_year is not None)
    return Calendar(office_hours(), days, years, known[-1].version if known else 0)


def load_notices(house: House) -> None:
    """Take up the years whose notices have come with the code; safe to run again, and by two.

    A line that was there before stays: what the desk has set of such a year counts on.
    """
    with house.unit_of_work() as uow:
        known = set(uow.scalars(select(Line.notice_year).distinct()))
    missing = [notice for notice in year_notices() if notice.year not in known]
    if not missing:
        return
    with house.unit_of_work() as uow:
        _lock(uow)
        said = set(uow.scalars(select(Line.day).where(Line.notice_year.is_(None))))
        rows = [
            {
                "day": entry.day,
                "is_working": entry.is_working,
                "title": entry.title,
                "source": entry.source,
                "notice_year": notice.year,
                "set_at": now(),
            }
            for notice in missing
            for entry in notice.days
            if entry.day not in said
        ]
        uow.execute(insert(Line).values(rows).on_conflict_do_nothing())


def find_year(uow: UnitOfWork, year: int) -> CalendarYear:
    """Return what is said of the days of a year."""
    entries = list_entries(uow)
    calendar = calendar_of(entries)
    last = {entry.day: entry for entry in entries if entry.day.year == year}
    days = tuple(last[day] for day in sorted(last))
    return CalendarYear(year, calendar.version, year not in calendar.years, days)


def set_day(
    uow: UnitOfWork, caller: Caller, day: date, *, is_working: bool, reason: str
) -> CalendarEntry:
    """Say at the desk whether offices are open on a day, from today on, and why.

    What runs is reckoned anew by the worker, each change of a date in the log; what is decided
    stays. The same again is no change. Raise `CalendarNotYours`, `SeatNeeded`, `CalendarDayOver`
    or `CalendarTooFar`.
    """
    if caller.department != SUPERVISING:
        raise CalendarNotYours
    take_place(uow, caller, SeatRole.SUPERVISOR)
    today = now().astimezone(CITY_TIME).date()
    if day < today:
        raise CalendarDayOver
    if day > today + _LAST_AHEAD:
        raise CalendarTooFar
    _lock(uow)
    last = uow.scalar(select(Line).where(Line.day == day).order_by(Line.version.desc()).limit(1))
    if last is not None and (last.is_working, last.source) == (is_working, reason):
        return _show(last)
    line = Line(day=day, is_working=is_working, title="调整", source=reason, set_by=caller.staff_id)
    uow.add(line)
    uow.flush()
    uow.record(PermitCalendarDaySet(day=day.isoformat(), is_working=is_working))
    return _show(line)


def _lock(uow: UnitOfWork) -> None:
    """Let one at a time add lines: a version that is read is never joined by an earlier one."""
    uow.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _show(line: Line) -> CalendarEntry:
    return CalendarEntry(
        version=line.version,
        day=line.day,
        is_working=line.is_working,
        title=line.title,
        source=line.source,
        notice_year=line.notice_year,
    )
