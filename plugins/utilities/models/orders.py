"""Orders: references that were minted for one citizen, one amount and half an hour."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.sdk import new_id, now
from plugins.utilities.models.base import Base, one_of
from plugins.utilities.models.postings import Posting
from plugins.utilities.models.reversals import MeterLoad
from plugins.utilities.values import MAX_AMOUNT, OrderKind


class Order(Base):
    """One thing that can be paid once, with its amount and how it is laid out, fixed at minting.

    What has become of it is told by its postings and the clock; `letterbox` is where its citizen is
    told. Whoever is erased takes citizen, letterbox, number and token with them; what was paid
    stays for the biller's books.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(f"amount between 1 and {MAX_AMOUNT}", name="amount"),
        CheckConstraint("advance between 0 and amount", name="advance"),
        CheckConstraint("made_at < expires_at", name="expires_at"),
        CheckConstraint("token_sealed is null or kind = 'top_up'", name="token"),
        CheckConstraint(
            "(citizen_reference is null) = (number_sealed is null)", name="citizen_reference"
        ),
        one_of("kind", OrderKind),
        Index(None, "citizen_reference", "made_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str | None]
    kind: Mapped[str]
    biller: Mapped[str]
    number_sealed: Mapped[bytes | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    parts: Mapped[list[Any]]
    advance: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    token_sealed: Mapped[bytes | None]
    letterbox: Mapped[str] = mapped_column(default="", server_default="")

    postings: Mapped[list[Posting]] = relationship(viewonly=True, lazy="raise")
    load: Mapped[MeterLoad | None] = relationship(viewonly=True, lazy="raise")
