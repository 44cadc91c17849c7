"""Employers, and the citizens who act for them."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, new_id, now
from plugins.jobs.models.base import Base, one_of
from plugins.jobs.values import EmployerReason, EmployerStatus, MemberStatus


class Employer(Stateful, Base):
    """A body that may advertise once the desk has verified it; one row for a living credit code."""

    ENTITY: ClassVar = "jobs_employer"
    FIRST: ClassVar = frozenset({EmployerStatus.REQUESTED})
    MOVES: ClassVar = {
        EmployerStatus.REQUESTED: frozenset({EmployerStatus.VERIFIED, EmployerStatus.REFUSED}),
        EmployerStatus.VERIFIED: frozenset({EmployerStatus.SUSPENDED}),
        EmployerStatus.SUSPENDED: frozenset({EmployerStatus.VERIFIED}),
    }

    __tablename__ = "employers"
    __table_args__ = (
        one_of("status", EmployerStatus),
        one_of("reason", EmployerReason),
        CheckConstraint("credit_code ~ '^[0-9A-Z]{18}$'", name="credit_code"),
        CheckConstraint("(status in ('refused', 'suspended')) = (reason is not null)", name="why"),
        CheckConstraint(
            "status not in ('verified', 'suspended') or verified_at is not null", name="verified_at"
        ),
        Index(
            "uq_employers_living_code",
            "credit_code",
            unique=True,
            postgresql_where="status != 'refused'",
        ),
        Index(None, "status", "registered_at", "id"),
    )

    credit_code: Mapped[str]
    name: Mapped[str]
    district: Mapped[str]
    reason: Mapped[str | None]
    decided_by: Mapped[UUID | None]
    registered_at: Mapped[datetime] = mapped_column(default=now)
    verified_at: Mapped[datetime | None]


class EmployerMember(Stateful, Base):
    """A citizen who acts for an employer, or asks to; erased, the row says that somebody did."""

    ENTITY: ClassVar = "jobs_member"
    FIRST: ClassVar = frozenset({MemberStatus.REQUESTED, MemberStatus.ACTIVE})
    MOVES: ClassVar = {
        MemberStatus.REQUESTED: frozenset(
            {MemberStatus.ACTIVE, MemberStatus.REFUSED, MemberStatus.ENDED}
        ),
        MemberStatus.ACTIVE: frozenset({MemberStatus.ENDED}),
    }

    __tablename__ = "employer_members"
    __table_args__ = (
        one_of("status", MemberStatus),
        CheckConstraint(
            "not (status in ('requested', 'active')) or citizen_reference is not null",
            name="citizen",
        ),
        Index(
            "uq_employer_members_living",
            "employer_id",
            "citizen_reference",
            unique=True,
            postgresql_where="status in ('requested', 'active')",
        ),
        Index(None, "citizen_reference"),
        Index(None, "status", "joined_at", "id"),
    )

    employer_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.employers.id"))
    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    joined_at: Mapped[datetime] = mapped_column(default=now)


class EmployerInvitation(Base):
    """A code that lets one more citizen act for an employer, once."""

    __tablename__ = "employer_invitations"
    __table_args__ = (
        UniqueConstraint("code_digest"),
        CheckConstraint("made_at < expires_at", name="expires_at"),
        Index(None, "employer_id", "made_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    employer_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_jobs.employers.id"))
    code_digest: Mapped[bytes]
    made_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
