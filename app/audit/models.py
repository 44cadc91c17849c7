"""The rows of the trail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import APPEND_ONLY, Base
from app.core.ids import new_id


class AuditEntry(Base):
    """One access or act of security: when, who, what, whom it concerns, how it ended, from where.

    Append-only. `details` holds ids, codes and counts, never anything personal.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "subject_id", "at", "id"),
        Index(None, "at", "id"),
        CheckConstraint("result in ('done', 'refused')", name="result"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    event: Mapped[str]
    actor: Mapped[str]
    subject_id: Mapped[UUID | None]
    result: Mapped[str]
    address: Mapped[str | None]
    request_id: Mapped[str | None]
    details: Mapped[dict[str, Any]]
