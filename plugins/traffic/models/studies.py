"""Courses that take points of a licence away."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from app.sdk import Stateful
from plugins.traffic.models.base import Base, one_of
from plugins.traffic.values import StudyKind, StudyStatus


class Study(Base, Stateful):
    """A request to have points taken away for a course; a course counts once in the city.

    It is written down before the police are told, and told under its id until they answer.
    """

    __tablename__ = "studies"
    __table_args__ = (
        one_of("status", StudyStatus),
        one_of("kind", StudyKind),
        CheckConstraint("points between 1 and 12", name="points"),
        CheckConstraint("(status = 'requested') = (decided_at is null)", name="decided"),
        CheckConstraint("(status = 'refused') = (refusal is not null)", name="refusal"),
        Index(
            "uq_studies_study_no_live",
            "study_no",
            unique=True,
            postgresql_where="status <> 'refused'",
        ),
        Index("ix_studies_waiting", "requested_at", postgresql_where="status = 'requested'"),
        Index(None, "licence_index", "finished_on"),
    )

    ENTITY: ClassVar[str] = "traffic_study"
    FIRST: ClassVar[frozenset[StrEnum]] = frozenset({StudyStatus.REQUESTED})
    MOVES: ClassVar[Mapping[StrEnum, frozenset[StrEnum]]] = {
        StudyStatus.REQUESTED: frozenset({StudyStatus.CREDITED, StudyStatus.REFUSED}),
        StudyStatus.CREDITED: frozenset(),
        StudyStatus.REFUSED: frozenset(),
    }

    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    licence_index: Mapped[bytes]
    study_no: Mapped[str]
    kind: Mapped[str]
    finished_on: Mapped[date]
    points: Mapped[int]
    refusal: Mapped[str | None]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
