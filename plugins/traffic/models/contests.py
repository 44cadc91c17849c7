"""Objections to notices and decisions."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from plugins.traffic.models.base import one_of
from plugins.traffic.models.petitions import Petition
from plugins.traffic.values import ContestKind, ContestStatus


class Contest(Petition):
    """An objection: each kind is open to a violation once, and one at a time.

    Whoever recorded the violation never decides on it: `recorder` and `reviewer_badge` are badges.
    """

    __tablename__ = "contests"
    __table_args__ = (
        one_of("status", ContestStatus),
        one_of("kind", ContestKind),
        Unique("violation_id", "kind"),
        Index(
            "uq_contests_violation_id_open",
            "violation_id",
            unique=True,
            postgresql_where="status in ('submitted', 'evidence_requested', 'under_review')",
        ),
        CheckConstraint("reviewer_badge <> recorder", name="recorder"),
        CheckConstraint("(reviewer is null) = (reviewer_badge is null)", name="reviewer"),
        CheckConstraint(
            "status in ('submitted', 'evidence_requested', 'under_review') or "
            "num_nonnulls(reviewer, decided_at, reason) = 3",
            name="decided",
        ),
        CheckConstraint("(status = 'reduced') = (reduced_to is not null)", name="reduced_to"),
        Index(None, "status", "filed_at", "id"),
        Index(
            "ix_contests_similar",
            "offence_code",
            "decided_at",
            postgresql_where="decided_at is not null",
        ),
    )

    ENTITY: ClassVar[str] = "traffic_contest"
    FIRST: ClassVar[frozenset[StrEnum]] = frozenset({ContestStatus.SUBMITTED})
    MOVES: ClassVar[Mapping[StrEnum, frozenset[StrEnum]]] = {
        ContestStatus.SUBMITTED: frozenset({ContestStatus.UNDER_REVIEW}),
        ContestStatus.EVIDENCE_REQUESTED: frozenset({ContestStatus.UNDER_REVIEW}),
        ContestStatus.UNDER_REVIEW: frozenset(
            {
                ContestStatus.EVIDENCE_REQUESTED,
                ContestStatus.UPHELD,
                ContestStatus.REDUCED,
                ContestStatus.CANCELLED,
            }
        ),
        ContestStatus.UPHELD: frozenset(),
        ContestStatus.REDUCED: frozenset(),
        ContestStatus.CANCELLED: frozenset(),
    }

    offence_code: Mapped[str]
    ground: Mapped[str]
    evidence: Mapped[list[Any]]
    recorder: Mapped[str]
    reviewer: Mapped[UUID | None]
    reviewer_badge: Mapped[str | None]
    filed_at: Mapped[datetime]
    reduced_to: Mapped[int | None] = mapped_column(BigInteger)
