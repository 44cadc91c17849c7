"""Bank accounts of payees, batches and their lines: the rules of two people are constraints."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful, one_of
from app.settlement.values import AccountStatus, BatchStatus, LineStatus


class PayeeAccount(Stateful, Base):
    """A payee's account at a bank, sealed; one person proposes it, another makes it active."""

    ENTITY = "settlement_account"
    FIRST = frozenset({AccountStatus.PROPOSED})
    MOVES = {
        AccountStatus.PROPOSED: frozenset({AccountStatus.ACTIVE, AccountStatus.REJECTED}),
        AccountStatus.ACTIVE: frozenset({AccountStatus.REPLACED}),
    }

    __tablename__ = "settlement_accounts"
    __table_args__ = (
        CheckConstraint(one_of("status", AccountStatus), name="status"),
        CheckConstraint("decided_by <> proposed_by", name="four_eyes"),
        CheckConstraint(
            "(status = 'proposed') = (decided_by is null) "
            "and (decided_by is null) = (decided_at is null)",
            name="decided",
        ),
        CheckConstraint("bank_code ~ '^[0-9]{12}$'", name="bank_code"),
        Index(
            "uq_settlement_accounts_active",
            "payee",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
        Index(
            "uq_settlement_accounts_proposed",
            "payee",
            unique=True,
            postgresql_where=text("status = 'proposed'"),
        ),
    )

    payee: Mapped[str]
    holder_sealed: Mapped[bytes]
    number_sealed: Mapped[bytes]
    bank_code: Mapped[str]
    proposed_by: Mapped[UUID]
    proposed_at: Mapped[datetime] = mapped_column(default=now)
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]


class SettlementBatch(Stateful, Base):
    """What one day's balances pay out: one batch a day, drawn up by one, approved by another."""

    ENTITY = "settlement_batch"
    FIRST = frozenset({BatchStatus.DRAFT})
    MOVES = {
        BatchStatus.DRAFT: frozenset({BatchStatus.APPROVED, BatchStatus.REJECTED}),
        BatchStatus.APPROVED: frozenset({BatchStatus.FILED}),
        BatchStatus.FILED: frozenset({BatchStatus.SENT}),
        BatchStatus.SENT: frozenset({BatchStatus.SETTLED, BatchStatus.RETURNED}),
    }

    __tablename__ = "settlement_batches"
    __table_args__ = (
        CheckConstraint(one_of("status", BatchStatus), name="status"),
        CheckConstraint("decided_by <> drafted_by", name="four_eyes"),
        CheckConstraint(
            "(status = 'draft') = (decided_by is null) "
            "and (decided_by is null) = (decided_at is null)",
            name="decided",
        ),
        CheckConstraint(
            "(status in ('filed', 'sent', 'settled', 'returned')) = (filed_at is not null) "
            "and (filed_at is null) = (digests is null)",
            name="filed",
        ),
        CheckConstraint(
            "(status in ('sent', 'settled', 'returned')) = (sent_at is not null) "
            "and (sent_at is null) = (sent_by is null)",
            name="sent",
        ),
        Index(
            "uq_settlement_batches_day",
            "day",
            unique=True,
            postgresql_where=text("status <> 'rejected'"),
        ),
        Index(None, "day", "id"),
    )

    day: Mapped[date]
    cut_off: Mapped[datetime]
    currency: Mapped[str]
    left_out: Mapped[list[Any]]
    drafted_by: Mapped[UUID]
    drafted_at: Mapped[datetime] = mapped_column(default=now)
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    filed_at: Mapped[datetime | None]
    digests: Mapped[dict[str, Any] | None]
    sent_by: Mapped[UUID | None]
    sent_at: Mapped[datetime | None]


class SettlementLine(Stateful, Base):
    """What one payee is paid out for a day; a payee has one for each day."""

    ENTITY = "settlement_line"
    FIRST = frozenset({LineStatus.DRAFTED})
    MOVES = {
        LineStatus.DRAFTED: frozenset({LineStatus.ORDERED, LineStatus.VOID}),
        LineStatus.ORDERED: frozenset({LineStatus.SETTLED, LineStatus.RETURNED}),
        LineStatus.SETTLED: frozenset({LineStatus.RETURNED}),
    }

    __tablename__ = "settlement_lines"
    __table_args__ = (
        CheckConstraint(one_of("status", LineStatus), name="status"),
        CheckConstraint("amount > 0", name="amount"),
        UniqueConstraint("batch_id", "payee"),
        Index(
            "uq_settlement_lines_payee_day",
            "payee",
            "day",
            unique=True,
            postgresql_where=text("status <> 'void'"),
        ),
    )

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("settlement_batches.id"))
    payee: Mapped[str]
    day: Mapped[date]
    account_id: Mapped[UUID] = mapped_column(ForeignKey("settlement_accounts.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    bank_reference: Mapped[str | None]
    return_reason: Mapped[str | None]

    @property
    def subject_id(self) -> UUID:
        """Show a line's moves on its batch's timeline."""
        return self.batch_id
