"""Addresses at which calendars read what is due."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import now
from plugins.utilities.models.base import Base


class Feed(Base):
    """That a citizen lets calendars read what is due; the address itself is kept nowhere.

    One for each citizen: another address takes the place of the one before.
    """

    __tablename__ = "feeds"
    __table_args__ = (UniqueConstraint("secret_digest"),)

    citizen_reference: Mapped[str] = mapped_column(primary_key=True)
    secret_digest: Mapped[bytes]
    made_at: Mapped[datetime] = mapped_column(default=now)
