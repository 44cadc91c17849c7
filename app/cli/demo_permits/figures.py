"""Where the minutes went, by the city and by a program that trusts nobody."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.cli.demo.story import Broken, check
from app.core.clock import CITY_TIME
from config.settings import ROOT

PROGRAM = ROOT / "tools" / "approval_clock.py"
_FIELDS = (
    *("task", "department", "state", "limit", "consumed", "remaining", "starts_at", "warn_at"),
    *("due_at", "pause_due_at", "lamp", "is_overdue", "held", "silence_at"),
)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two have reckoned from the same events."""

    city: int
    offline: int
    figures: int
    difference: int

    def __str__(self) -> str:
        return (
            f"city {self.city} min, offline {self.offline} min held; "
            f"{self.figures} figures, difference {self.difference}"
        )


def compare(clock: dict[str, Any], export: dict[str, Any]) -> Comparison:
    """Recompute an export in a process of its own and compare every figure; raise `Broken`."""
    ours = {
        "tasks": [{name: task[name] for name in _FIELDS} for task in clock["tasks"]],
        "critical_path": clock["critical_path"],
    }
    ours = json.loads(json.dumps(ours).replace(".000Z", "Z"))
    theirs = recompute(export, clock["read_at"])
    pairs = list(zip(_leaves(ours), _leaves(theirs), strict=False))
    check("figures in both", len(list(_leaves(ours))), len(list(_leaves(theirs))))
    difference = sum(_distance(mine, other) for mine, other in pairs)
    found = Comparison(_held(ours), _held(theirs), len(pairs), difference)
    if difference:
        first = next(pair for pair in pairs if _distance(*pair))
        raise Broken(f"{found}; the first: {first[0]!r} and {first[1]!r}")
    return found


def recompute(export: dict[str, Any], at: str) -> Any:  # noqa: ANN401 - JSON
    """Return what `tools/approval_clock.py`, which knows nothing of the product, makes of it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "events.json"
        file.write_text(json.dumps(export, ensure_ascii=False), encoding="utf-8")
        # -I: neither this directory nor the environment is seen, and the library is the standard.
        command = [sys.executable, "-I", "-S", str(PROGRAM), str(file), "--json", "--at", at]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Broken(f"approval_clock.py ended with {done.returncode}: {done.stderr[-300:]}")
    return json.loads(done.stdout)


def minutes_by_department(clock: dict[str, Any]) -> dict[str, int]:
    """Return for each department how many working minutes it has had its tasks in hand."""
    sums: dict[str, int] = {}
    for task in clock["tasks"]:
        sums.setdefault(task["department"], 0)
        for held in task["held"]:
            if held["holder"] == "department":
                sums[held["department"]] += held["minutes"]
    return sums


def check_owned(clock: dict[str, Any], export: dict[str, Any]) -> int:
    """Return how many working minutes the application took; raise `Broken` for one without owner.

    Counted from the events, minute by minute: along the critical path, and for each task alone.
    """
    path = clock["critical_path"]
    for before, after in pairwise(path):
        check("the path has no gap", before["ends"], after["begins"])
    passed = office_minutes(export, moment(path[0]["begins"]), moment(path[-1]["ends"]))
    check("minutes of the path with an owner", passed, _sum(clock["held"]))
    events = {task["task"]: task["events"] for task in export["tasks"]}
    for task in clock["tasks"]:
        of_task = events[task["task"]]
        is_over = task["state"] == "stopped"
        begins = _up(moment(of_task[0]["at"]))
        ends = _up(moment(of_task[-1]["at"])) if is_over else moment(clock["read_at"])
        counted = office_minutes(export, begins, ends)
        check(f"minutes of {task['task']} with an owner", counted, _sum(task["held"]))
    return passed


def office_minutes(export: dict[str, Any], begins: datetime, ends: datetime) -> int:
    """Count office minutes one by one, by the hours and days that an export names."""
    days = {d["day"]: d["is_working"] for d in sorted(export["days"], key=lambda d: d["version"])}
    passed, minute = 0, begins.astimezone(CITY_TIME)
    while minute + timedelta(minutes=1) <= ends:
        day, time = minute.date(), minute.strftime("%H:%M")
        is_working = days.get(day.isoformat(), day.weekday() < _SATURDAY)
        passed += is_working and any(a <= time < b for a, b in export["office_hours"])
        minute += timedelta(minutes=1)
    return passed


def most_at_once(export: dict[str, Any]) -> int:
    """Return how many departments had a task claimed and undecided at the same moment."""
    spans = []
    for task in export["tasks"]:
        at = {event["to_state"]: event["at"] for event in task["events"]}
        if "claimed" in at:
            spans.append((at["claimed"], task["events"][-1]["at"], task["department"]))
    return max(len({who for a, b, who in spans if a <= begun < b}) for begun, _, _ in spans)


def path_of(clock: dict[str, Any]) -> str:
    """Return the chain of tasks that decided when everything ended, with its minutes."""
    parts = [f"{part['task']} {_sum(part['held'])}" for part in clock["critical_path"]]
    return " → ".join(parts)


def working_days(calendar: list[dict[str, Any]], after: date) -> Iterator[date]:
    """Yield the working days after a day, by the days that differ from the week."""
    differ = {entry["day"]: entry["is_working"] for entry in calendar}
    day = after
    while True:
        day += timedelta(days=1)
        if differ.get(day.isoformat(), day.weekday() < _SATURDAY):
            yield day


def moment(written: str) -> datetime:
    """Return a moment of the wire."""
    return datetime.fromisoformat(written).astimezone(UTC)


def in_city(written: str) -> str:
    """Return a moment of the wire as people of the city read it."""
    return moment(written).astimezone(CITY_TIME).strftime("%m-%d %H:%M")


def _held(said: dict[str, Any]) -> int:
    return sum(_sum(task["held"]) for task in said["tasks"])


def _sum(held: list[dict[str, Any]]) -> int:
    return sum(part["minutes"] for part in held)


def _up(at: datetime) -> datetime:
    """Return the first full minute at or after a moment."""
    return at + timedelta(seconds=-at.timestamp() % 60)


def _leaves(value: Any) -> Iterator[object]:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        for name in sorted(value):
            yield from _leaves(value[name])
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _distance(one: object, other: object) -> int:
    if type(one) is int and type(other) is int:
        return abs(one - other)
    return int(one != other)
