"""When a child may see, and when a guardian's power ends: birthdays in the city's time."""

from datetime import date, datetime, time

from app.core.clock import CITY_TIME

SEES_AT = 14
OF_AGE = 18


def birthday(born: date, years: int) -> datetime:
    """Return the first instant of the day on which somebody has lived so many years.

    Born on the 29th of February, they have on the 1st of March of a year without that day: on the
    28th the last day of the year of life is still to come.
    """
    try:
        day = born.replace(year=born.year + years)
    except ValueError:
        day = date(born.year + years, 3, 1)
    return datetime.combine(day, time.min, CITY_TIME)
