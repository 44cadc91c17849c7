"""Systems that call the API."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful
from app.oauth.values import ClientStatus


class Integrator(Stateful, Base):
    """A system of somebody else's that calls the API in its own name."""

    __tablename__ = "integrators"
    __table_args__ = (
        UniqueConstraint("name"),
        UniqueConstraint("secret_digest"),
        CheckConstraint("status in ('active', 'ended')", name="status"),
    )
    ENTITY = "integrator"
    FIRST = frozenset({ClientStatus.ACTIVE})
    MOVES = {
        ClientStatus.ACTIVE: frozenset({ClientStatus.ENDED}),
        ClientStatus.ENDED: frozenset(),
    }

    name: Mapped[str]
    scopes: Mapped[list[Any]]
    secret_digest: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
