"""Standing orders and the collections of their bills."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.autopay.values import (
    LIVING_ORDERS,
    Bounds,
    CollectionStatus,
    OrderStatus,
)
from app.core.clock import now
from app.core.db import Base, Stateful, one_of
from app.core.money import MAX_AMOUNT

_ENDS = frozenset(
    {OrderStatus.CANCELLED_BY_PAYER, OrderStatus.CANCELLED_BY_PAYEE, OrderStatus.EXPIRED}
)


class StandingOrder(Stateful, Base):
    """What a citizen allows to be taken for one service; at most one living order for each."""

    ENTITY = "autopay_order"
    FIRST = frozenset({OrderStatus.ACTIVE})
    MOVES = {
        OrderStatus.ACTIVE: frozenset({OrderStatus.PAUSED, OrderStatus.INACTIVE}) | _ENDS,
        OrderStatus.PAUSED: frozenset({OrderStatus.ACTIVE}) | _ENDS,
        OrderStatus.INACTIVE: frozenset({OrderStatus.ACTIVE}) | _ENDS,
    }

    __tablename__ = "autopay_orders"
    __table_args__ = (
        CheckConstraint(one_of("status", OrderStatus), name="status"),
        CheckConstraint(f"cap_per_bill between 1 and {MAX_AMOUNT}", name="cap_per_bill"),
        CheckConstraint("cap_per_month >= cap_per_bill", name="cap_per_month"),
        CheckConstraint("notice_days between 1 and 10", name="notice_days"),
        CheckConstraint("failures >= 0", name="failures"),
        Index(
            "uq_autopay_orders_living",
            "citizen_id",
            "service",
            unique=True,
            postgresql_where=text(one_of("status", LIVING_ORDERS)),
        ),
        Index(None, "citizen_id", "id"),
        Index(
            "ix_autopay_orders_next_look_at",
            "next_look_at",
            postgresql_where=text("status = 'active'"),
        ),
    )

    citizen_id: Mapped[UUID]
    service: Mapped[str]
    payment_method_id: Mapped[UUID]
    cap_per_bill: Mapped[int] = mapped_column(BigInteger)
    cap_per_month: Mapped[int | None] = mapped_column(BigInteger)
    notice_days: Mapped[int]
    expires_on: Mapped[date | None]
    terms_version: Mapped[int]
    failures: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    next_look_at: Mapped[datetime]

    @property
    def bounds(self) -> Bounds:
        """Return what the citizen allows."""
        return Bounds(self.cap_per_bill, self.cap_per_month, self.notice_days)


class Collection(Stateful, Base):
    """One bill that is taken by itself; while it is not skipped or given up, the only one for it.

    `origin` of each try's payment is this row's id with the number of the try: a try that runs
    again finds its payment. `approved_amount`: up to here its citizen said yes to a held bill.
    """

    ENTITY = "autopay_collection"
    FIRST = frozenset({CollectionStatus.ANNOUNCED, CollectionStatus.HELD})
    MOVES = {
        CollectionStatus.ANNOUNCED: frozenset(
            {CollectionStatus.HELD, CollectionStatus.SKIPPED, CollectionStatus.CHARGING}
        ),
        CollectionStatus.HELD: frozenset({CollectionStatus.ANNOUNCED, CollectionStatus.SKIPPED}),
        CollectionStatus.CHARGING: frozenset(
            {CollectionStatus.SUCCEEDED, CollectionStatus.FAILED, CollectionStatus.SKIPPED}
        ),
        CollectionStatus.FAILED: frozenset(
            {
                CollectionStatus.CHARGING,
                CollectionStatus.HELD,
                CollectionStatus.SKIPPED,
                CollectionStatus.ABANDONED,
            }
        ),
    }

    __tablename__ = "autopay_collections"
    __table_args__ = (
        CheckConstraint(one_of("status", CollectionStatus), name="status"),
        CheckConstraint(f"amount between 1 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint("tries >= 0", name="tries"),
        CheckConstraint(f"reason is not null or status <> '{CollectionStatus.HELD}'", name="held"),
        Index(
            "uq_autopay_collections_bill",
            "service",
            "reference",
            unique=True,
            postgresql_where=text("status not in ('skipped', 'abandoned')"),
        ),
        Index(None, "order_id", "id"),
        Index(
            "ix_autopay_collections_payment_id",
            "payment_id",
            postgresql_where=text("payment_id is not null"),
        ),
        Index(
            "ix_autopay_collections_next_at",
            "next_at",
            postgresql_where=text("next_at is not null"),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("autopay_orders.id"))
    citizen_id: Mapped[UUID]
    service: Mapped[str]
    reference: Mapped[str]
    title: Mapped[dict[str, Any]]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    payable_version: Mapped[str]
    due_date: Mapped[date | None]
    announced_at: Mapped[datetime] = mapped_column(default=now)
    charge_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    approved_amount: Mapped[int | None] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(default=0)
    payment_id: Mapped[UUID | None]
    reason: Mapped[str | None]

    @property
    def subject_id(self) -> UUID:
        """Show a collection's moves on its order's timeline."""
        return self.order_id

    @property
    def origin(self) -> str:
        """Return the permanent name of the running try."""
        return f"autopay:{self.id}:{self.tries}"
