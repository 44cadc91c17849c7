"""Applications, what was asked of citizens in them, and the document of what came of them."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, new_id, now
from plugins.permits.models.base import SCHEMA, Base, among, one_of
from plugins.permits.values.applications import ENDED, ApplicationStatus
from plugins.permits.values.tasks import SupplementStatus

_S = ApplicationStatus
_AT_INTAKE = {_S.ACCEPTED, _S.SUPPLEMENT_REQUIRED, _S.NOT_ACCEPTED, _S.WITHDRAWN, _S.LAPSED}
_LIVE = among("status", {SupplementStatus.WANTED, SupplementStatus.ASKED})


class Application(Stateful, Base):
    """What a citizen asks for by one bundle, pinned to its version; the answers are sealed.

    `lead` is the department that does the intake, `holder_sealed` the verified name of whoever
    applied, for their certificates. Whoever is erased takes reference, letterbox and texts with
    them. Its row is locked before those of its tasks.
    """

    ENTITY: ClassVar = "permits_application"
    FIRST: ClassVar = frozenset({_S.DRAFT})
    MOVES: ClassVar = {
        _S.DRAFT: frozenset({_S.SUBMITTED, _S.WITHDRAWN, _S.LAPSED}),
        _S.SUBMITTED: frozenset(_AT_INTAKE),
        _S.SUPPLEMENT_REQUIRED: frozenset({_S.SUBMITTED, _S.LAPSED, _S.WITHDRAWN}),
        _S.ACCEPTED: frozenset({_S.IN_PROGRESS}),
        _S.IN_PROGRESS: frozenset({_S.ALL_DECIDED, _S.WITHDRAWN, _S.LAPSED}),
        _S.ALL_DECIDED: frozenset({_S.ISSUING, _S.LAPSED}),
        _S.ISSUING: frozenset({_S.COMPLETED, _S.PARTLY_COMPLETED, _S.REFUSED}),
    }

    __tablename__ = "applications"
    __table_args__ = (
        one_of("status", ApplicationStatus),
        CheckConstraint("(citizen_reference is null) = (answers_sealed is null)", name="answers"),
        CheckConstraint(f"({among('status', ENDED)}) = (ended_at is not null)", name="ended_at"),
        CheckConstraint(
            "submitted_at is not null or status in ('draft', 'withdrawn', 'lapsed')",
            name="submitted_at",
        ),
        CheckConstraint(
            "accepted_at is not null or status in ('draft', 'submitted', 'supplement_required', "
            "'not_accepted', 'withdrawn', 'lapsed')",
            name="accepted_at",
        ),
        CheckConstraint("status != 'not_accepted' or reason is not null", name="reason"),
        Index(None, "citizen_reference", "created_at", "id"),
        Index(None, "lead", "status", "submitted_at", "id"),
        Index(
            "ix_applications_to_issue",
            "id",
            postgresql_where="status in ('all_decided', 'issuing')",
        ),
        Index("ix_applications_drafts", "saved_at", postgresql_where="status = 'draft'"),
    )

    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    bundle: Mapped[str]
    bundle_version: Mapped[int]
    lead: Mapped[str]
    answers_sealed: Mapped[bytes | None]
    holder_sealed: Mapped[bytes | None]
    reason: Mapped[str | None]
    words_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    saved_at: Mapped[datetime] = mapped_column(default=now)
    submitted_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Supplement(Base):
    """What a citizen is asked to mend or add: at intake (no task), or by a task's department.

    Everything is asked for at once: a further one is a defect, and a superior must allow it.
    """

    __tablename__ = "supplements"
    __table_args__ = (
        one_of("status", SupplementStatus),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("is_defect = (number > 1)", name="is_defect"),
        CheckConstraint(
            "number = 1 or allowed_by is not null or status in ('wanted', 'declined', 'ended')",
            name="allowed_by",
        ),
        CheckConstraint("allowed_by != wanted_by", name="two_people"),
        CheckConstraint(
            "asked_at is not null or status in ('wanted', 'declined', 'ended')", name="asked_at"
        ),
        CheckConstraint("(status = 'answered') = (answered_at is not null)", name="answered_at"),
        Index("ix_supplements_application_id", "application_id", "id"),
        Index(
            "uq_supplements_task_number",
            "task_id",
            "number",
            unique=True,
            postgresql_where="task_id is not null and status != 'declined'",
        ),
        Index(
            "uq_supplements_intake_number",
            "application_id",
            "number",
            unique=True,
            postgresql_where="task_id is null and status != 'declined'",
        ),
        Index(
            "uq_supplements_live_task",
            "task_id",
            unique=True,
            postgresql_where=f"task_id is not null and {_LIVE}",
        ),
        Index(
            "uq_supplements_live_intake",
            "application_id",
            unique=True,
            postgresql_where=f"task_id is null and {_LIVE}",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.applications.id"))
    task_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{SCHEMA}.tasks.id"))
    department: Mapped[str]
    number: Mapped[int]
    status: Mapped[str]
    is_defect: Mapped[bool]
    words_sealed: Mapped[bytes | None]
    fields: Mapped[list[Any]]
    materials: Mapped[list[Any]]
    wanted_by: Mapped[UUID]
    wanted_at: Mapped[datetime] = mapped_column(default=now)
    allowed_by: Mapped[UUID | None]
    asked_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    answer_sealed: Mapped[bytes | None]


class Result(Base):
    """The document of what was decided, sealed; its SHA-256 stays when the citizen is erased."""

    __tablename__ = "results"

    application_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.applications.id"), primary_key=True
    )
    content_sealed: Mapped[bytes | None]
    digest: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(default=now)
