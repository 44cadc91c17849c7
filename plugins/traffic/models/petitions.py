"""What every petition of a citizen has in common, whatever it asks for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import Stateful
from plugins.traffic.models.base import Base
from plugins.traffic.models.violations import Violation


class Petition(Base, Stateful):
    """What a citizen asks about a violation in their own words, and what an officer says to it.

    The statement is sealed. Whoever is erased takes reference, letterbox and text with
    them.
    """

    __abstract__ = True

    violation_id: Mapped[UUID] = mapped_column(ForeignKey(Violation.id))
    citizen_reference: Mapped[str | None]
    kind: Mapped[str]
    statement_sealed: Mapped[bytes | None]
    letterbox: Mapped[str]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]

    @property
    def subject_id(self) -> UUID:
        """Return the violation, whose timeline shows this."""
        return self.violation_id
