"""News of payments on their way to a biller."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from plugins.utilities.models.base import Base, one_of
from plugins.utilities.values import (
    MAX_AMOUNT,
    PostingState,
)


class Posting(Base):
    """The news of one payment for one biller, written down before the biller is called.

    `biller_reference` is the number of a bill, or of the order that `order_id` names;
    `reference` is what was paid, as the house knows it (none of the oldest).
    """

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint(f"amount between 0 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint(
            "(state in ('booked', 'reversed')) = (answer_reference is not null)", name="answer"
        ),
        CheckConstraint("(state = 'refused') = (refusal is not null)", name="refusal"),
        one_of("state", PostingState),
        Index(None, "biller", "biller_reference"),
        Index(None, "biller", "sent_at", "key"),
        Index(None, "biller", "answered_at"),
        Index(None, "biller", "answer_reference"),
        Index(None, "order_id"),
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
    reference: Mapped[str | None]
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_utilities.orders.id"))
