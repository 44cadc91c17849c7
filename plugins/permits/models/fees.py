"""Fees of the tasks of an application."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, now
from plugins.permits.models.base import SCHEMA, Base, among, one_of
from plugins.permits.values.fees import BOOKED, FeeStatus

_S = FeeStatus


class Fee(Stateful, Base):
    """What one task costs, once; whose it is stands with the application.

    `payment_key` is that of the one payment that was taken, `tried_at` when money was last sent
    back. It is to be paid by `due_at`, once everything is decided; `remind_at` is when one is
    reminded, and nothing once one was; `closed_at` is when it was noted that the time is over.
    The row of its application is locked before it.
    """

    ENTITY: ClassVar = "permits_fee"
    FIRST: ClassVar = frozenset({_S.OWED})
    MOVES: ClassVar = {
        _S.OWED: frozenset({_S.PAID, _S.VOID}),
        _S.PAID: frozenset({_S.RETURNING}),
        _S.RETURNING: frozenset({_S.RETURNED}),
    }

    __tablename__ = "fees"
    __table_args__ = (
        one_of("status", FeeStatus),
        CheckConstraint("reference ~ '^fee[.][0-9a-f]{32}$'", name="reference"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            f"({among('status', BOOKED)}) = (payment_key is not null)", name="payment_key"
        ),
        CheckConstraint("(payment_key is null) = (paid_at is null)", name="paid_at"),
        CheckConstraint("(payment_key is null) = (booked_at is null)", name="booked_at"),
        CheckConstraint(
            f"({among('status', {_S.RETURNING, _S.RETURNED})}) = (return_reason is not null)",
            name="return_reason",
        ),
        CheckConstraint("due_at is not null or remind_at is null", name="remind_at"),
        CheckConstraint(
            "closed_at is null or (remind_at is null and closed_at >= due_at)", name="closed_at"
        ),
        Index("uq_fees_reference", "reference", unique=True),
        Index("uq_fees_task_id", "task_id", unique=True),
        Index("uq_fees_payment_key", "payment_key", unique=True),
        Index(None, "application_id"),
        Index("ix_fees_returning", "tried_at", "id", postgresql_where="status = 'returning'"),
    )

    reference: Mapped[str]
    application_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.applications.id"))
    task_id: Mapped[UUID] = mapped_column(ForeignKey(f"{SCHEMA}.tasks.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(default=now)
    payment_key: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    booked_at: Mapped[datetime | None]
    return_reason: Mapped[str | None]
    tried_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    remind_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the application, whose timeline shows the moves of its fees."""
        return self.application_id
