"""Applications: what a citizen asks for once, from the draft to its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from plugins.permits.values.bundles import Limit, Starts
from plugins.permits.values.fees import FeeView

MOST_WORDS = 1_000
MOST_DRAFTS = 20
INTAKE_SILENCE = Limit(5, Starts.NEXT_DAY)
"""How long the lead department has to say what is missing: whoever is silent has accepted.

Administrative Licensing Law, art. 32 (4) and 82. What a bundle promises is shorter, as a rule.
"""


class ApplicationStatus(StrEnum):
    """How far an application has come."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    SUPPLEMENT_REQUIRED = "supplement_required"
    NOT_ACCEPTED = "not_accepted"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    ALL_DECIDED = "all_decided"
    ISSUING = "issuing"
    COMPLETED = "completed"
    PARTLY_COMPLETED = "partly_completed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


ENDED = frozenset(
    {
        ApplicationStatus.NOT_ACCEPTED,
        ApplicationStatus.COMPLETED,
        ApplicationStatus.PARTLY_COMPLETED,
        ApplicationStatus.REFUSED,
        ApplicationStatus.WITHDRAWN,
        ApplicationStatus.LAPSED,
    }
)
"""The states in which nothing more happens."""

AT_INTAKE = frozenset({ApplicationStatus.SUBMITTED, ApplicationStatus.SUPPLEMENT_REQUIRED})
"""The states in which the lead department has not yet said whether it accepts."""


class NotAcceptedReason(StrEnum):
    """Why an application is not accepted (Administrative Licensing Law, art. 32)."""

    NOT_NEEDED = "not-needed"
    OTHER_AUTHORITY = "other-authority"
    NOT_ENTITLED = "not-entitled"
    NOT_SUPPLEMENTED = "not-supplemented"


class AcceptanceReason(StrEnum):
    """Why an application counts as accepted that nobody has accepted."""

    NOT_TOLD = "not-told-in-time"


class Remedy(StrEnum):
    """What a citizen can do against a refusal, and within how many days.

    Administrative Reconsideration Law (2023), art. 20; Administrative Litigation Law, art. 46.
    """

    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"


REMEDY_TERMS: Mapping[Remedy, str] = {
    Remedy.RECONSIDERATION: "P60D",
    Remedy.LITIGATION: "P6M",
}
"""How long after the decision is known a remedy is open, as durations of ISO 8601."""


@dataclass(frozen=True, slots=True)
class DraftWish:
    """What a citizen begins: a bundle, and the answers there are so far."""

    bundle: str
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskBrief:
    """A part of an application as its citizen sees it: who has it, since when, and until when."""

    id: UUID
    template: str
    title: Mapping[str, str]
    department: str
    status: str
    reason: str | None
    since: datetime
    ready_at: datetime | None
    due_at: datetime | None
    decided_at: datetime | None
    words: str | None
    conditions: str | None
    remedies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SupplementView:
    """What was asked of a citizen, by which department and until when, and what they answered."""

    id: UUID
    application_id: UUID
    task_id: UUID | None
    number: int
    department: str
    words: str | None
    fields: Sequence[str]
    materials: Sequence[str]
    status: str
    is_defect: bool
    asked_at: datetime | None
    due_at: datetime | None
    answered_at: datetime | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class ResultView:
    """What was decided in the end: the document, and its SHA-256."""

    content: Mapping[str, Any]
    digest: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application as its citizen sees it; nobody of the departments is named in it."""

    id: UUID
    bundle: str
    bundle_version: int
    title: Mapping[str, str]
    service: str
    lead: str
    status: str
    version: int
    answers: Mapping[str, Any]
    created_at: datetime
    submitted_at: datetime | None
    accepted_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None
    reason: str | None
    words: str | None
    tasks: Sequence[TaskBrief]
    supplements: Sequence[SupplementView]
    fees: Sequence[FeeView]
    result: ResultView | None


@dataclass(frozen=True, slots=True)
class ApplicationLine:
    """An application in a list."""

    id: UUID
    bundle: str
    title: Mapping[str, str]
    service: str
    status: str
    version: int
    created_at: datetime
    submitted_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None
