"""Copies of data, requests for correction, and closings of accounts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful, one_of
from app.privacy.values import ClosureStatus, CorrectionOf, CorrectionStatus, ExportStatus

EXPORTS_A_DAY = 3


class Export(Stateful, Base):
    """One copy of a citizen's data: three a city day, sealed with their key, kept seven days."""

    ENTITY = "export"
    FIRST = frozenset({ExportStatus.REQUESTED})
    MOVES = {
        ExportStatus.REQUESTED: frozenset({ExportStatus.READY, ExportStatus.FAILED}),
        ExportStatus.READY: frozenset({ExportStatus.EXPIRED}),
    }

    __tablename__ = "exports"
    __table_args__ = (
        UniqueConstraint("citizen_id", "day", "number"),
        CheckConstraint(f"number between 1 and {EXPORTS_A_DAY}", name="number"),
        CheckConstraint(one_of("status", ExportStatus), name="status"),
        CheckConstraint("(status = 'ready') = (content_sealed is not null)", name="content"),
        CheckConstraint(
            "(status in ('ready', 'expired')) = (expires_at is not null)", name="expires_at"
        ),
        Index("ix_exports_expires_at", "expires_at", postgresql_where=text("status = 'ready'")),
        Index(
            "ix_exports_requested_at", "requested_at", postgresql_where=text("status = 'requested'")
        ),
    )

    citizen_id: Mapped[UUID]
    day: Mapped[date]
    number: Mapped[int]
    requested_at: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    content_sealed: Mapped[bytes | None]

    @property
    def subject_id(self) -> UUID:
        """Return the citizen's id: their timeline shows their copies."""
        return self.citizen_id


class ExportPart(Base):
    """What one plug-in has given for a copy, until the copy is whole."""

    __tablename__ = "export_parts"

    export_id: Mapped[UUID] = mapped_column(
        ForeignKey("exports.id", ondelete="CASCADE"), primary_key=True
    )
    plugin: Mapped[str] = mapped_column(primary_key=True)
    content_sealed: Mapped[bytes]
    given_at: Mapped[datetime] = mapped_column(default=now)


class Correction(Stateful, Base):
    """What a citizen says is wrong about them; decided within thirty days. One of a kind is open.

    Proposed value, evidence and the reviewer's reason are sealed with the citizen's key.
    """

    ENTITY = "correction"
    FIRST = frozenset({CorrectionStatus.SUBMITTED})
    MOVES = {
        CorrectionStatus.SUBMITTED: frozenset(
            {CorrectionStatus.APPLIED, CorrectionStatus.DECLINED}
        ),
    }

    __tablename__ = "corrections"
    __table_args__ = (
        Index(
            "uq_corrections_open",
            "citizen_id",
            "what",
            unique=True,
            postgresql_where=text("status = 'submitted'"),
        ),
        Index(None, "due_at", "id"),
        Index(None, "citizen_id", "submitted_at", "id"),
        CheckConstraint(one_of("status", CorrectionStatus), name="status"),
        CheckConstraint(one_of("what", CorrectionOf), name="what"),
        CheckConstraint(
            "(status = 'submitted') = (decided_at is null) "
            "and (decided_at is null) = (decided_by is null)",
            name="decision",
        ),
        CheckConstraint("status <> 'declined' or reason_sealed is not null", name="reason"),
        CheckConstraint("due_at > submitted_at", name="due_at"),
    )

    citizen_id: Mapped[UUID]
    what: Mapped[str]
    proposed_sealed: Mapped[bytes]
    evidence_sealed: Mapped[bytes]
    submitted_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    reason_sealed: Mapped[bytes | None]

    @property
    def subject_id(self) -> UUID:
        """Return the citizen's id: their timeline shows their corrections."""
        return self.citizen_id


class Closure(Stateful, Base):
    """The closing of an account: asked for, then fifteen days of grace, then for good."""

    ENTITY = "closure"
    FIRST = frozenset({ClosureStatus.PENDING})
    MOVES = {
        ClosureStatus.PENDING: frozenset({ClosureStatus.CANCELLED, ClosureStatus.CLOSED}),
        ClosureStatus.CLOSED: frozenset({ClosureStatus.ERASED}),
    }

    __tablename__ = "closures"
    __table_args__ = (
        Index(
            "uq_closures_pending",
            "citizen_id",
            unique=True,
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_closures_due_at", "due_at", postgresql_where=text("status = 'pending'")),
        Index(None, "citizen_id", "asked_at", "id"),
        CheckConstraint(one_of("status", ClosureStatus), name="status"),
        CheckConstraint("due_at > asked_at", name="due_at"),
        CheckConstraint("(status = 'pending') = (ended_at is null)", name="end"),
    )

    citizen_id: Mapped[UUID]
    asked_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the citizen's id: their timeline shows their closings."""
        return self.citizen_id


class Erasure(Base):
    """A plug-in's word that it has forgotten a citizen."""

    __tablename__ = "erasures"

    closure_id: Mapped[UUID] = mapped_column(ForeignKey("closures.id"), primary_key=True)
    plugin: Mapped[str] = mapped_column(primary_key=True)
    done_at: Mapped[datetime] = mapped_column(default=now)
