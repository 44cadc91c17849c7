"""Searches whose citizens are told what is new."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import new_id, now
from plugins.jobs.models.base import Base
from plugins.jobs.values.saved_searches import MOST_SAVED


class SavedSearch(Base):
    """What a citizen looks for; a vacancy published until `seen_until` is not told of again.

    `place` numbers the searches of a citizen, so that no more are kept than one may.
    """

    __tablename__ = "saved_searches"
    __table_args__ = (
        UniqueConstraint("citizen_reference", "wanted"),
        UniqueConstraint("citizen_reference", "place"),
        CheckConstraint(f"place between 1 and {MOST_SAVED}", name="place"),
        CheckConstraint("seen_until >= saved_at - interval '1 hour'", name="seen_until"),
        Index(None, "next_at", "citizen_reference"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    letterbox: Mapped[str]
    place: Mapped[int]
    wanted: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime] = mapped_column(default=now)
    seen_until: Mapped[datetime] = mapped_column(default=now)
    next_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
