"""Postings that their billers took back, and meters that billers load themselves."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, now
from plugins.utilities.models.base import Base, one_of
from plugins.utilities.values import LoadStatus, ReversalReason, ReversalStatus, ReversedBy


class Reversal(Stateful, Base):
    """That a biller took one posting back, once, and what became of the money.

    `reference` is what was paid, as the house knows it; `tried_at` is when the money was last asked
    to be sent back.
    """

    ENTITY: ClassVar = "utilities_reversal"
    FIRST: ClassVar = frozenset({ReversalStatus.OWED_AGAIN, ReversalStatus.RETURNING})
    MOVES: ClassVar = {
        ReversalStatus.RETURNING: frozenset({ReversalStatus.RETURNED, ReversalStatus.UNRETURNABLE}),
    }

    __tablename__ = "reversals"
    __table_args__ = (
        UniqueConstraint("posting_key"),
        one_of("status", ReversalStatus),
        one_of("reason", ReversalReason),
        one_of("came_by", ReversedBy),
        CheckConstraint("(came_by = 'inquiry') = (client_id is null)", name="client_id"),
        Index(None, "biller", "reversed_at"),
        Index("ix_reversals_returning", "tried_at", postgresql_where="status = 'returning'"),
    )

    posting_key: Mapped[str] = mapped_column(ForeignKey("plugin_utilities.postings.key"))
    biller: Mapped[str]
    reference: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]
    came_by: Mapped[str]
    client_id: Mapped[UUID | None]
    reversed_at: Mapped[datetime] = mapped_column(default=now)
    tried_at: Mapped[datetime | None]


class MeterLoad(Stateful, Base):
    """That a biller was told to load a prepaid meter itself; it is asked until it says how it went.

    `asks` is how often it was asked, `ask_after` when it may be asked next.
    """

    ENTITY: ClassVar = "utilities_meter_load"
    FIRST: ClassVar = frozenset({LoadStatus.ASKED})
    MOVES: ClassVar = {LoadStatus.ASKED: frozenset({LoadStatus.LOADED, LoadStatus.FAILED})}

    __tablename__ = "meter_loads"
    __table_args__ = (
        UniqueConstraint("posting_key"),
        UniqueConstraint("order_id"),
        one_of("status", LoadStatus),
        CheckConstraint("(status = 'asked') = (ended_at is null)", name="ended_at"),
        Index("ix_meter_loads_asked", "ask_after", postgresql_where="status = 'asked'"),
    )

    posting_key: Mapped[str] = mapped_column(ForeignKey("plugin_utilities.postings.key"))
    order_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_utilities.orders.id"))
    biller: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(default=now)
    ask_after: Mapped[datetime] = mapped_column(default=now)
    asks: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
