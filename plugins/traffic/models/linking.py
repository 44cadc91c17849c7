"""Who linked what, and who tried to."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Index
from sqlalchemy import UniqueConstraint as Unique
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import new_id, now
from plugins.traffic.models.base import Base


class Vehicle(Base):
    """A vehicle that a citizen has linked; plate and proof are sealed.

    Several citizens may link the same one. `ask_after` is when the police may next be asked, and
    `watched_since` when they first were: what they say later is news.
    """

    __tablename__ = "vehicles"
    __table_args__ = (
        Unique("citizen_reference", "plate_index"),
        Index(None, "plate_index"),
        Index(None, "ask_after"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    plate_index: Mapped[bytes]
    plate_sealed: Mapped[bytes]
    engine_sealed: Mapped[bytes]
    linked_at: Mapped[datetime] = mapped_column(default=now)
    ask_after: Mapped[datetime] = mapped_column(default=now)
    refreshed_at: Mapped[datetime | None]
    letterbox: Mapped[str] = mapped_column(default="")
    watched_since: Mapped[datetime | None]


class Licence(Base):
    """The driving licence of a citizen: each has one, and each licence one holder."""

    __tablename__ = "licences"
    __table_args__ = (
        Unique("citizen_reference"),
        Unique("number_index"),
        Index(None, "ask_after"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    number_index: Mapped[bytes]
    number_sealed: Mapped[bytes]
    archive_sealed: Mapped[bytes]
    licence_class: Mapped[str]
    issued_on: Mapped[date]
    linked_at: Mapped[datetime] = mapped_column(default=now)
    ask_after: Mapped[datetime] = mapped_column(default=now)
    refreshed_at: Mapped[datetime | None]
    letterbox: Mapped[str] = mapped_column(default="")
    watched_since: Mapped[datetime | None]


class Allowance(Base):
    """Until when each attempt of somebody to prove something counts, the first to end first.

    Its row is the lock of their trying.
    """

    __tablename__ = "allowances"

    kind: Mapped[str] = mapped_column(primary_key=True)
    tried_by: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
