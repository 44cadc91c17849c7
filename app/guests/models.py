"""The passes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class GuestPass(Base):
    """Leave to pay one thing; its id stands where a citizen's would, and names nobody."""

    __tablename__ = "guest_passes"
    __table_args__ = (
        CheckConstraint(
            "expires_at > created_at and expires_at <= created_at + interval '1 hour'",
            name="expires_at",
        ),
        Index(None, "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    plugin: Mapped[str]
    service: Mapped[str]
    reference: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
