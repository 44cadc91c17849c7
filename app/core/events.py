"""Facts in the past tense, and the permanent log of every change of state."""

import types
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Self, get_type_hints
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import APPEND_ONLY, READ_ONLY, Base
from app.core.ids import new_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A fact that others may act upon: ids and plain values, named in the past tense."""

    name: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """Return the event as JSON values."""
        return {k: str(v) if isinstance(v, UUID) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the event that `to_json` wrote."""
        hints = get_type_hints(cls)
        return cls(**{f.name: _value(hints[f.name], values[f.name]) for f in fields(cls)})


def _value(hint: Any, value: Any) -> Any:  # noqa: ANN401 - JSON in, dataclass field out
    kinds = hint.__args__ if isinstance(hint, types.UnionType) else (hint,)
    return UUID(value) if UUID in kinds and value is not None else value


class EventLog(Base):
    """One row for each change of state: what changed, from, to, why and by whom; append-only.

    A trigger refuses a pair of states that is not in `legal_moves`.
    """

    __tablename__ = "event_log"
    __table_args__ = (
        UniqueConstraint("entity", "entity_id", "sequence"),
        Index(None, "subject_id", "at", "id"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    entity: Mapped[str]
    entity_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    sequence: Mapped[int]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    event: Mapped[str | None]
    cause: Mapped[str]
    actor: Mapped[str]
    request_id: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class LegalMove(Base):
    """An edge of a published state machine; `from_state` is empty for a first state."""

    __tablename__ = "legal_moves"
    __table_args__ = {"info": READ_ONLY}

    entity: Mapped[str] = mapped_column(primary_key=True)
    from_state: Mapped[str] = mapped_column(primary_key=True)
    to_state: Mapped[str] = mapped_column(primary_key=True)
