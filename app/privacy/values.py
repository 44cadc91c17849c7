"""Data classes, states, and what the room takes and gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DataClass(StrEnum):
    """How a column is to be handled; `secret` is never shown to anybody, its owner included."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    SECRET = "secret"  # noqa: S105 - a word, not one


ABOUT_A_PERSON = frozenset({DataClass.PERSONAL, DataClass.SENSITIVE})


class Closing(StrEnum):
    """What becomes of a table's rows about a citizen when their account is closed."""

    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its class, and for what a personal one is kept."""

    name: str
    data_class: DataClass
    purpose: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table of the inventory.

    `subject` is the SQL condition that finds a citizen's rows (`:citizen` is their id), None for a
    table without any. `withheld` says why an export leaves the table out, `kept` which law
    keeps its rows readable after a closing, `blank` what else a closing empties in them.
    """

    name: str
    purpose: Mapping[str, str]
    subject: str | None
    closing: Closing
    withheld: str | None
    kept: str | None
    sealed_by: str
    blank: tuple[str, ...]
    columns: tuple[Column, ...]

    def names_of(self, *classes: DataClass) -> frozenset[str]:
        """Return the names of the columns of these classes."""
        return frozenset(c.name for c in self.columns if c.data_class in classes)


class ExportStatus(StrEnum):
    """Where a copy of somebody's data is."""

    REQUESTED = "requested"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


class CorrectionStatus(StrEnum):
    """Where a request for correction is."""

    SUBMITTED = "submitted"
    APPLIED = "applied"
    DECLINED = "declined"


class CorrectionOf(StrEnum):
    """What is to be corrected."""

    NAME = "name"
    OTHER = "other"


class ClosureStatus(StrEnum):
    """Where the closing of an account is; `erased` when every plug-in has confirmed."""

    PENDING = "pending"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something open that keeps an account from being closed."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class ExportView:
    """A copy of the caller's data, or its way there; `missing` have not given their part yet."""

    id: UUID
    status: str
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class ExportContent:
    """Everything that is kept about a citizen: the house's tables, and each plug-in's own."""

    citizen_id: UUID
    generated_at: datetime
    house: Mapping[str, Sequence[Mapping[str, object]]]
    plugins: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """What a citizen says is wrong, what is right, and what proves it."""

    what: CorrectionOf
    proposed: str
    evidence: str


@dataclass(frozen=True, slots=True)
class CorrectionView:
    """A request for correction; the values are opened for its citizen and its reviewer."""

    id: UUID
    status: str
    what: str
    proposed: str
    evidence: str
    reason: str | None
    submitted_at: datetime
    due_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """A request for correction in the reviewers' list: nothing personal is in it."""

    id: UUID
    status: str
    what: str
    submitted_at: datetime
    due_at: datetime
    decided_at: datetime | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class ClosureView:
    """The closing of the caller's account."""

    id: UUID
    status: str
    asked_at: datetime
    due_at: datetime
