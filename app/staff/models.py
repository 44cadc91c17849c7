"""Members of staff and their sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful
from app.core.ids import new_id
from app.staff.values import StaffStatus


class Staff(Stateful, Base):
    """A member of staff: a label, a role, and the department they act for."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("status in ('active', 'ended')", name="status"),)
    ENTITY = "staff"
    FIRST = frozenset({StaffStatus.ACTIVE})
    MOVES = {
        StaffStatus.ACTIVE: frozenset({StaffStatus.ENDED}),
        StaffStatus.ENDED: frozenset(),
    }

    label: Mapped[str]
    role: Mapped[str]
    department: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class StaffSession(Base):
    """A working day of a member of staff; `means` says how they proved who they are."""

    __tablename__ = "staff_sessions"
    __table_args__ = (
        Index(None, "staff_id"),
        CheckConstraint("means in ('sandbox')", name="means"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    means: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
