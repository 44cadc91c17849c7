"""Who does what inside a department."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import now
from plugins.permits.models.base import Base, one_of
from plugins.permits.values.seats import SeatRole


class Seat(Base):
    """A member of staff in a role of a department; without a row they may nothing at the desk."""

    __tablename__ = "seats"
    __table_args__ = (
        one_of("role", SeatRole),
        CheckConstraint("not decides_alone or role = 'decider'", name="decides_alone"),
    )

    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str]
    decides_alone: Mapped[bool] = mapped_column(default=False)
    given_by: Mapped[str]
    given_at: Mapped[datetime] = mapped_column(default=now)
