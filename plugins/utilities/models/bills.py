"""Our copy of the billers' bills."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    and_,
)
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.sdk import APPEND_ONLY, new_id
from plugins.utilities.models.accounts import Account
from plugins.utilities.models.base import Base, one_of
from plugins.utilities.values import (
    MAX_AMOUNT,
    BillSource,
    BillStatus,
    ChangeReason,
)


class Bill(Base):
    """Our copy of a biller's bill; it belongs to whoever has linked its account.

    `seen_at` is when the biller was asked for what stands here: older news never overwrites it. A
    bill with a `posting_reference` was paid through us and stays paid. `late_fee` is the biller's
    figure of the day of `seen_at`, null where it adds none. `edition` counts the changes of amount,
    due date and detail; each edition stands in `bill_editions`. A bill whose payment its
    biller took back is paid once more under `again_id`.
    """

    __tablename__ = "bills"
    __table_args__ = (
        UniqueConstraint("biller", "biller_reference"),
        UniqueConstraint("again_id"),
        CheckConstraint("(again_id is null) = (reversed_at is null)", name="again_id"),
        CheckConstraint(f"amount between 0 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint("period_from <= period_to", name="period"),
        CheckConstraint("(status = 'paid') = (paid_at is not null)", name="paid_at"),
        CheckConstraint("paid_amount between 0 and amount", name="paid_amount"),
        CheckConstraint("late_fee >= 0", name="late_fee"),
        CheckConstraint(
            "(status = 'partially_paid') ="
            " (status in ('open', 'partially_paid') and paid_amount > 0)",
            name="partially_paid",
        ),
        CheckConstraint("edition >= 1", name="edition"),
        one_of("amended_for", ChangeReason),
        one_of("status", BillStatus),
        one_of("source", BillSource),
        Index(None, "biller", "account_index", "due_date", "id"),
        Index(None, "biller", "paid_at"),
        Index(
            "ix_bills_owed",
            "due_date",
            postgresql_where="status in ('open', 'partially_paid')",
        ),
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
    paid_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    late_fee: Mapped[int | None] = mapped_column(BigInteger)
    expires_on: Mapped[date | None]
    edition: Mapped[int] = mapped_column(default=1, server_default="1")
    amended_for: Mapped[str | None]
    again_id: Mapped[UUID | None]
    reversed_at: Mapped[datetime | None]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")

    account: Mapped[Account] = relationship(
        primaryjoin=lambda: and_(
            foreign(Bill.biller) == Account.biller,
            foreign(Bill.account_index) == Account.number_index,
        ),
        viewonly=True,
        lazy="raise",
    )


class BillEdition(Base):
    """A bill as it was told once, and why it replaced the edition before; never changed."""

    __tablename__ = "bill_editions"
    __table_args__ = (
        CheckConstraint(f"amount between 0 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint("edition >= 1", name="edition"),
        one_of("reason", ChangeReason),
        {"info": APPEND_ONLY},
    )

    bill_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_utilities.bills.id"), primary_key=True)
    edition: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    due_date: Mapped[date]
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any]]
    told_at: Mapped[datetime]
