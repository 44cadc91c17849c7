"""Curricula, the consents to show them, and who has seen them."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, new_id, now
from plugins.jobs.models.base import Base, one_of
from plugins.jobs.values.profiles import ShareKind, ShareStatus


class Cv(Base):
    """The curriculum of one citizen, sealed; what it was before is not kept."""

    __tablename__ = "cvs"
    __table_args__ = (CheckConstraint("edition >= 1", name="edition"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str] = mapped_column(unique=True)
    cv_sealed: Mapped[bytes]
    edition: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime] = mapped_column(default=now)


class CvShare(Stateful, Base):
    """A dated consent to show a curriculum: with an application, to an employer, or to the pool.

    What goes with an application is a copy, and PostgreSQL keeps no copy whose consent has ended.
    """

    ENTITY: ClassVar = "jobs_cv_share"
    FIRST: ClassVar = frozenset({ShareStatus.GIVEN})
    MOVES: ClassVar = {
        ShareStatus.GIVEN: frozenset({ShareStatus.WITHDRAWN, ShareStatus.EXPIRED}),
    }

    __tablename__ = "cv_shares"
    __table_args__ = (
        one_of("status", ShareStatus),
        one_of("kind", ShareKind),
        CheckConstraint("(kind = 'pool') = (employer_id is null)", name="employer"),
        CheckConstraint(
            "(kind = 'application') = (application_id is not null)", name="application"
        ),
        CheckConstraint(
            "(cv_sealed is not null) = (kind = 'application' and status = 'given')", name="copy"
        ),
        CheckConstraint("(cv_sealed is null) = (edition is null)", name="edition"),
        CheckConstraint(
            "expires_at > given_at and expires_at <= given_at + interval '180 days'", name="expiry"
        ),
        CheckConstraint("(status = 'given') = (ended_at is null)", name="ended"),
        CheckConstraint("citizen_reference is not null or status != 'given'", name="citizen"),
        Index(
            "uq_cv_shares_pool",
            "citizen_reference",
            unique=True,
            postgresql_where="kind = 'pool' and status = 'given'",
        ),
        Index(
            "uq_cv_shares_employer",
            "citizen_reference",
            "employer_id",
            unique=True,
            postgresql_where="kind = 'employer' and status = 'given'",
        ),
        Index(
            "uq_cv_shares_application",
            "application_id",
            unique=True,
            postgresql_where="status = 'given'",
        ),
        Index(None, "citizen_reference", "given_at", "id"),
        Index(None, "application_id"),
        Index(
            "ix_cv_shares_shown",
            "given_at",
            "id",
            postgresql_where="kind != 'application' and status = 'given'",
        ),
        Index("ix_cv_shares_ending", "expires_at", postgresql_where="status = 'given'"),
    )

    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    kind: Mapped[str]
    employer_id: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_jobs.employers.id"))
    application_id: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_jobs.applications.id"))
    cv_sealed: Mapped[bytes | None]
    edition: Mapped[int | None]
    given_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class CvSight(Base):
    """That a member of an employer has read a curriculum; its citizen reads of it."""

    __tablename__ = "cv_sights"
    __table_args__ = (
        CheckConstraint("edition >= 1", name="edition"),
        Index(None, "citizen_reference", "seen_at", "id"),
        Index(None, "share_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    share_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.cv_shares.id"))
    employer_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.employers.id"))
    edition: Mapped[int]
    seen_at: Mapped[datetime] = mapped_column(default=now)
