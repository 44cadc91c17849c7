"""Tasks, what was decided in them, and what departments asked and held on the way."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, new_id, now
from plugins.permits.models.base import SCHEMA, Base, among, one_of
from plugins.permits.values.bundles import Procedure as Kind
from plugins.permits.values.tasks import (
    DECIDED,
    FINAL,
    HELD,
    Lamp,
    Opinion,
    Stage,
    TaskStatus,
)

_S = TaskStatus
# What may come over any task that is open: the whole bundle is refused, withdrawn or lapses.
_ANY = {_S.REFUSED, _S.WITHDRAWN}
_DEEMED = {_S.DEEMED_APPROVED, _S.DEEMED_REFUSED}


class Task(Stateful, Base):
    """What one department decides for an application.

    `holder` has it until `lease_until`; afterwards another officer may claim it, which is a move
    from its state to the same one. What was decided stands in its final line of `decisions`.
    """

    ENTITY: ClassVar = "permits_task"
    FIRST: ClassVar = frozenset({_S.WAITING})
    MOVES: ClassVar = {
        _S.WAITING: frozenset({_S.READY, _S.NOT_APPLICABLE, *_ANY}),
        _S.READY: frozenset({_S.CLAIMED, *_ANY, *_DEEMED}),
        _S.CLAIMED: frozenset({_S.CLAIMED, _S.READY, _S.IN_REVIEW, *_ANY, *_DEEMED}),
        _S.IN_REVIEW: frozenset(
            {
                *(_S.IN_REVIEW, _S.SUPPLEMENT_ASKED, _S.SPECIAL_PROCEDURE, _S.CONSULTING),
                *(_S.PROPOSED, *_ANY, *_DEEMED),
            }
        ),
        _S.SUPPLEMENT_ASKED: frozenset({_S.SUPPLEMENT_ASKED, _S.IN_REVIEW, *_ANY}),
        _S.SPECIAL_PROCEDURE: frozenset({_S.SPECIAL_PROCEDURE, _S.IN_REVIEW, *_ANY}),
        _S.CONSULTING: frozenset({_S.CONSULTING, _S.IN_REVIEW, *_ANY, *_DEEMED}),
        _S.PROPOSED: frozenset(
            {
                *(_S.PROPOSED, _S.IN_REVIEW, _S.APPROVED, _S.APPROVED_WITH_CONDITIONS),
                *(*_ANY, *_DEEMED),
            }
        ),
    }

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("application_id", "template"),
        ForeignKeyConstraint(
            ["decision_id", "id", "status"],
            [
                f"{SCHEMA}.decisions.id",
                f"{SCHEMA}.decisions.task_id",
                f"{SCHEMA}.decisions.outcome",
            ],
            name="fk_tasks_decision_id_decisions",
            use_alter=True,
        ),
        one_of("status", TaskStatus),
        one_of("lamp", Lamp),
        CheckConstraint(
            f"({among('status', DECIDED)}) = (decision_id is not null)", name="decision_id"
        ),
        CheckConstraint(
            f"({among('status', FINAL)}) = (decided_at is not null)", name="decided_at"
        ),
        CheckConstraint(
            f"ready_at is not null or {among('status', FINAL | {_S.WAITING})}", name="ready_at"
        ),
        CheckConstraint("(holder is null) = (lease_until is null)", name="lease"),
        CheckConstraint(f"holder is null or {among('status', HELD)}", name="holder"),
        CheckConstraint("status != 'not_applicable' or reason is not null", name="reason"),
        Index(None, "department", "status", "ready_at", "id"),
    )

    application_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.applications.id"))
    template: Mapped[str]
    department: Mapped[str]
    reason: Mapped[str | None]
    holder: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    since: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decision_id: Mapped[UUID | None]
    due_at: Mapped[datetime | None]
    warn_at: Mapped[datetime | None]
    lamp: Mapped[str | None]

    @property
    def subject_id(self) -> UUID:
        """Return the application, whose timeline shows the moves of its tasks."""
        return self.application_id


class Decision(Base):
    """A clerk's proposal, or the decision; a task has one final line at most.

    `officer` is null where nobody decided: by silence, or with the whole bundle. Its texts are
    sealed, and are all that is ever taken out of a line.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("id", "task_id", "outcome"),
        one_of("stage", Stage),
        one_of("outcome", DECIDED),
        CheckConstraint(
            "reason is not null or outcome not in ('refused', 'deemed_refused')", name="reason"
        ),
        CheckConstraint("officer is not null or reason is not null", name="officer"),
        Index("ix_decisions_task_id", "task_id", "made_at", "id"),
        Index("uq_decisions_final", "task_id", unique=True, postgresql_where="stage = 'final'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    task_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.tasks.id"))
    stage: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    officer: Mapped[UUID | None]
    words_sealed: Mapped[bytes | None]
    conditions_sealed: Mapped[bytes | None]
    made_at: Mapped[datetime] = mapped_column(default=now)


class Consultation(Base):
    """A question of a task's department to another one; over when answered, recalled or silent.

    `is_silent` says that its time went by without an answer.
    """

    __tablename__ = "consultations"
    __table_args__ = (
        one_of("opinion", Opinion),
        CheckConstraint("(opinion is null) = (answered_by is null)", name="answered_by"),
        CheckConstraint("opinion is null or ended_at is not null", name="ended_at"),
        CheckConstraint(
            "not is_silent or (opinion is null and coalesce(ended_at >= due_at, false))",
            name="is_silent",
        ),
        CheckConstraint("working_days between 1 and 20", name="working_days"),
        Index("ix_consultations_task_id", "task_id", "id"),
        Index("ix_consultations_department", "department", "asked_at", "id"),
        Index(
            "uq_consultations_open",
            "task_id",
            "department",
            unique=True,
            postgresql_where="ended_at is null",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    task_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.tasks.id"))
    department: Mapped[str]
    question_sealed: Mapped[bytes | None]
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime] = mapped_column(default=now)
    working_days: Mapped[int]
    warn_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    is_silent: Mapped[bool] = mapped_column(default=False)
    opinion: Mapped[str | None]
    answer_sealed: Mapped[bytes | None]
    answered_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]


class Procedure(Base):
    """A special procedure, during which the time of its task stands still; one at a time."""

    __tablename__ = "procedures"
    __table_args__ = (
        one_of("kind", Kind),
        CheckConstraint("ended_at >= begun_at", name="ended_at"),
        CheckConstraint("working_days >= 1", name="working_days"),
        Index("ix_procedures_task_id", "task_id", "id"),
        Index("uq_procedures_open", "task_id", unique=True, postgresql_where="ended_at is null"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    task_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.tasks.id"))
    kind: Mapped[str]
    begun_by: Mapped[UUID]
    begun_at: Mapped[datetime] = mapped_column(default=now)
    working_days: Mapped[int]
    due_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    result_sealed: Mapped[bytes | None]


class Meeting(Base):
    """A joint meeting on one task, with the departments that are invited, and its minutes."""

    __tablename__ = "meetings"
    __table_args__ = (
        CheckConstraint("(closed_at is null) = (is_agreed is null)", name="closed_at"),
        Index("ix_meetings_task_id", "task_id", "id"),
        Index("uq_meetings_open", "task_id", unique=True, postgresql_where="closed_at is null"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    task_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.tasks.id"))
    departments: Mapped[list[Any]]
    called_by: Mapped[UUID]
    called_at: Mapped[datetime] = mapped_column(default=now)
    minutes_sealed: Mapped[bytes | None]
    is_agreed: Mapped[bool | None]
    closed_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]


class MeetingOpinion(Base):
    """What one department said in a meeting: once."""

    __tablename__ = "meeting_opinions"
    __table_args__ = (one_of("opinion", Opinion),)

    meeting_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.meetings.id"), primary_key=True)
    department: Mapped[str] = mapped_column(primary_key=True)
    opinion: Mapped[str]
    words_sealed: Mapped[bytes | None]
    given_by: Mapped[UUID]
    given_at: Mapped[datetime] = mapped_column(default=now)
