"""Who was reminded on which day."""

from datetime import date, datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import now
from plugins.utilities.models.base import Base


class Reminder(Base):
    """That a citizen was told on a day of what is due, all of it in one message."""

    __tablename__ = "reminders"
    __table_args__ = (Index(None, "day"),)

    citizen_reference: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    told_at: Mapped[datetime] = mapped_column(default=now)
