"""The table of worked examples, and what the clock says to each; also a program of its own.

As a program it prints the answers, reckoned on a host of whatever time zone it is started in.
"""

import json
import sys
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.sdk import CITY_TIME
from plugins.permits.service.clock import read_clock
from plugins.permits.service.holidays import make_calendar, year_notices
from plugins.permits.values.bundles import Limit, Starts
from plugins.permits.values.clock import Step

TABLE = tomllib.loads(Path(__file__).with_name("clock_examples.toml").read_text(encoding="utf-8"))
GRID = 600


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CITY_TIME).astimezone(UTC)


def shown(moment: datetime | None) -> str | None:
    return moment and moment.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")


def limit_of(row: dict[str, Any]) -> Limit:
    return Limit(row["days"], Starts(row["starts"]))


def steps_of(row: dict[str, Any]) -> list[Step]:
    return [
        Step(beijing(at), status, pause=Limit(pause[0], Starts(pause[1])) if pause else None)
        for at, status, *pause in row["steps"]
    ]


def answers() -> list[Any]:
    """Return what the clock says to each example, and to a grid of moments over three years."""
    calendar = make_calendar(year_notices())
    said: list[Any] = [
        shown(calendar.due(limit_of(row), beijing(row["begins"]))) for row in TABLE["deadlines"]
    ]
    for row in TABLE["clocks"]:
        reading = read_clock(steps_of(row), limit_of(row), calendar, beijing(row["at"]))
        said.append({name: str(value) for name, value in asdict(reading).items()})
    start = beijing("2024-01-01 00:00:00")
    for number in range(GRID):
        moment = start + timedelta(hours=43 * number, minutes=7 * number, seconds=number % 60)
        limit = Limit(1 + number % 30, tuple(Starts)[number % 2])
        said.append(shown(calendar.due(limit, moment)))
    return said


if __name__ == "__main__":
    json.dump(answers(), sys.stdout)
