"""Who holds a file, for how long, and who decides when it ends: pure functions of what happened.

Each working minute of a task has one owner. Of an application, whose tasks go side by side, each
has one along the critical path: of tasks that wait for each other the chain that ends last.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

from plugins.permits.service.clock import cut_segments, read_clock
from plugins.permits.values.attribution import Held, PathPart, Plan, PlannedTask
from plugins.permits.values.calendar import Calendar, down_to_minute, up_to_minute
from plugins.permits.values.clock import INTAKE, Holder, Reading, TaskHistory


class Course:
    """The course of an application until a moment: its intake and its tasks in their graph.

    The first history is the intake; tasks without predecessors come after it. Where two are equal
    the one that stands first is taken. `calendars` has today's, and those that a history names.
    """

    def __init__(
        self,
        histories: Sequence[TaskHistory],
        calendar: Calendar,
        moment: datetime,
        calendars: Mapping[int, Calendar] | None = None,
    ) -> None:
        self.calendar = calendar
        self.moment = moment
        self._calendars = calendars or {}
        self.histories = {history.task: history for history in histories}
        self._ends: dict[str, datetime] = {}

    @cached_property
    def readings(self) -> Mapping[str, Reading]:
        """Return what the clock of each task says."""
        return {
            task: read_clock(h.steps, h.limit, self.calendar_of(task), self.moment)
            for task, h in self.histories.items()
        }

    def calendar_of(self, task: str) -> Calendar:
        """Return the calendar by which a task is counted."""
        version = self.histories[task].calendar_version
        return self.calendar if version is None else self._calendars[version]

    def held(self, task: str) -> tuple[Held, ...]:
        """Return who has had a task in hand for how many working minutes."""
        history = self.histories[task]
        begins = up_to_minute(history.steps[0].at)
        return self._held(task, begins, self._until(history))

    def path(self) -> list[PathPart]:
        """Return the critical path from the intake on; its parts follow each other without gap.

        What is not decided ends by its limit, counted from when it can begin at the earliest.
        """
        last = max(self.histories, key=self.expected_end)
        chain = [last]
        while (before := self.decisive(chain[-1])) is not None:
            chain.append(before)
        parts = []
        begins = up_to_minute(self.histories[chain[-1]].steps[0].at)
        for task in reversed(chain):
            history = self.histories[task]
            ends = max(begins, self.expected_end(task))
            held = self._held(task, begins, min(ends, self._until(history)))
            parts.append(PathPart(task, history.department, begins, ends, held))
            begins = ends
        return parts

    def expected_end(self, task: str) -> datetime:
        """Return when a task was decided, or will be if its department uses its limit."""
        found = self._ends.get(task)
        if found is None:
            found = self._ends[task] = self._expected_end(task)
        return found

    def decisive(self, task: str) -> str | None:
        """Return what a task waits for, or has waited for, longest; None for the intake."""
        history = self.histories[task]
        if task == INTAKE:
            return None
        first_of_any = min(self._known(history.after_any), key=self.expected_end, default=None)
        waits_for = [*self._known(history.after), *([first_of_any] if first_of_any else [])]
        return max(waits_for, key=self.expected_end, default=INTAKE)

    def plan(self, finish_by: datetime) -> Plan:
        """Return who has to finish by when, so that everything is decided by a moment.

        A backward pass: a task has to leave those after it the time that they need.
        """
        own = {task: self._minutes_left(task) for task in self.histories}
        following = self._followers()
        tails: dict[str, int] = {}

        def tail(task: str) -> int:
            if task not in tails:
                tails[task] = max((own[s] + tail(s) for s in following[task]), default=0)
            return tails[task]

        now, finish_by = down_to_minute(self.moment), down_to_minute(finish_by)
        window = self.calendar.minutes_between(now, finish_by)
        open_tasks = [t for t, history in self.histories.items() if history.ended_at is None]
        longest = max((own[task] + tail(task) for task in open_tasks), default=0)
        planned = []
        for task in open_tasks:
            left_to_others = tail(task) if longest <= window else tail(task) * window // longest
            by = self.calendar.after(now, window - left_to_others)
            department = self.histories[task].department
            planned.append(PlannedTask(task, department, by, own[task]))
        return Plan(finish_by, window, longest, tuple(planned))

    def _expected_end(self, task: str) -> datetime:
        history = self.histories[task]
        if history.ended_at is not None:
            return up_to_minute(history.ended_at)
        due_at = self.readings[task].due_at
        if due_at is not None:
            return max(due_at, down_to_minute(self.moment))
        before = self.decisive(task)
        earliest = down_to_minute(self.moment)
        if before is not None:
            earliest = max(earliest, self.expected_end(before))
        return self.calendar.due(history.limit, earliest)

    def _minutes_left(self, task: str) -> int:
        history = self.histories[task]
        return 0 if history.ended_at else max(0, self.readings[task].remaining)

    def _followers(self) -> Mapping[str, list[str]]:
        following: dict[str, list[str]] = defaultdict(list)
        for task, history in self.histories.items():
            if task == INTAKE:
                continue
            waits_for = set(self._known(history.after))
            if decisive := self.decisive(task):
                waits_for.add(decisive)
            for before in waits_for:
                following[before].append(task)
        return following

    def _known(self, tasks: Sequence[str]) -> list[str]:
        """Return those of some tasks that this application has, in the order of the template."""
        return [task for task in self.histories if task in tasks]

    def _until(self, history: TaskHistory) -> datetime:
        ended = history.ended_at
        return down_to_minute(self.moment) if ended is None else up_to_minute(ended)

    def _held(self, task: str, begins: datetime, until: datetime) -> tuple[Held, ...]:
        history = self.histories[task]
        moment = history.ended_at or self.moment
        minutes: dict[Holder, list[int]] = {}
        calendar = self.calendar_of(task)
        for number, segment in enumerate(cut_segments(history.steps, calendar, moment)):
            # The first holder answers for the moment between a decision and what it sets going.
            since = max(segment.begins, begins) if number else begins
            end = until if segment.ends is None else min(segment.ends, until)
            count = calendar.minutes_between(since, end)
            sums = minutes.setdefault(segment.holder, [0, 0])
            sums[0] += count
            sums[1] += count if segment.is_overrun else 0
        departments = {Holder.DEPARTMENT: history.department}
        return tuple(
            Held(holder, departments.get(holder), *minutes[holder])
            for holder in Holder
            if holder in minutes and minutes[holder][0]
        )
