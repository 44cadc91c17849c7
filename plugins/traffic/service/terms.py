"""Terms of days and months as the law counts them, and the days off that move their ends."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.sdk import CITY_TIME
from plugins.traffic.service.dated import Basis

_MONTHS = 12
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Term:
    """So many days, or so many months, from the day after something was received."""

    name: str
    valid_from: date
    days: int | None
    months: int | None
    over_days_off: bool
    basis: Basis
    source: str

    def __post_init__(self) -> None:
        if (self.days is None) == (self.months is None):
            raise ValueError(f"{self.name} is a term of days or of months")


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Weekends and public holidays, but for the weekend days that are worked for them."""

    off: frozenset[date]
    worked: frozenset[date]

    def is_off(self, day: date) -> bool:
        """Tell whether a day is off; of a year that nobody has entered, weekends are."""
        return day in self.off or (day.weekday() >= _SATURDAY and day not in self.worked)


def day_of(moment: datetime) -> date:
    """Return the city's day of a moment; raise `ValueError` when it has no time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone has no day in the city")
    return moment.astimezone(CITY_TIME).date()


def add_months(day: date, months: int) -> date:
    """Return the corresponding day so many months later, or the month's last when it has none.

    Civil Code, art. 202.
    """
    ahead = day.month - 1 + months
    year, month = day.year + ahead // _MONTHS, ahead % _MONTHS + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def last_day(term: Term, received: date, days_off: DaysOff) -> date:
    """Return the last day of a term; the day of receipt is not counted (Civil Code, art. 201)."""
    if term.months is not None:
        last = add_months(received, term.months)
    else:
        assert term.days is not None
        last = received + timedelta(days=term.days)
    return next_open_day(last, days_off) if term.over_days_off else last


def next_open_day(day: date, days_off: DaysOff) -> date:
    """Return a day, or the next one that is not off."""
    while days_off.is_off(day):
        day += timedelta(days=1)
    return day
