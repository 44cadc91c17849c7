"""What citizens were reminded of."""

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import now
from plugins.traffic.models.base import Base
from plugins.traffic.models.dues import Due


class Reminder(Base):
    """That those who watch a violation were reminded of one of its last days; each kind once."""

    __tablename__ = "reminders"

    reference: Mapped[str] = mapped_column(ForeignKey(Due.reference), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    pay_by: Mapped[date] = mapped_column(primary_key=True)
    told_at: Mapped[datetime] = mapped_column(default=now)
