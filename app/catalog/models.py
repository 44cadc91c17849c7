"""The catalogue's versions: one number for the whole, and each entry as it was at a number."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import APPEND_ONLY, Base


class CatalogVersion(Base):
    """One state of the whole catalogue; the highest number is the one that is served."""

    __tablename__ = "catalog_versions"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        {"info": APPEND_ONLY},
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content_hash: Mapped[str]
    loaded_at: Mapped[datetime] = mapped_column(default=now)


class CatalogEntry(Base):
    """One version of a category, department or service (or the synonyms), never changed.

    It holds from the catalogue's version `since` until the next version of the same entry. A
    removed entry gets a last version that is `withdrawn`.
    """

    __tablename__ = "catalog_entries"
    __table_args__ = (
        CheckConstraint("kind in ('category', 'department', 'service', 'synonyms')", name="kind"),
        CheckConstraint("version >= 1", name="version"),
        UniqueConstraint("kind", "id", "since"),
        Index(None, "since"),
        {"info": APPEND_ONLY},
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[int] = mapped_column(ForeignKey("catalog_versions.number"))
    withdrawn: Mapped[bool] = mapped_column(default=False)
    content: Mapped[dict[str, Any]]
