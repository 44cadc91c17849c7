"""Linked accounts, and the attempts to link one."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import new_id, now
from plugins.utilities.models.base import Base


class Account(Base):
    """A biller's account that one citizen has linked; number and holder's name are sealed.

    Several citizens may link the same account; `letterbox` is where this one is told of bills.
    Periods that begin after `moved_out_on` are somebody else's. `ask_after` is when its bills may
    next be asked for.
    """

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("citizen_reference", "biller", "number_index"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    letterbox: Mapped[str] = mapped_column(default="", server_default="")
    biller: Mapped[str]
    number_index: Mapped[bytes]
    number_sealed: Mapped[bytes]
    holder_name_sealed: Mapped[bytes]
    linked_at: Mapped[datetime] = mapped_column(default=now)
    ask_after: Mapped[datetime] = mapped_column(default=now)
    refreshed_at: Mapped[datetime | None]
    moved_out_on: Mapped[date | None]


class LinkAllowance(Base):
    """Until when each attempt of a citizen to name an account counts, the first to end first.

    Its row is the lock of their linking.
    """

    __tablename__ = "link_allowances"

    citizen_reference: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))


class LookUp(Base):
    """That a citizen asked for an account by its number, found or not: the limit counts these rows.

    What was found keeps the number, sealed, so that it can be paid for while the look-up lives.
    """

    __tablename__ = "look_ups"
    __table_args__ = (
        CheckConstraint("is_found = (number_sealed is not null)", name="found"),
        Index(None, "citizen_reference", "asked_at"),
        Index(None, "number_index", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_reference: Mapped[str]
    biller: Mapped[str]
    number_index: Mapped[bytes]
    number_sealed: Mapped[bytes | None]
    is_found: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime] = mapped_column(default=now)
