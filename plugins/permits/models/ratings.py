"""Ratings of applications that are over."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, now
from plugins.permits.models.base import SCHEMA, Base, among, one_of
from plugins.permits.values.ratings import CONTENT, OVER, RatingStatus

_S = RatingStatus


class Rating(Stateful, Base):
    """What a citizen says of an application, once; the words are sealed.

    `rated` are the officers who had a hand in it: none of them ever gets the rating to work on,
    which PostgreSQL holds. Who called back is not who had it. Whoever is erased takes reference,
    letterbox and texts with them.
    """

    ENTITY: ClassVar = "permits_rating"
    FIRST: ClassVar = frozenset({_S.RECORDED, _S.RECEIVED})
    MOVES: ClassVar = {
        _S.RECEIVED: frozenset({_S.ASSIGNED}),
        _S.ASSIGNED: frozenset({_S.ASSIGNED, _S.CONTACTED}),
        _S.CONTACTED: frozenset({_S.ASSIGNED, _S.RECTIFIED, _S.NOT_FOUNDED}),
        _S.RECTIFIED: frozenset({_S.CALLED_BACK}),
        _S.NOT_FOUNDED: frozenset({_S.CALLED_BACK}),
        _S.CALLED_BACK: frozenset({_S.ASSIGNED, _S.CLOSED}),
    }

    __tablename__ = "ratings"
    __table_args__ = (
        one_of("status", RatingStatus),
        CheckConstraint("grade between 1 and 5", name="grade"),
        CheckConstraint(f"(status = 'recorded') = (grade >= {CONTENT})", name="recorded"),
        CheckConstraint(
            "rated_at >= ended_at and rated_at <= ended_at + interval '720 hours'", name="rated_at"
        ),
        CheckConstraint(
            f"{among('status', {_S.RECORDED, _S.RECEIVED})} or assigned_to is not null",
            name="assigned_to",
        ),
        CheckConstraint(
            "assigned_to is null or not rated @> to_jsonb(assigned_to::text)", name="not_the_rated"
        ),
        CheckConstraint("called_back_by != assigned_to", name="called_back_by"),
        CheckConstraint(f"({among('status', OVER)}) = (due_at is null)", name="due_at"),
        Index("uq_ratings_application_id", "application_id", unique=True),
        Index(None, "bundle", "rated_at"),
        Index("ix_ratings_due_at", "due_at", "id", postgresql_where="due_at is not null"),
    )

    application_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.applications.id"))
    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    bundle: Mapped[str]
    department: Mapped[str]
    ended_at: Mapped[datetime]
    rated: Mapped[list[Any]]
    grade: Mapped[int]
    indicators: Mapped[dict[str, Any]]
    words_sealed: Mapped[bytes | None]
    rated_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime | None]
    assigned_to: Mapped[UUID | None]
    answer_sealed: Mapped[bytes | None]
    called_back_by: Mapped[UUID | None]
