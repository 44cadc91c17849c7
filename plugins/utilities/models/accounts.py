"""Linked accounts, and the attempts to link one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import new_id, now
from plugins.utilities.models.base import Base


class Account(Base):
    """A biller's account that one citizen has linked; number and holder's name are sealed.

    Several citizens may link the same account. `ask_after` is when its bills may next be asked for.
    """

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("citizen_reference", "biller", "number_index"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    biller: Mapped[str]
    number_index: Mapped[bytes]
    number_sealed: Mapped[bytes]
    holder_name_sealed: Mapped[bytes]
    linked_at: Mapped[datetime] = mapped_column(default=now)
    ask_after: Mapped[datetime] = mapped_column(default=now)
    refreshed_at: Mapped[datetime | None]


class LinkAllowance(Base):
    """When one citizen tried to link an account lately; its row is the lock of their linking."""

    __tablename__ = "link_allowances"

    citizen_reference: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
