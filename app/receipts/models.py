"""Receipts and their numbers: none is ever missing, given twice or changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import APPEND_ONLY, Base
from app.core.ids import new_id


class ReceiptCounter(Base):
    """The last number of a series: taken under the row's lock, so that none is ever missing."""

    __tablename__ = "receipt_counters"

    series: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class Receipt(Base):
    """The proof for the citizen: one for each payment, with a gap-free number."""

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("payment_id"),
        UniqueConstraint("series", "number"),
        UniqueConstraint("code"),
        Index(None, "citizen_id", "issued_at", "id"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    payment_id: Mapped[UUID]
    citizen_id: Mapped[UUID]
    series: Mapped[str]
    number: Mapped[int]
    code: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    content: Mapped[dict[str, Any]]
    issued_at: Mapped[datetime]
