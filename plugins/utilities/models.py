"""Tables: linked accounts, bills, news of payments on their way to a biller, imported files."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    Index,
    UniqueConstraint,
    and_,
)
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from app.sdk import APPEND_ONLY, base_for, new_id, now
from plugins.utilities.values import (
    MAX_AMOUNT,
    BillSource,
    BillStatus,
    ChangeKind,
    ChangeReason,
    PostingState,
)


def _one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    names = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} in ({names})", name=column)


class Base(base_for("utilities")):  # type: ignore[misc] # mypy knows no computed base class
    """The tables of this plug-in, in its own schema."""

    __abstract__ = True


class Account(Base):
    """A biller's account that one citizen has linked; number and holder's name are sealed.

    Several citizens may link the same account. `ask_after` is when its bills may next be asked for.
    """

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("citizen_reference", "biller", "number_index"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    biller: Mapped[str]
    number_index: Mapped[bytes]
    number_sealed: Mapped[bytes]
    holder_name_sealed: Mapped[bytes]
    linked_at: Mapped[datetime] = mapped_column(default=now)
    ask_after: Mapped[datetime] = mapped_column(default=now)
    refreshed_at: Mapped[datetime | None]


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
        _one_of("status", BillStatus),
        _one_of("source", BillSource),
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


class Posting(Base):
    """The news of one payment for one biller, written down before the biller is called."""

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint(f"amount between 0 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint("(state = 'booked') = (answer_reference is not null)", name="answer"),
        CheckConstraint("(state = 'refused') = (refusal is not null)", name="refusal"),
        _one_of("state", PostingState),
        Index(None, "biller", "biller_reference"),
        Index(None, "biller", "sent_at", "key"),
        Index(None, "biller", "answered_at"),
        Index(None, "biller", "answer_reference"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    biller: Mapped[str]
    biller_reference: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    state: Mapped[str]
    sent_at: Mapped[datetime]
    answer_reference: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    refusal: Mapped[str | None]


class BillFile(Base):
    """A bill file that was imported: the same bytes are imported once."""

    __tablename__ = "bill_files"
    __table_args__ = (UniqueConstraint("biller", "digest"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    biller: Mapped[str]
    digest: Mapped[bytes]
    lines: Mapped[int]
    created: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    imported_by: Mapped[str]
    imported_at: Mapped[datetime]


class LinkAllowance(Base):
    """When one citizen tried to link an account lately; its row is the lock of their linking."""

    __tablename__ = "link_allowances"

    citizen_reference: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))


class DeskClient(Base):
    """A client that may speak for a biller in its own name; without a row it may nothing."""

    __tablename__ = "desk_clients"

    biller: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    admitted_by: Mapped[str]
    admitted_at: Mapped[datetime] = mapped_column(default=now)


class UploadedFile(Base):
    """A bill file that a biller's own system uploaded: one content for each number, and once.

    The counts are written in the transaction that claims the number.
    """

    __tablename__ = "uploaded_files"
    __table_args__ = (
        UniqueConstraint("biller", "number"),
        CheckConstraint("created + updated + unchanged = lines", name="counts"),
        CheckConstraint("total >= 0", name="total"),
        Index(None, "biller", "taken_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    biller: Mapped[str]
    number: Mapped[str]
    digest: Mapped[bytes]
    day: Mapped[date]
    lines: Mapped[int]
    total: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[int | None]
    updated: Mapped[int | None]
    unchanged: Mapped[int | None]
    client_id: Mapped[UUID]
    taken_at: Mapped[datetime]


class BillChange(Base):
    """What a biller's own system did to a bill, why, and what stood there before; never changed."""

    __tablename__ = "bill_changes"
    __table_args__ = (
        _one_of("kind", ChangeKind),
        _one_of("reason", ChangeReason),
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
