"""Recompute the approval clock of an application from its export, trusting nobody.

    approval_clock.py application.json [--at 2026-03-10T10:00:00+08:00] [--json]

Standard library only, and nothing of the product: it walks day by day and looks at each span of
office hours, where the product adds up whole years. The rules that it follows:

* A working minute is a minute of office hours on a working day, in Beijing time. Days of which the
  export says nothing follow the weekend.
* A minute belongs to the state that a task was in when it began. At a moment, those minutes count
  that are over.
* `next_day`: a limit counts from the first opening after the day on which it begins. `at_once`:
  from the next full minute. A day of a limit is a full day of office minutes.
* Waiting belongs to nobody, a supplement to the applicant, a special procedure to the procedure
  until its own limit is over, everything else to the department, whose limit runs.
* Yellow from 80 % on, red from 100 % on. Late is what goes on after that, even in the evening.
* A move from a state to the same state is another officer's taking over, and changes no clock.
* Silence at intake accepts when its limit is over, counted like any other from the last submission;
  where the applicant was asked last there is none.
* The critical path goes back from what ends last to what it waited for longest. What is not decided
  ends when its limit does, counted from when it can begin at the earliest.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

Raw = dict[str, Any]

BEIJING = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=BEIJING)
DAY = 24 * 60
SATURDAY = 5
DEPARTMENT, APPLICANT, PROCEDURE, NOBODY = "department", "applicant", "procedure", "nobody"
HOLDERS = {
    "submitted": DEPARTMENT,
    "supplement_required": APPLICANT,
    "waiting": NOBODY,
    "ready": DEPARTMENT,
    "claimed": DEPARTMENT,
    "in_review": DEPARTMENT,
    "consulting": DEPARTMENT,
    "proposed": DEPARTMENT,
    "supplement_asked": APPLICANT,
    "special_procedure": PROCEDURE,
}
ORDER = (DEPARTMENT, APPLICANT, PROCEDURE, NOBODY)
INTAKE = "intake"


def seconds(text: str) -> float:
    """Return a moment as seconds since 1970 began in Beijing."""
    return (datetime.fromisoformat(text) - EPOCH).total_seconds()


def floor(moment: float) -> int:
    """Return the last full minute at or before a moment in seconds."""
    return int(moment // 60)


def ceiling(moment: float) -> int:
    """Return the first full minute at or after a moment in seconds."""
    return -int(-moment // 60)


def written(minute: int | None) -> str | None:
    """Return a minute as RFC 3339 in UTC."""
    if minute is None:
        return None
    moment = (EPOCH + timedelta(minutes=minute)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Calendar:
    """Office hours and the days that were known at a version."""

    def __init__(self, export: Raw, version: int) -> None:
        hours = [[hour.split(":") for hour in span] for span in export["office_hours"]]
        self.spans = [[int(h) * 60 + int(m) for h, m in span] for span in hours]
        self.full_day = sum(end - begin for begin, end in self.spans)
        known = [day for day in export["days"] if day["version"] <= version]
        self.days = {}
        for day in sorted(known, key=lambda day: day["version"]):
            self.days[day["day"]] = day["is_working"]

    def works(self, number: int) -> bool:
        """Say whether offices are open on a day, counted from 1970."""
        day = (EPOCH + timedelta(days=number)).date()
        return self.days.get(day.isoformat(), day.weekday() < SATURDAY)

    def stretches(self, begin: int) -> Iterator[tuple[int, int]]:
        """Yield the office spans from a minute on, without end."""
        number = begin // DAY
        while True:
            if self.works(number):
                for opens, closes in self.spans:
                    if number * DAY + closes > begin:
                        yield max(begin, number * DAY + opens), number * DAY + closes
            number += 1

    def count(self, begin: int, end: int) -> int:
        """Return how many working minutes lie between two minutes."""
        total = 0
        for opens, closes in self.stretches(begin):
            if opens >= end:
                return total
            total += min(closes, end) - opens
        return total

    def end_of(self, begin: int, minutes: int) -> int:
        """Return when so many working minutes are over."""
        if minutes <= 0:
            return begin
        for opens, closes in self.stretches(begin):
            if opens + minutes <= closes:
                return opens + minutes
            minutes -= closes - opens
        raise AssertionError("there is always a next working day")

    def counts_from(self, limit: Raw, moment: float) -> int:
        """Return from which minute on a limit counts that begins at a moment in seconds."""
        if limit["starts"] == "at_once":
            return ceiling(moment)
        tomorrow = (int(moment // 86400) + 1) * DAY
        return next(self.stretches(tomorrow))[0]

    def due(self, limit: Raw, moment: float) -> int:
        """Return when a limit is over that is never paused."""
        return self.end_of(self.counts_from(limit, moment), limit["working_days"] * self.full_day)


class Task:
    """One task of the export, read at a moment in seconds."""

    def __init__(self, raw: Raw, calendar: Calendar, now: float) -> None:
        self.name, self.department = raw["task"], raw["department"]
        self.after, self.after_any = raw["after"], raw["after_any"]
        self.limit, self.silence, self.calendar = raw["limit"], raw.get("silence"), calendar
        changes = [event for event in raw["events"] if event["from_state"] != event["to_state"]]
        self.steps = [(seconds(e["at"]), e["to_state"], e["pause"]) for e in changes]
        self.is_over = self.steps[-1][1] not in HOLDERS
        self.ended = ceiling(self.steps[-1][0]) if self.is_over else None
        self.moment = self.steps[-1][0] if self.is_over else now
        self.until = self.ended if self.is_over else floor(now)
        self.pieces = list(self._pieces())
        self.begins = ceiling(self.steps[0][0])
        self.read()

    def _pieces(self) -> Iterator[tuple[str, int, int | None, bool]]:
        """Yield who had the task from when to when (None: still), and whether by an overrun."""
        for number, (at, status, pause) in enumerate(self.steps):
            if status not in HOLDERS:
                return
            last = number + 1 == len(self.steps)
            begin, end = ceiling(at), None if last else ceiling(self.steps[number + 1][0])
            holder = HOLDERS[status]
            over = self.calendar.due(pause, at) if pause and holder == PROCEDURE else None
            edge = self.moment if last else end * 60
            if over is not None and over * 60 < edge:
                yield holder, begin, over, False
                yield DEPARTMENT, over, end, True
            elif begin != end:
                yield holder, begin, end, False

    def read(self) -> None:
        """Reckon the clock."""
        self.whole = self.limit["working_days"] * self.calendar.full_day
        self.warned = -(-self.whole * 8 // 10)
        self.consumed, self.overdue = 0, False
        self.starts: int | None = None
        self.warn: int | None = None
        self.due: int | None = None
        self.pause_due: int | None = None
        self.state = self._state()
        begun = [at for at, status, _ in self.steps if HOLDERS.get(status, NOBODY) != NOBODY]
        if begun:
            self.starts = self.calendar.counts_from(self.limit, begun[0])
            self._count(self.starts)
            if self.state == "paused":
                self._pause(self.starts)
        colours = {True: "red", False: "yellow" if self.consumed >= self.warned else "green"}
        self.lamp = colours[self.consumed >= self.whole]

    def _state(self) -> str:
        if self.is_over:
            return "stopped"
        return {DEPARTMENT: "running", NOBODY: "waiting"}.get(self.pieces[-1][0], "paused")

    def _count(self, starts: int) -> None:
        """Add up what counts, and see when the lamp changes on the way."""
        gone_by = 0
        for who, since, end, _ in self.pieces:
            begin = max(since, starts)
            if who != DEPARTMENT or (end is not None and end <= begin):
                continue
            stop = self.until if end is None else min(end, self.until)
            self.consumed += self.calendar.count(begin, stop) if stop > begin else 0
            # A stretch that still lasts has room for everything.
            room = self.whole + 1 if end is None else gone_by + self.calendar.count(begin, end)
            if self.warn is None and self.warned <= room:
                self.warn = self.calendar.end_of(begin, self.warned - gone_by)
            if self.due is None and self.whole <= room:
                self.due = self.calendar.end_of(begin, self.whole - gone_by)
            if self.due is not None and self.due < (ceiling(self.moment) if end is None else end):
                self.overdue = True
            gone_by = room

    def _pause(self, starts: int) -> None:
        """Say when a pause is over at the latest, and when the task is due if it ends now."""
        at, _, pause = self.steps[-1]
        self.pause_due = self.calendar.due(pause, at) if pause else None
        if self.due is None:
            resume = max(self.until, starts)
            self.due = self.calendar.end_of(resume, self.whole - self.consumed)

    def accepted_by_silence(self) -> int | None:
        """Say from when on silence at intake accepts; None where the applicant was asked last."""
        in_hand = [(at, status) for at, status, _ in self.steps if status in HOLDERS]
        if self.silence is None or HOLDERS[in_hand[-1][1]] != DEPARTMENT:
            return None
        return self.calendar.due(self.silence, in_hand[-1][0])

    def held(self, begins: int, until: int) -> list[Raw]:
        """Return who had the task between two minutes, for how many working minutes."""
        sums = {}
        for number, (holder, begin, end, overrun) in enumerate(self.pieces):
            since = max(begin, begins) if number else begins
            stop = until if end is None else min(end, until)
            minutes = self.calendar.count(since, stop) if stop > since else 0
            entry = sums.setdefault(holder, [0, 0])
            entry[0] += minutes
            entry[1] += minutes if overrun else 0
        return [
            {
                "holder": holder,
                "department": self.department if holder == DEPARTMENT else None,
                "minutes": sums[holder][0],
                "overrun": sums[holder][1],
            }
            for holder in ORDER
            if holder in sums and sums[holder][0]
        ]


class Course:
    """All tasks of an application, and which of them decide when it ends."""

    def __init__(self, export: Raw, now: float) -> None:
        versions = {raw["calendar_version"] for raw in export["tasks"]}
        calendars = {version: Calendar(export, version) for version in versions}
        self.now = now
        self.tasks = {
            raw["task"]: Task(raw, calendars[raw["calendar_version"]], now)
            for raw in export["tasks"]
        }
        self.ends = {}

    def end(self, name: str) -> int:
        """Return the minute in which a task was decided, or will be by its limit."""
        if name not in self.ends:
            task = self.tasks[name]
            if task.is_over:
                self.ends[name] = task.ended
            elif task.due is not None:
                self.ends[name] = max(task.due, floor(self.now))
            else:
                before = self.waits_for(name)
                earliest = floor(self.now)
                if before is not None:
                    earliest = max(earliest, self.end(before))
                self.ends[name] = task.calendar.due(task.limit, earliest * 60)
        return self.ends[name]

    def waits_for(self, name: str) -> str | None:
        """Return which task a task waits for longest."""
        if name == INTAKE:
            return None
        task = self.tasks[name]
        best = None
        candidates = [other for other in self.tasks if other in task.after]
        some = [other for other in self.tasks if other in task.after_any]
        first = None
        for other in some:
            if first is None or self.end(other) < self.end(first):
                first = other
        for other in candidates + ([first] if first else []):
            if best is None or self.end(other) > self.end(best):
                best = other
        return best or INTAKE

    def path(self) -> list[Raw]:
        """Return the critical path, the earliest part first."""
        last = None
        for name in self.tasks:
            if last is None or self.end(name) > self.end(last):
                last = name
        chain = [last]
        while self.waits_for(chain[-1]) is not None:
            chain.append(self.waits_for(chain[-1]))
        begins = self.tasks[chain[-1]].begins
        parts = []
        for name in reversed(chain):
            task = self.tasks[name]
            ends = max(begins, self.end(name))
            parts.append(
                {
                    "task": name,
                    "department": task.department,
                    "begins": written(begins),
                    "ends": written(ends),
                    "held": task.held(begins, min(ends, task.until)),
                }
            )
            begins = ends
        return parts


def recompute(export: Raw, at: str | None = None) -> Raw:
    """Return what the clocks of an export say at a moment, by default when it was made."""
    course = Course(export, seconds(at or export["read_at"]))
    tasks = [
        {
            "task": task.name,
            "department": task.department,
            "state": task.state,
            "limit": task.whole,
            "consumed": task.consumed,
            "remaining": task.whole - task.consumed,
            "starts_at": written(task.starts),
            "warn_at": written(task.warn),
            "due_at": written(task.due),
            "pause_due_at": written(task.pause_due),
            "lamp": task.lamp,
            "is_overdue": task.overdue,
            "held": task.held(task.begins, task.until),
            "silence_at": written(task.accepted_by_silence()),
        }
        for task in course.tasks.values()
    ]
    return {"tasks": tasks, "critical_path": course.path()}


def table(said: Raw) -> list[str]:
    """Return what was recomputed as lines for people."""
    head = ("task", "department", "state", "limit", "used", "left", "due (Beijing)", "lamp")
    rows = [head]
    for task in said["tasks"]:
        due = task["due_at"] and datetime.fromisoformat(task["due_at"]).astimezone(BEIJING)
        rows.append(
            (
                *(task["task"], task["department"], task["state"], str(task["limit"])),
                *(str(task["consumed"]), str(task["remaining"])),
                due.strftime("%Y-%m-%d %H:%M") if due else "-",
                task["lamp"] + (" late" if task["is_overdue"] else ""),
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines += ["", "who held what, in working minutes"]
    for task in said["tasks"]:
        for held in task["held"]:
            who = held["department"] or held["holder"]
            overrun = f" ({held['overrun']} of them overrun)" if held["overrun"] else ""
            lines.append(f"  {task['task']}: {who} {held['minutes']}{overrun}")
    lines += ["", "critical path: " + " -> ".join(part["task"] for part in said["critical_path"])]
    return lines


def main() -> None:
    """Read an export, recompute, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("export", type=Path, help="what /events of an application has answered")
    parser.add_argument("--at", help="the moment to read the clocks at (RFC 3339)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    said = recompute(json.loads(asked.export.read_text(encoding="utf-8")), asked.at)
    if asked.json:
        json.dump(said, sys.stdout, ensure_ascii=False, indent=2)
        print()
    else:
        print("\n".join(table(said)))


if __name__ == "__main__":
    main()
