"""Receipts and their numbers: none is ever missing, given twice or changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import APPEND_ONLY, READ_ONLY, Base
from app.core.ids import new_id


class ReceiptCounter(Base):
    """The last number of a series; the trigger of `receipts` alone takes the next one.

    It does so under the row's lock and in the receipt's own transaction, so that none is missing.
    """

    __tablename__ = "receipt_counters"
    __table_args__ = {"info": READ_ONLY}

    series: Mapped[str] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class Receipt(Base):
    """The proof for the citizen: one for each payment, or (`original_id`) a red letter to one.

    PostgreSQL gives the number, which nobody may choose, and refuses red letters that together take
    back more than their receipt is about. `series` is the city's year, with an R for red letters.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("series", "number"),
        UniqueConstraint("code"),
        UniqueConstraint("refund_id"),
        CheckConstraint("(original_id is null) = (refund_id is null)", name="red_letter"),
        CheckConstraint(
            "case when original_id is null then amount >= 0 else amount < 0 end", name="amount"
        ),
        CheckConstraint(
            "series = extract(year from issued_at at time zone 'Asia/Shanghai')::int::text "
            "|| case when original_id is null then '' else 'R' end",
            name="series",
        ),
        Index(
            "uq_receipts_payment_id",
            "payment_id",
            unique=True,
            postgresql_where=text("original_id is null"),
        ),
        Index(None, "original_id"),
        Index(None, "citizen_id", "issued_at", "id"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    payment_id: Mapped[UUID]
    citizen_id: Mapped[UUID]
    original_id: Mapped[UUID | None] = mapped_column(ForeignKey("receipts.id"))
    refund_id: Mapped[UUID | None]
    series: Mapped[str]
    number: Mapped[int]
    code: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    content: Mapped[dict[str, Any]]
    issued_at: Mapped[datetime]


class ReceiptCertificate(Base):
    """A certificate that has signed receipts, with those that vouch for it (PEM)."""

    __tablename__ = "receipt_certificates"
    __table_args__ = (
        CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint"),
        {"info": APPEND_ONLY},
    )

    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    chain: Mapped[str]
    first_used_at: Mapped[datetime]


class ReceiptDocument(Base):
    """A receipt in a signed form, byte for byte: a new key or a new layout changes nothing."""

    __tablename__ = "receipt_documents"
    __table_args__ = (
        CheckConstraint("form in ('pdf', 'jws')", name="form"),
        {"info": APPEND_ONLY},
    )

    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("receipts.id"), primary_key=True)
    form: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    certificate: Mapped[bytes] = mapped_column(ForeignKey("receipt_certificates.fingerprint"))
    signed_at: Mapped[datetime]
