"""What a clock of a task reads, what time brings to it, and what is raised about it.

The working minutes that it counts are those of `values/calendar.py`; whose they are stands in
`values/attribution.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from plugins.permits.values.bundles import Limit
from plugins.permits.values.tasks import Lamp


class Holder(StrEnum):
    """Who has a task in hand; each working minute of it belongs to exactly one."""

    DEPARTMENT = "department"
    APPLICANT = "applicant"
    PROCEDURE = "procedure"
    NOBODY = "nobody"


HOLDERS: Mapping[str, Holder] = {
    "submitted": Holder.DEPARTMENT,
    "supplement_required": Holder.APPLICANT,
    "waiting": Holder.NOBODY,
    "ready": Holder.DEPARTMENT,
    "claimed": Holder.DEPARTMENT,
    "in_review": Holder.DEPARTMENT,
    "consulting": Holder.DEPARTMENT,
    "proposed": Holder.DEPARTMENT,
    "supplement_asked": Holder.APPLICANT,
    "special_procedure": Holder.PROCEDURE,
}
"""Who has an intake (the first two) or a task in hand in each state; in any other it is over."""


class ClockState(StrEnum):
    """Whether the minutes of a limit go by: not yet, now, not for a while, or never again."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a task's state as its event says it; `pause` is the limit of a pause."""

    at: datetime
    status: str
    cause: str = ""
    pause: Limit | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a task's life with one holder; `ends` is None while it lasts.

    A minute belongs to it that begins within it. `is_overrun` says that a procedure is longer than
    its own limit, so that the department answers for it again.
    """

    holder: Holder
    status: str
    begins: datetime
    ends: datetime | None
    is_overrun: bool = False

    @property
    def counts(self) -> bool:
        """Say whether the limit of the task runs meanwhile."""
        return self.holder is Holder.DEPARTMENT


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock of a task says at a moment, in working minutes.

    `starts_at` is from when the limit counts. `remaining` falls below zero when it is used up.
    `due_at` is when it is, or would be if the clock ran on from here; a task that was decided with
    time to spare has none. A pause has a limit of its own, `pause_due_at`. `is_provisional` warns
    that the days up to then may still change.
    """

    state: ClockState
    limit: int
    consumed: int = 0
    starts_at: datetime | None = None
    warn_at: datetime | None = None
    due_at: datetime | None = None
    pause_due_at: datetime | None = None
    lamp: Lamp = Lamp.GREEN
    is_overdue: bool = False
    is_provisional: bool = False

    @property
    def remaining(self) -> int:
        """Return how many working minutes are left."""
        return self.limit - self.consumed


class Alarm(StrEnum):
    """What is raised once about a task: at four fifths, before silence decides, and at the end."""

    WARNING = "warning"
    LAST_WARNING = "last_warning"
    OVERDUE = "overdue"


class Duty(StrEnum):
    """What time brings to a task, in the order in which it is done when several things are due."""

    END_PAUSE = "end_pause"
    WARN_CONSULTED = "warn_consulted"
    END_CONSULTATIONS = "end_consultations"
    TURN_YELLOW = "turn_yellow"
    WARN_AGAIN = "warn_again"
    TURN_RED = "turn_red"
    DEEM = "deem"
    ACCEPT = "accept"
    LAPSE = "lapse"


@dataclass(frozen=True, slots=True)
class Due:
    """A duty, and since when or from when on it is due."""

    duty: Duty
    at: datetime


INTAKE = "intake"
"""The name of what comes before all tasks: seeing whether an application is complete."""


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """What a clock needs of one task: its place in the graph, its limit and what happened to it.

    `after` are tasks that must all be decided first, `after_any` such of which one must be. What is
    over keeps the version of the calendar that was known when it ended; None means today's.
    `silence` is how long the intake may say nothing before the application counts as accepted.
    """

    task: str
    department: str
    limit: Limit
    after: tuple[str, ...]
    after_any: tuple[str, ...]
    steps: tuple[Step, ...]
    calendar_version: int | None = None
    silence: Limit | None = None

    @property
    def begun_at(self) -> datetime | None:
        """Return when it came into somebody's hands."""
        nobody = Holder.NOBODY
        return next((s.at for s in self.steps if HOLDERS.get(s.status, nobody) != nobody), None)

    @property
    def ended_at(self) -> datetime | None:
        """Return when it was decided or withdrawn."""
        last = self.steps[-1]
        return None if last.status in HOLDERS else last.at


@dataclass(frozen=True, slots=True)
class AlarmView:
    """What was raised about a task, for whoever has to see to it.

    Of a consultation `department` is the one that was asked, and `asking` the one that asks.
    """

    id: UUID
    kind: str
    application_id: UUID
    task: str
    department: str
    lead: str
    consultation_id: UUID | None
    asking: str | None
    due_at: datetime
    raised_at: datetime
    seen_at: datetime | None
