"""Which badge a member of staff wears."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import now
from plugins.traffic.models.base import Base


class Officer(Base):
    """Which badge a member of staff wears: the police know their officers by it."""

    __tablename__ = "officers"
    __table_args__ = (Unique("badge"),)

    staff_id: Mapped[UUID] = mapped_column(primary_key=True)
    badge: Mapped[str]
    named_by: Mapped[str]
    named_at: Mapped[datetime] = mapped_column(default=now)
