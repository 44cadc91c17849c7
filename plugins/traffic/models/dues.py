"""What is owed for a violation, when its clock stands still, and what goes back."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import new_id, now
from plugins.traffic.models.base import Base, one_of
from plugins.traffic.models.violations import Violation
from plugins.traffic.values import MAX_FINE, DueStatus, PauseCause, ReturnState


class Due(Base):
    """One thing that can be paid once: a whole fine (number 0), or an instalment of it.

    Its surcharge is reckoned for the day, and only what was paid is kept.
    """

    __tablename__ = "dues"
    __table_args__ = (
        one_of("status", DueStatus),
        CheckConstraint(f"fine between 1 and {MAX_FINE}", name="fine"),
        CheckConstraint("number between 0 and 99", name="number"),
        CheckConstraint(
            "num_nonnulls(paid_at, paid_amount) = case status when 'paid' then 2 else 0 end",
            name="paid",
        ),
        CheckConstraint("paid_amount between fine and 2 * fine", name="paid_amount"),
        Unique("violation_id", "number"),
        Index("ix_dues_open_pay_by", "pay_by", postgresql_where="status = 'open'"),
    )

    reference: Mapped[str] = mapped_column(primary_key=True)
    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    number: Mapped[int]
    fine: Mapped[int] = mapped_column(BigInteger)
    pay_by: Mapped[date]
    status: Mapped[str]
    paid_at: Mapped[datetime | None]
    paid_amount: Mapped[int | None] = mapped_column(BigInteger)


class Pause(Base):
    """Days, both ends counted, on which the clock of a violation's surcharge stands still."""

    __tablename__ = "pauses"
    __table_args__ = (
        one_of("cause", PauseCause),
        CheckConstraint("first_day <= last_day", name="days"),
        Index(
            "uq_pauses_violation_id_open",
            "violation_id",
            "cause",
            unique=True,
            postgresql_where="last_day is null",
        ),
        Index(None, "violation_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    cause: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date | None]


class Return(Base):
    """Money that goes back to its payer, and how far that has come; each reason once for a due."""

    __tablename__ = "returns"
    __table_args__ = (
        one_of("state", ReturnState),
        CheckConstraint("amount > 0 and surcharge between 0 and amount", name="amount"),
        Unique("reference", "reason"),
        Index("ix_returns_waiting", "decided_at", postgresql_where="state = 'waiting'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(ForeignKey(Due.reference))
    amount: Mapped[int] = mapped_column(BigInteger)
    surcharge: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    state: Mapped[str]
    decided_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
