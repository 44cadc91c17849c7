"""The only clock: business time is asked here and nowhere else, and can be set."""

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from zoneinfo import ZoneInfo

CITY_TIME = ZoneInfo("Asia/Shanghai")

_shift = timedelta(0)
_file: Path | None = None


def now() -> datetime:
    """Return the present business time, UTC, moved by what `travel` or `follow` was told."""
    ahead = _shift if _file is None else _read(_file)
    return datetime.now(UTC) + ahead  # noqa: DTZ005,RUF100 - this is the one place


def travel(by: timedelta) -> None:
    """Set the distance between business time and the machine's; zero returns to the present."""
    global _shift, _file
    _shift, _file = by, None


def follow(file: Path) -> None:
    """Take the distance, in seconds, from a file from now on, anew each time that one asks.

    All processes that follow it are at the same moment, also when it is moved under them.
    """
    global _file  # noqa: PLW0603 - as above
    _file = file


def advance(file: Path, moment: datetime) -> None:
    """Let it be a moment for whoever follows the file; what has come already does not go back."""
    ahead = moment - datetime.now(UTC)  # noqa: DTZ005,RUF100 - as in `now`
    if ahead > _read(file):
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(f"{ahead.total_seconds():.6f}", encoding="ascii")
        fresh.replace(file)  # a reader sees the old one or the new one


def _read(file: Path) -> timedelta:
    return timedelta(seconds=float(file.read_text(encoding="ascii")))


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
