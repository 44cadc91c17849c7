"""Statements and their lines, runs, and differences: what makes an import whole is in here."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import APPEND_ONLY, Base, Stateful, one_of
from app.core.ids import new_id
from app.reconciliation.values import (
    LIVE_RUNS,
    DifferenceKind,
    DifferenceStatus,
    Family,
    LineKind,
    Resolution,
    RunStatus,
    StatementStatus,
)


class ReconciliationRun(Stateful, Base):
    """One comparison of one city day with one source; one at a time for each."""

    ENTITY = "reconciliation_run"
    FIRST = frozenset({RunStatus.REQUESTED})
    MOVES = {
        RunStatus.REQUESTED: frozenset({RunStatus.WAITING, RunStatus.DONE}),
        RunStatus.WAITING: frozenset({RunStatus.DONE}),
    }

    __tablename__ = "reconciliation_runs"
    __table_args__ = (
        CheckConstraint(one_of("status", RunStatus), name="status"),
        CheckConstraint("(status = 'done') = (finished_at is not null)", name="finished_at"),
        Index(
            "uq_reconciliation_runs_live",
            "source",
            "day",
            unique=True,
            postgresql_where=text(one_of("status", LIVE_RUNS)),
        ),
        Index(None, "source", "day"),
        Index(None, "requested_at", "id"),
    )

    source: Mapped[str]
    day: Mapped[date]
    reason: Mapped[str]
    statement_id: Mapped[UUID | None]
    line_count: Mapped[int] = mapped_column(BigInteger, default=0)
    matched: Mapped[int] = mapped_column(BigInteger, default=0)
    found: Mapped[int] = mapped_column(BigInteger, default=0)
    in_transit: Mapped[int] = mapped_column(BigInteger, default=0)
    resolved: Mapped[int] = mapped_column(BigInteger, default=0)
    requested_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class ChannelStatement(Stateful, Base):
    """One import of one source's day: all of it counts or none; a corrected one supersedes it."""

    ENTITY = "channel_statement"
    FIRST = frozenset({StatementStatus.STAGING})
    MOVES = {
        StatementStatus.STAGING: frozenset({StatementStatus.CURRENT, StatementStatus.DISCARDED}),
        StatementStatus.CURRENT: frozenset({StatementStatus.SUPERSEDED}),
    }

    __tablename__ = "channel_statements"
    __table_args__ = (
        CheckConstraint(one_of("status", StatementStatus), name="status"),
        CheckConstraint(
            "status not in ('current', 'superseded') or digest is not null", name="digest"
        ),
        Index(
            "uq_channel_statements_current",
            "source",
            "day",
            unique=True,
            postgresql_where=text("status = 'current'"),
        ),
        Index(None, "source", "day"),
    )

    source: Mapped[str]
    day: Mapped[date]
    profile: Mapped[str]
    digest: Mapped[bytes | None]
    line_count: Mapped[int] = mapped_column(BigInteger, default=0)
    supersedes: Mapped[UUID | None]
    run_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ChannelLine(Base):
    """One line of a statement, in its order; nothing in it names a person."""

    __tablename__ = "channel_lines"
    __table_args__ = (
        CheckConstraint(one_of("kind", LineKind), name="kind"),
        Index(None, "subject", "source"),
        Index(None, "statement_id", "line_id"),
        Index("ix_channel_lines_credits", "occurred_at", postgresql_where=text("kind = 'credit'")),
    )

    statement_id: Mapped[UUID] = mapped_column(
        ForeignKey("channel_statements.id"), primary_key=True
    )
    row: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source: Mapped[str]
    day: Mapped[date]
    line_id: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    our_id: Mapped[UUID | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    fee: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    occurred_at: Mapped[datetime]
    reference: Mapped[str]


class ReconciliationCandidate(Base):
    """What a running comparison looks at; its rows go when it ends."""

    __tablename__ = "reconciliation_candidates"
    __table_args__ = (
        CheckConstraint(one_of("family", Family), name="family"),
        {"prefixes": ["UNLOGGED"]},
    )

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    family: Mapped[str]
    key: Mapped[str]


class ReconciliationFinding(Base):
    """What a run found, as it was then; kept for ever."""

    __tablename__ = "reconciliation_findings"
    __table_args__ = (
        CheckConstraint(one_of("kind", DifferenceKind), name="kind"),
        {"info": APPEND_ONLY},
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_runs.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    occurrence: Mapped[int] = mapped_column(primary_key=True)
    is_in_transit: Mapped[bool]
    theirs_amount: Mapped[int | None] = mapped_column(BigInteger)
    our_amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    line_id: Mapped[str | None]
    payment_id: Mapped[UUID | None]
    attempt_id: Mapped[UUID | None]
    refund_id: Mapped[UUID | None]


class Difference(Stateful, Base):
    """One difference between two books, from the run that found it to its end."""

    ENTITY = "difference"
    FIRST = frozenset({DifferenceStatus.IN_TRANSIT, DifferenceStatus.OPEN})
    MOVES = {
        DifferenceStatus.IN_TRANSIT: frozenset({DifferenceStatus.OPEN, DifferenceStatus.CLOSED}),
        DifferenceStatus.OPEN: frozenset({DifferenceStatus.ASSIGNED, DifferenceStatus.CLOSED}),
        DifferenceStatus.ASSIGNED: frozenset(
            {
                DifferenceStatus.OPEN,
                DifferenceStatus.EXPLAINED,
                DifferenceStatus.ADJUSTED,
                DifferenceStatus.CLOSED,
            }
        ),
        DifferenceStatus.EXPLAINED: frozenset({DifferenceStatus.OPEN, DifferenceStatus.CLOSED}),
        DifferenceStatus.ADJUSTED: frozenset({DifferenceStatus.CLOSED}),
    }

    __tablename__ = "differences"
    __table_args__ = (
        CheckConstraint(one_of("status", DifferenceStatus), name="status"),
        CheckConstraint(one_of("kind", DifferenceKind), name="kind"),
        CheckConstraint(one_of("resolution", Resolution), name="resolution"),
        CheckConstraint(
            "(status in ('explained', 'adjusted', 'closed')) = (resolution is not null)",
            name="resolved",
        ),
        CheckConstraint("(status = 'closed') = (closed_at is not null)", name="closed_at"),
        CheckConstraint("status <> 'assigned' or owner_id is not null", name="owner_id"),
        CheckConstraint(
            "resolution is distinct from 'explained' or "
            "(reason_sealed is not null and explained_by is not null)",
            name="explanation",
        ),
        CheckConstraint("closed_by <> explained_by", name="second_person"),
        CheckConstraint(
            "resolution is distinct from 'explained' or status <> 'closed' "
            "or closed_by is not null",
            name="closed_by",
        ),
        CheckConstraint(
            "resolution is distinct from 'adjusted' or booking_id is not null", name="booking_id"
        ),
        Index(
            "uq_differences_live",
            "source",
            "subject",
            "kind",
            "occurrence",
            unique=True,
            postgresql_where=text("status <> 'closed'"),
        ),
        Index(None, "source", "subject"),
        Index(None, "found_at", "id"),
    )

    source: Mapped[str]
    day: Mapped[date]
    kind: Mapped[str]
    subject: Mapped[str]
    occurrence: Mapped[int]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("reconciliation_runs.id"))
    theirs_amount: Mapped[int | None] = mapped_column(BigInteger)
    our_amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    line_id: Mapped[str | None]
    payment_id: Mapped[UUID | None]
    attempt_id: Mapped[UUID | None]
    refund_id: Mapped[UUID | None]
    found_at: Mapped[datetime] = mapped_column(default=now)
    owner_id: Mapped[UUID | None]
    resolution: Mapped[str | None]
    reason_sealed: Mapped[bytes | None]
    explained_by: Mapped[UUID | None]
    closed_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    booking_id: Mapped[UUID | None]


class DifferenceAdjustment(Base):
    """A proposed correction of the books: another person than the one who proposed books it."""

    __tablename__ = "difference_adjustments"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit <> credit", name="accounts"),
        CheckConstraint("approved_by <> requested_by", name="second_person"),
        CheckConstraint("(approved_by is null) = (booking_id is null)", name="booking_id"),
        CheckConstraint("approved_by is null or not is_withdrawn", name="is_withdrawn"),
        UniqueConstraint("booking_id"),
        Index(
            "uq_difference_adjustments_pending",
            "difference_id",
            unique=True,
            postgresql_where=text("approved_by is null and not is_withdrawn"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    difference_id: Mapped[UUID] = mapped_column(ForeignKey("differences.id"))
    debit: Mapped[str]
    credit: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    reason_sealed: Mapped[bytes]
    requested_by: Mapped[UUID]
    approved_by: Mapped[UUID | None]
    booking_id: Mapped[UUID | None]
    is_withdrawn: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
