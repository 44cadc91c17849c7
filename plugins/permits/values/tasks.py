"""Tasks: what one department does for an application, who has it, and how it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from plugins.permits.values.bundles import Limit, Starts

LEASE = timedelta(minutes=30)
"""How long a task stays with whoever has claimed it and does nothing."""
SUPPLEMENT_LIMIT = Limit(15, Starts.NEXT_DAY)
"""How long a citizen has to answer what a department asks."""
MOST_CONSULTED = 20
"""The longest time for the answer of another department, in working days."""


class TaskStatus(StrEnum):
    """How far a task has come."""

    WAITING = "waiting"
    READY = "ready"
    CLAIMED = "claimed"
    IN_REVIEW = "in_review"
    SUPPLEMENT_ASKED = "supplement_asked"
    SPECIAL_PROCEDURE = "special_procedure"
    CONSULTING = "consulting"
    PROPOSED = "proposed"
    APPROVED = "approved"
    APPROVED_WITH_CONDITIONS = "approved_with_conditions"
    REFUSED = "refused"
    DEEMED_APPROVED = "deemed_approved"
    DEEMED_REFUSED = "deemed_refused"
    NOT_APPLICABLE = "not_applicable"
    WITHDRAWN = "withdrawn"


GRANTED = frozenset(
    {TaskStatus.APPROVED, TaskStatus.APPROVED_WITH_CONDITIONS, TaskStatus.DEEMED_APPROVED}
)
"""The ends that give the citizen what was asked for."""

REFUSED = frozenset({TaskStatus.REFUSED, TaskStatus.DEEMED_REFUSED})
"""The ends that do not."""

DECIDED = GRANTED | REFUSED
"""The ends that are a decision of a department, or of its silence."""

FINAL = DECIDED | {TaskStatus.NOT_APPLICABLE, TaskStatus.WITHDRAWN}
"""The states in which nothing more happens to a task."""

HELD = frozenset(
    {
        TaskStatus.CLAIMED,
        TaskStatus.IN_REVIEW,
        TaskStatus.SUPPLEMENT_ASKED,
        TaskStatus.SPECIAL_PROCEDURE,
        TaskStatus.CONSULTING,
        TaskStatus.PROPOSED,
    }
)
"""The states in which an officer has a task before them, or may."""

PAUSED = frozenset({TaskStatus.SUPPLEMENT_ASKED, TaskStatus.SPECIAL_PROCEDURE})
"""The states in which the time of a task stands still."""


class Lamp(StrEnum):
    """How much of its time a task has used."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class TaskReason(StrEnum):
    """Why a task ended as it did, where no officer of its department decided."""

    CONDITION = "condition"
    PREDECESSOR_REFUSED = "predecessor-refused"
    BUNDLE_REFUSED = "bundle-refused"
    SILENCE = "silence"


class RefusalReason(StrEnum):
    """Why a department refuses (Administrative Licensing Law, art. 38: reasons are given)."""

    CONDITIONS_NOT_MET = "conditions-not-met"
    MATERIALS_UNTRUE = "materials-untrue"
    AGAINST_PLAN = "against-plan"
    RIGHTS_OF_OTHERS = "rights-of-others"
    PUBLIC_SAFETY = "public-safety"
    PROHIBITED = "prohibited"


class Stage(StrEnum):
    """What a line of the record of decisions is: a clerk's proposal, or the decision."""

    PROPOSED = "proposed"
    FINAL = "final"


class SupplementStatus(StrEnum):
    """How far the asking for a supplement has come; the second waits for a superior."""

    WANTED = "wanted"
    ASKED = "asked"
    ANSWERED = "answered"
    DECLINED = "declined"
    ENDED = "ended"


class Opinion(StrEnum):
    """What a consulted department, or a member of a joint meeting, says."""

    AGREED = "agreed"
    DISAGREED = "disagreed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is proposed or decided: the outcome, and its conditions or its reason."""

    outcome: TaskStatus
    words: str | None = None
    conditions: str | None = None
    reason: RefusalReason | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a citizen: words, and the fields and materials they are about."""

    words: str
    fields: Sequence[str] = ()
    materials: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ConsultationWish:
    """What is asked of another department, and within how many working days."""

    department: str
    question: str
    working_days: int


@dataclass(frozen=True, slots=True)
class Caller:
    """A member of staff at the desk: who, and of which department."""

    staff_id: UUID
    department: str


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in a department's list; no citizen is named in it."""

    id: UUID
    application_id: UUID
    bundle: str
    template: str
    title: Mapping[str, str]
    department: str
    status: str
    version: int
    is_mine: bool
    is_held: bool
    lease_until: datetime | None
    ready_at: datetime | None
    due_at: datetime | None
    lamp: str | None


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A proposal or a decision, as the department has it."""

    stage: str
    outcome: str
    reason: str | None
    words: str | None
    conditions: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ConsultationView:
    """A question of one department to another; `is_silent` where none has come in its time."""

    id: UUID
    task_id: UUID
    asking: str
    department: str
    question: str | None
    asked_at: datetime
    working_days: int
    due_at: datetime | None
    lamp: Lamp | None
    is_silent: bool
    opinion: str | None
    answer: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProcedureView:
    """A special procedure: its code, since when, until when, and what came of it."""

    id: UUID
    kind: str
    begun_at: datetime
    working_days: int
    due_at: datetime | None
    ended_at: datetime | None
    result: str | None


@dataclass(frozen=True, slots=True)
class MeetingView:
    """A joint meeting: who is invited, what each said, the minutes, and whether all agreed."""

    id: UUID
    task_id: UUID
    departments: Sequence[str]
    opinions: Mapping[str, str]
    minutes: str | None
    is_agreed: bool | None
    called_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as its department sees it, with the answers that it needs and no others."""

    line: TaskLine
    answers: Mapping[str, Any]
    supplements: Sequence[Any]
    consultations: Sequence[ConsultationView]
    procedures: Sequence[ProcedureView]
    meetings: Sequence[MeetingView]
    decisions: Sequence[DecisionView]
