"""The graph of a bundle's tasks: which may begin, and which never will."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from plugins.permits.values.bundles import TaskTemplate
from plugins.permits.values.tasks import FINAL, GRANTED, TaskStatus


class End(StrEnum):
    """What the end of a task means for those that come after it."""

    PASSED = "passed"
    FAILED = "failed"


class Standing(StrEnum):
    """Where a task stands that has not begun."""

    READY = "ready"
    WAITING = "waiting"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Steps:
    """What follows from the ends there are: tasks that may begin, and tasks that never will."""

    ready: tuple[str, ...]
    blocked: tuple[str, ...]


def end_of(status: TaskStatus) -> End | None:
    """Return what a task's state means for its successors, or None while it is open.

    Whoever is left out because of a refusal has failed, too. Tasks that the answers leave out do
    not stand in the graph: `tasks_for` has put their predecessors in their place.
    """
    if status in GRANTED:
        return End.PASSED
    return End.FAILED if status in FINAL else None


def standing_of(task: TaskTemplate, ends: Mapping[str, End]) -> Standing:
    """Say whether a task may begin: all of `after` have passed, and one of `after_any`.

    One that has failed of `after` blocks, or all of `after_any`.
    """
    before = [ends.get(name) for name in task.after]
    some = [ends.get(name) for name in task.after_any]
    if End.FAILED in before or (some and all(end is End.FAILED for end in some)):
        return Standing.BLOCKED
    if None in before or (some and End.PASSED not in some):
        return Standing.WAITING
    return Standing.READY


def follow(tasks: Iterable[TaskTemplate], ends: Mapping[str, End], waiting: Iterable[str]) -> Steps:
    """Return what becomes of the tasks that wait, whoever waits for whom among them.

    A task that is blocked has failed, and may block others.
    """
    by_id = {task.id: task for task in tasks}
    left = [name for name in by_id if name in set(waiting)]
    known = dict(ends)
    blocked: list[str] = []
    while found := [n for n in left if standing_of(by_id[n], known) is Standing.BLOCKED]:
        blocked += found
        known |= dict.fromkeys(found, End.FAILED)
        left = [name for name in left if name not in known]
    ready = [name for name in left if standing_of(by_id[name], known) is Standing.READY]
    return Steps(tuple(ready), tuple(blocked))
