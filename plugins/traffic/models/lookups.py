"""Who may pay a decision that is not theirs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from plugins.traffic.models.base import Base
from plugins.traffic.models.violations import Violation


class Lookup(Base):
    """Who has proven to know two facts of a decision, and may pay it until when."""

    __tablename__ = "lookups"

    citizen_reference: Mapped[str] = mapped_column(primary_key=True)
    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id), primary_key=True)
    expires_at: Mapped[datetime]
