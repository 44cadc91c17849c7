"""Complaints of bills and orders, each with the evidence as it stood when it was registered."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful, now
from plugins.utilities.models.base import Base, one_of
from plugins.utilities.values import ComplaintStatus, Ground, Outcome

_LIVE = "status != 'closed' and citizen_reference is not null"


class Complaint(Stateful, Base):
    """What a citizen says is wrong with one bill or one order, and what its biller answers.

    Words and answer are sealed. Whoever is erased takes reference, letterbox and texts with them.
    """

    ENTITY: ClassVar = "utilities_complaint"
    FIRST: ClassVar = frozenset({ComplaintStatus.REGISTERED})
    MOVES: ClassVar = {
        ComplaintStatus.REGISTERED: frozenset({ComplaintStatus.ASSIGNED}),
        ComplaintStatus.ASSIGNED: frozenset({ComplaintStatus.RESOLVED}),
        ComplaintStatus.RESOLVED: frozenset({ComplaintStatus.CLOSED, ComplaintStatus.REOPENED}),
        ComplaintStatus.REOPENED: frozenset({ComplaintStatus.ASSIGNED}),
    }

    __tablename__ = "complaints"
    __table_args__ = (
        one_of("status", ComplaintStatus),
        one_of("ground", Ground),
        one_of("outcome", Outcome),
        CheckConstraint("(bill_id is null) != (order_id is null)", name="subject"),
        CheckConstraint("status = 'registered' or unit is not null", name="unit"),
        CheckConstraint(
            "status not in ('resolved', 'closed') or outcome is not null", name="resolved"
        ),
        CheckConstraint("(citizen_reference is null) = (words_sealed is null)", name="words"),
        Index(
            "uq_complaints_live_bill",
            "citizen_reference",
            "bill_id",
            unique=True,
            postgresql_where=_LIVE,
        ),
        Index(
            "uq_complaints_live_order",
            "citizen_reference",
            "order_id",
            unique=True,
            postgresql_where=_LIVE,
        ),
        Index(None, "biller", "registered_at", "id"),
    )

    citizen_reference: Mapped[str | None]
    letterbox: Mapped[str]
    biller: Mapped[str]
    bill_id: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_utilities.bills.id"))
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_utilities.orders.id"))
    subject_number: Mapped[str]
    ground: Mapped[str]
    words_sealed: Mapped[bytes | None]
    evidence: Mapped[dict[str, Any]]
    unit: Mapped[str | None]
    outcome: Mapped[str | None]
    answer_sealed: Mapped[bytes | None]
    registered_at: Mapped[datetime] = mapped_column(default=now)
    answered_at: Mapped[datetime | None]
