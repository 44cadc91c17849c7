"""Complaints about employers."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, now
from plugins.jobs.models.base import Base, one_of
from plugins.jobs.values.reports import ReportGround, ReportStatus


class EmployerReport(Stateful, Base):
    """What a citizen says of an employer, sealed; the desk decides on it once."""

    ENTITY: ClassVar = "jobs_employer_report"
    FIRST: ClassVar = frozenset({ReportStatus.RECEIVED})
    MOVES: ClassVar = {
        ReportStatus.RECEIVED: frozenset(
            {ReportStatus.WARNED, ReportStatus.SUSPENDED, ReportStatus.NOT_FOUNDED}
        ),
    }

    __tablename__ = "employer_reports"
    __table_args__ = (
        one_of("status", ReportStatus),
        one_of("ground", ReportGround),
        CheckConstraint("(status = 'received') = (decided_at is null)", name="decided_at"),
        CheckConstraint("(decided_at is null) = (decided_by is null)", name="decided_by"),
        CheckConstraint("(citizen_reference is null) = (words_sealed is null)", name="words"),
        Index(
            "uq_employer_reports_waiting",
            "citizen_reference",
            "employer_id",
            unique=True,
            postgresql_where="status = 'received' and citizen_reference is not null",
        ),
        Index(None, "status", "reported_at", "id"),
        Index(None, "citizen_reference", "reported_at", "id"),
    )

    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    employer_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.employers.id"))
    ground: Mapped[str]
    words_sealed: Mapped[bytes | None]
    reported_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
