"""News of payments for the police's system."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from plugins.traffic.models.base import Base, one_of
from plugins.traffic.models.dues import Due
from plugins.traffic.values import PostingState


class Posting(Base):
    """The news of one payment, written down before the police's system is told."""

    __tablename__ = "postings"
    __table_args__ = (
        one_of("state", PostingState),
        CheckConstraint("fine > 0 and surcharge >= 0 and amount = fine + surcharge", name="amount"),
        CheckConstraint("(state = 'booked') = (answer_reference is not null)", name="answer"),
        CheckConstraint("(state = 'refused') = (refusal is not null)", name="refusal"),
        Index(
            "uq_postings_reference_live",
            "reference",
            unique=True,
            postgresql_where="state <> 'refused'",
        ),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(ForeignKey(Due.reference))
    amount: Mapped[int] = mapped_column(BigInteger)
    fine: Mapped[int] = mapped_column(BigInteger)
    surcharge: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    state: Mapped[str]
    paid_at: Mapped[datetime]
    sent_at: Mapped[datetime]
    answer_reference: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    refusal: Mapped[str | None]
