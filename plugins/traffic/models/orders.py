"""What the police's system is to write down."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import new_id, now
from plugins.traffic.models.base import Base, one_of
from plugins.traffic.models.violations import Violation
from plugins.traffic.values import MAX_FINE, OrderKind, OrderState


class Order(Base):
    """What the police's system is to write down: a decision, or the change of one.

    Kept before it is told, and told under the same key until it is answered.
    """

    __tablename__ = "orders"
    __table_args__ = (
        one_of("kind", OrderKind),
        one_of("state", OrderState),
        CheckConstraint(f"fine between 0 and {MAX_FINE}", name="fine"),
        CheckConstraint("(state = 'refused') = (refusal is not null)", name="refusal"),
        Index(
            "uq_orders_violation_id_decision",
            "violation_id",
            unique=True,
            postgresql_where="kind = 'decision' and state <> 'refused'",
        ),
        Index("ix_orders_waiting", "made_at", postgresql_where="state = 'waiting'"),
    )

    key: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    kind: Mapped[str]
    what: Mapped[str]
    fine: Mapped[int | None] = mapped_column(BigInteger)
    points: Mapped[int | None]
    reason: Mapped[str]
    state: Mapped[str]
    refusal: Mapped[str | None]
    made_at: Mapped[datetime] = mapped_column(default=now)
