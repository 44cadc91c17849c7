"""The books: accounts, transactions that sum to zero, splits, snapshots; rows never change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
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
    """One booking; `external_ref` is the foreign object it records, so a repeat collides.

    `sequence` orders what is in the book: a snapshot counts everything up to one of them. A kind
    that begins with `correction.` is refused at the commit unless two people stand for it.
    """

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("kind", "external_ref"),
        UniqueConstraint("reversal_of"),
        UniqueConstraint("sequence"),
        CheckConstraint("lines >= 2", name="lines"),
        Index(None, "subject_id"),
        Index(None, "recorded_at", "id"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity())
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


class LedgerSplitRule(Base):
    """A published version of a split rule; never changed, a new one follows it."""

    __tablename__ = "ledger_split_rules"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("fee_bearer in ('platform', 'payee')", name="fee_bearer"),
        {"info": APPEND_ONLY},
    )

    applies_to: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime]
    fee_bearer: Mapped[str]
    parts: Mapped[list[Any]]
    published_at: Mapped[datetime] = mapped_column(default=now)


class LedgerSplit(Base):
    """How one item's money was split when it came: by which version of which rule, if by any."""

    __tablename__ = "ledger_splits"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("fee_bearer in ('platform', 'payee')", name="fee_bearer"),
        CheckConstraint("(rule is null) = (rule_version is null)", name="rule_version"),
        ForeignKeyConstraint(
            ["rule", "rule_version"],
            ["ledger_split_rules.applies_to", "ledger_split_rules.version"],
        ),
        Index(None, "transaction_id"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transactions.id"))
    payee: Mapped[str]
    title: Mapped[dict[str, Any]]
    amount: Mapped[int] = mapped_column(BigInteger)
    fee_bearer: Mapped[str]
    rule: Mapped[str | None]
    rule_version: Mapped[int | None]


class LedgerShare(Base):
    """What one account got of a split; together they are its amount."""

    __tablename__ = "ledger_shares"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        UniqueConstraint("split_id", "account"),
        UniqueConstraint("split_id", "line_no", "amount"),
        {"info": APPEND_ONLY},
    )

    split_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_splits.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)


class LedgerTaking(Base):
    """What was taken back of a share by one booking, and of the whole share until then.

    `share` is the share's own amount, by the foreign key; so PostgreSQL itself refuses that more
    than a share is ever taken back. Two bookings at once collide on `sequence`.
    """

    __tablename__ = "ledger_takings"
    __table_args__ = (
        CheckConstraint("taken between 0 and share", name="taken"),
        ForeignKeyConstraint(
            ["split_id", "line_no", "share"],
            ["ledger_shares.split_id", "ledger_shares.line_no", "ledger_shares.amount"],
        ),
        Index(None, "transaction_id"),
        {"info": APPEND_ONLY},
    )

    split_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transactions.id"))
    share: Mapped[int] = mapped_column(BigInteger)
    change: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[int] = mapped_column(BigInteger)


class LedgerSnapshot(Base):
    """What an account held after the transaction `sequence`; with the tail, it is the balance.

    `recorded_until` is the latest moment at which anything that it counts was recorded.
    """

    __tablename__ = "ledger_snapshots"
    __table_args__ = (Index(None, "sequence"), {"info": APPEND_ONLY})

    account_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger)
    debit: Mapped[int] = mapped_column(BigInteger)
    recorded_until: Mapped[datetime]
    taken_at: Mapped[datetime]


class LedgerCorrection(Base):
    """The two people who stand for a correction, and where its reason is kept."""

    __tablename__ = "ledger_corrections"
    __table_args__ = (
        CheckConstraint("approved_by <> proposed_by", name="four_eyes"),
        UniqueConstraint("grounds"),
        {"info": APPEND_ONLY},
    )

    transaction_id: Mapped[UUID] = mapped_column(
        ForeignKey("ledger_transactions.id"), primary_key=True
    )
    proposed_by: Mapped[UUID]
    approved_by: Mapped[UUID]
    grounds: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)
