"""Bill files that came: by staff, and from a biller's own system."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import new_id
from plugins.utilities.models.base import Base


class BillFile(Base):
    """A bill file that was imported: the same bytes are imported once."""

    __tablename__ = "bill_files"
    __table_args__ = (UniqueConstraint("biller", "digest"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    biller: Mapped[str]
    digest: Mapped[bytes]
    lines: Mapped[int]
    created: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    imported_by: Mapped[str]
    imported_at: Mapped[datetime]


class UploadedFile(Base):
    """A bill file that a biller's own system uploaded: one content for each number, and once.

    The counts are written in the transaction that claims the number.
    """

    __tablename__ = "uploaded_files"
    __table_args__ = (
        UniqueConstraint("biller", "number"),
        CheckConstraint("created + updated + unchanged = lines", name="counts"),
        CheckConstraint("total >= 0", name="total"),
        Index(None, "biller", "taken_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    biller: Mapped[str]
    number: Mapped[str]
    digest: Mapped[bytes]
    day: Mapped[date]
    lines: Mapped[int]
    total: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[int | None]
    updated: Mapped[int | None]
    unchanged: Mapped[int | None]
    client_id: Mapped[UUID]
    taken_at: Mapped[datetime]
