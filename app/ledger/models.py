"""The books: accounts, and transactions whose entries sum to zero; rows are never changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import APPEND_ONLY, Base
from app.core.ids import new_id


class LedgerAccount(Base):
    """An account in one currency; its code names what it holds, such as `payee:shiyan-water`."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("code", "currency"),
        UniqueConstraint("id", "currency"),
        CheckConstraint("kind in ('asset', 'liability', 'income', 'expense')", name="kind"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str]
    kind: Mapped[str]
    currency: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(default=now)


class LedgerTransaction(Base):
    """One booking; `external_ref` is the foreign object it records, so a repeat collides."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("kind", "external_ref"),
        UniqueConstraint("reversal_of"),
        CheckConstraint("lines >= 2", name="lines"),
        Index(None, "subject_id"),
        Index(None, "recorded_at", "id"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str]
    external_ref: Mapped[str]
    subject_id: Mapped[UUID]
    lines: Mapped[int]
    reversal_of: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transactions.id"))
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(default=now)


class LedgerEntry(Base):
    """One line: a debit above zero or a credit below, in minor units of the account's currency."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        ForeignKeyConstraint(
            ["account_id", "currency"], ["ledger_accounts.id", "ledger_accounts.currency"]
        ),
        Index(None, "account_id", "transaction_id"),
        {"info": APPEND_ONLY},
    )

    transaction_id: Mapped[UUID] = mapped_column(
        ForeignKey("ledger_transactions.id"), primary_key=True
    )
    line_no: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
