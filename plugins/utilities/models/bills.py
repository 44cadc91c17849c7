"""Our copy of the billers' bills."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, and_
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.sdk import new_id
from plugins.utilities.models.accounts import Account
from plugins.utilities.models.base import Base, one_of
from plugins.utilities.values import (
    MAX_AMOUNT,
    BillSource,
    BillStatus,
)


class Bill(Base):
    """Our copy of a biller's bill; it belongs to whoever has linked its account.

    `seen_at` is when the biller was asked for what stands here: older news never overwrites it. A
    bill with a `posting_reference` was paid through us and stays paid.
    """

    __tablename__ = "bills"
    __table_args__ = (
        UniqueConstraint("biller", "biller_reference"),
        CheckConstraint(f"amount between 0 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint("period_from <= period_to", name="period"),
        CheckConstraint("(status = 'paid') = (paid_at is not null)", name="paid_at"),
        one_of("status", BillStatus),
        one_of("source", BillSource),
        Index(None, "biller", "account_index", "due_date", "id"),
        Index(None, "biller", "paid_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    biller: Mapped[str]
    biller_reference: Mapped[str]
    account_index: Mapped[bytes]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    period_from: Mapped[date]
    period_to: Mapped[date]
    due_date: Mapped[date]
    status: Mapped[str]
    paid_at: Mapped[datetime | None]
    posting_reference: Mapped[str | None]
    source: Mapped[str]
    seen_at: Mapped[datetime]

    account: Mapped[Account] = relationship(
        primaryjoin=lambda: and_(
            foreign(Bill.biller) == Account.biller,
            foreign(Bill.account_index) == Account.number_index,
        ),
        viewonly=True,
        lazy="raise",
    )
