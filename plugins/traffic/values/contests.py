"""Objections: to what, why, how far they come, and what is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from plugins.traffic.values.petitions import PetitionView


class ContestKind(StrEnum):
    """What is objected to: the notice, the decision before its authority, or before a court."""

    DEFENCE = "defence"
    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"


class ContestStatus(StrEnum):
    """How far an objection has come; the last three are what an officer decided."""

    SUBMITTED = "submitted"
    EVIDENCE_REQUESTED = "evidence_requested"
    UNDER_REVIEW = "under_review"
    UPHELD = "upheld"
    REDUCED = "reduced"
    CANCELLED = "cancelled"


class Ground(StrEnum):
    """Why somebody objects."""

    NOT_MY_VEHICLE = "not-my-vehicle"
    NOT_THE_DRIVER = "not-the-driver"
    FACTS_WRONG = "facts-wrong"
    EMERGENCY = "emergency"
    SIGNS_UNCLEAR = "signs-unclear"
    PROCEDURE = "procedure"
    TOO_SEVERE = "too-severe"
    OTHER = "other"


OPEN_CONTEST = frozenset(
    {ContestStatus.SUBMITTED, ContestStatus.EVIDENCE_REQUESTED, ContestStatus.UNDER_REVIEW}
)
"""The states in which an officer's word is still awaited."""


@dataclass(frozen=True, slots=True)
class NewContest:
    """An objection to file: evidence is known by its SHA-256, the files stay where they are."""

    kind: ContestKind
    ground: Ground
    statement: str
    evidence: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestView(PetitionView):
    """An objection as its citizen sees it."""

    ground: str
    evidence: list[Any]
    filed_at: datetime
    reduced_to: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an officer decides of an objection; `reduced_to` in fen when it is reduced."""

    outcome: ContestStatus
    reduced_to: int | None
    reason: str
