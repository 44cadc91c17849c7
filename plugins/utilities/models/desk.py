"""Who speaks for a biller, and what was done to a bill there."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import APPEND_ONLY, new_id, now
from plugins.utilities.models.base import Base, one_of
from plugins.utilities.values import (
    MAX_AMOUNT,
    ChangeKind,
    ChangeReason,
)


class DeskClient(Base):
    """A client that may speak for a biller in its own name; without a row it may nothing."""

    __tablename__ = "desk_clients"

    biller: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    admitted_by: Mapped[str]
    admitted_at: Mapped[datetime] = mapped_column(default=now)


class BillChange(Base):
    """What a biller's own system did to a bill, why, and what stood there before; never changed."""

    __tablename__ = "bill_changes"
    __table_args__ = (
        one_of("kind", ChangeKind),
        one_of("reason", ChangeReason),
        CheckConstraint(f"amount between 0 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint(
            "(kind = 'withdrawn') = (amount = amount_before and due_date = due_date_before)",
            name="change",
        ),
        Index(None, "biller", "changed_at"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    biller: Mapped[str]
    biller_reference: Mapped[str]
    kind: Mapped[str]
    reason: Mapped[str]
    amount_before: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    due_date_before: Mapped[date]
    due_date: Mapped[date]
    client_id: Mapped[UUID]
    changed_at: Mapped[datetime]
