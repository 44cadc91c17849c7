"""Requests of those in hardship."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from plugins.traffic.models.base import one_of
from plugins.traffic.models.petitions import Petition
from plugins.traffic.values import ReliefKind, ReliefStatus


class Relief(Petition):
    """What somebody in hardship asks for: to pay later, or in parts; an officer decides."""

    __tablename__ = "reliefs"
    __table_args__ = (
        one_of("status", ReliefStatus),
        one_of("kind", ReliefKind),
        Index(
            "uq_reliefs_violation_id_open",
            "violation_id",
            unique=True,
            postgresql_where="status = 'requested'",
        ),
        CheckConstraint(
            "case kind when 'deferral' then pay_later_by is not null and parts is null "
            "else coalesce(parts, 0) between 2 and 24 and pay_later_by is null end",
            name="wish",
        ),
        CheckConstraint(
            "num_nonnulls(officer, decided_at, reason)"
            " = case status when 'requested' then 0 else 3 end",
            name="decided",
        ),
        Index(None, "violation_id"),
    )

    ENTITY: ClassVar[str] = "traffic_relief"
    FIRST: ClassVar[frozenset[StrEnum]] = frozenset({ReliefStatus.REQUESTED})
    MOVES: ClassVar[Mapping[StrEnum, frozenset[StrEnum]]] = {
        ReliefStatus.REQUESTED: frozenset({ReliefStatus.GRANTED, ReliefStatus.REFUSED}),
        ReliefStatus.GRANTED: frozenset(),
        ReliefStatus.REFUSED: frozenset(),
    }

    pay_later_by: Mapped[date | None]
    parts: Mapped[int | None]
    asked_at: Mapped[datetime]
    officer: Mapped[UUID | None]
