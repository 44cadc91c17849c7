"""Applications, hires and interviews: who has applied where, and what came of it."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, now
from plugins.jobs.models.base import Base, one_of
from plugins.jobs.values.applications import (
    LIVING,
    ApplicationStatus,
    CancelCause,
    InterviewStatus,
    RefusalReason,
)

_CLOSED = (
    ApplicationStatus.REFUSED,
    ApplicationStatus.CANCELLED,
    ApplicationStatus.OBSOLETE,
    ApplicationStatus.WITHDRAWN,
)


def _names(values: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_LIVING = f"status in ({_names(LIVING)})"
_REASON = (
    "(reason is null) = (status not in ('refused', 'cancelled'))"
    f" and (status != 'refused' or reason in ({_names(RefusalReason)}))"
    f" and (status != 'cancelled' or reason in ({_names(CancelCause)}))"
)


class Application(Stateful, Base):
    """That a citizen has applied for a vacancy; what was sent along is the consent's (`CvShare`).

    Whoever is erased takes reference and letterbox with them.
    """

    ENTITY: ClassVar = "jobs_application"
    FIRST: ClassVar = frozenset({ApplicationStatus.NEW})
    MOVES: ClassVar = {
        ApplicationStatus.NEW: frozenset(
            {
                ApplicationStatus.PROCESSING,
                ApplicationStatus.POSTPONED,
                ApplicationStatus.POOL,
                ApplicationStatus.PRIOR_TO_HIRE,
                ApplicationStatus.ACCEPTED,
                ApplicationStatus.CLOSED_NO_ANSWER,
                *_CLOSED,
            }
        ),
        ApplicationStatus.PROCESSING: frozenset(
            {
                ApplicationStatus.POSTPONED,
                ApplicationStatus.POOL,
                ApplicationStatus.PRIOR_TO_HIRE,
                ApplicationStatus.ACCEPTED,
                ApplicationStatus.CLOSED_NO_ANSWER,
                *_CLOSED,
            }
        ),
        ApplicationStatus.POSTPONED: frozenset(
            {
                ApplicationStatus.PROCESSING,
                ApplicationStatus.POOL,
                ApplicationStatus.PRIOR_TO_HIRE,
                ApplicationStatus.ACCEPTED,
                *_CLOSED,
            }
        ),
        ApplicationStatus.POOL: frozenset(
            {
                ApplicationStatus.PROCESSING,
                ApplicationStatus.PRIOR_TO_HIRE,
                ApplicationStatus.ACCEPTED,
                *_CLOSED,
            }
        ),
        ApplicationStatus.PRIOR_TO_HIRE: frozenset(
            {
                ApplicationStatus.PROCESSING,
                ApplicationStatus.POSTPONED,
                ApplicationStatus.ACCEPTED,
                *_CLOSED,
            }
        ),
        # A hire that is undone; whoever was marked by mistake is looked at again.
        ApplicationStatus.ACCEPTED: frozenset(
            {ApplicationStatus.CANCELLED, ApplicationStatus.PROCESSING}
        ),
        ApplicationStatus.OBSOLETE: frozenset({ApplicationStatus.PROCESSING}),
    }

    __tablename__ = "applications"
    __table_args__ = (
        one_of("status", ApplicationStatus),
        CheckConstraint(_REASON, name="reason"),
        CheckConstraint(f"citizen_reference is not null or not ({_LIVING})", name="citizen"),
        CheckConstraint("remind_at between applied_at and promised_until", name="remind_at"),
        CheckConstraint("(status = 'obsolete') = (obsolete_by is not null)", name="obsolete_by"),
        CheckConstraint("status != 'closed_no_answer' or answered_at is null", name="no_answer"),
        CheckConstraint(
            "status not in ('postponed', 'pool', 'prior_to_hire', 'accepted')"
            " or answered_at is not null",
            name="answered",
        ),
        UniqueConstraint("id", "vacancy_id"),
        Index(
            "uq_applications_living",
            "citizen_reference",
            "vacancy_id",
            unique=True,
            postgresql_where=_LIVING,
        ),
        Index(None, "citizen_reference", "applied_at", "id"),
        Index(None, "employer_id", "applied_at", "id"),
        Index("ix_applications_open", "vacancy_id", postgresql_where=_LIVING),
        Index(None, "obsolete_by"),
        Index(
            "ix_applications_to_remind",
            "remind_at",
            postgresql_where="status in ('new', 'processing')"
            " and answered_at is null and reminded_at is null",
        ),
        Index(
            "ix_applications_to_close",
            "promised_until",
            postgresql_where="status in ('new', 'processing') and answered_at is null",
        ),
    )

    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    vacancy_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.vacancies.id"))
    employer_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.employers.id"))
    reason: Mapped[str | None]
    obsolete_by: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_jobs.applications.id"))
    applied_at: Mapped[datetime] = mapped_column(default=now)
    remind_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    promised_until: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class Hire(Base):
    """One position of a vacancy that somebody was hired for: a numbered seat.

    `open_positions` is the vacancy's own, by a foreign key: no seat beyond it can be written.
    """

    __tablename__ = "hires"
    __table_args__ = (
        CheckConstraint("seat between 1 and open_positions", name="seat"),
        UniqueConstraint("vacancy_id", "seat"),
        ForeignKeyConstraint(
            ["application_id", "vacancy_id"],
            ["plugin_jobs.applications.id", "plugin_jobs.applications.vacancy_id"],
        ),
        ForeignKeyConstraint(
            ["vacancy_id", "open_positions"],
            ["plugin_jobs.vacancies.id", "plugin_jobs.vacancies.open_positions"],
            onupdate="CASCADE",
        ),
    )

    application_id: Mapped[UUID] = mapped_column(primary_key=True)
    vacancy_id: Mapped[UUID]
    seat: Mapped[int]
    open_positions: Mapped[int]
    hired_at: Mapped[datetime] = mapped_column(default=now)


class Interview(Stateful, Base):
    """An invitation to an interview, which the citizen accepts or declines."""

    ENTITY: ClassVar = "jobs_interview"
    FIRST: ClassVar = frozenset({InterviewStatus.INVITED})
    MOVES: ClassVar = {
        InterviewStatus.INVITED: frozenset(
            {InterviewStatus.ACCEPTED, InterviewStatus.DECLINED, InterviewStatus.CANCELLED}
        ),
        InterviewStatus.ACCEPTED: frozenset({InterviewStatus.DECLINED, InterviewStatus.CANCELLED}),
    }

    __tablename__ = "interviews"
    __table_args__ = (
        one_of("status", InterviewStatus),
        CheckConstraint("at > invited_at", name="at"),
        Index(
            "uq_interviews_standing",
            "application_id",
            unique=True,
            postgresql_where="status in ('invited', 'accepted')",
        ),
        Index(None, "application_id", "invited_at"),
    )

    application_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.applications.id"))
    at: Mapped[datetime]
    place: Mapped[str]
    invited_at: Mapped[datetime] = mapped_column(default=now)
