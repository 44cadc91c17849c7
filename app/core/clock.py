"""The only clock: business time is asked here and nowhere else, and can be set."""

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

CITY_TIME = ZoneInfo("Asia/Shanghai")

_shift = timedelta(0)


def now() -> datetime:
    """Return the present business time, UTC, moved by whatever `travel` was told."""
    return datetime.now(UTC) + _shift  # noqa: DTZ005,RUF100 - this is the one place


def travel(by: timedelta) -> None:
    """Set the distance between business time and the machine's; zero returns to the present."""
    global _shift  # noqa: PLW0603 - one clock per process is the point
    _shift = by


def monotonic() -> float:
    """Return seconds for measuring durations; never moves with `travel`."""
    return time.monotonic()


def wire_time(moment: datetime, precision: str = "milliseconds") -> str:
    """Return a moment as it goes over the wire: RFC 3339, UTC with `Z`."""
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def city_date(moment: datetime | None = None) -> str:
    """Return the city's calendar day (Asia/Shanghai) of a moment as YYYY-MM-DD."""
    return (moment or now()).astimezone(CITY_TIME).date().isoformat()


def city_day(day: date) -> tuple[datetime, datetime]:
    """Return where a calendar day of the city begins and where the next one does."""
    begins = datetime.combine(day, time_of_day(), CITY_TIME)
    ends = datetime.combine(day + timedelta(days=1), time_of_day(), CITY_TIME)
    return begins.astimezone(UTC), ends.astimezone(UTC)
