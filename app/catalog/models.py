"""The catalogue's versions, the lists of services that are a citizen's own, and what is popular."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.values import FEWEST_CITIZENS, MOST_FAVOURITES, MOST_RECENT, OwnList
from app.core.clock import now
from app.core.db import APPEND_ONLY, Base, one_of


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


class ServiceHabits(Base):
    """Whether a citizen wants kept what they used; the row is locked while their lists change."""

    __tablename__ = "service_habits"

    citizen_id: Mapped[UUID] = mapped_column(primary_key=True)
    keeps_recent: Mapped[bool] = mapped_column(default=True)


class ListedService(Base):
    """A service in a list of a citizen's own, at its place; a list cannot be longer than it may.

    `at` is when a favourite was chosen, and when what is recent was last used. A service that was
    withdrawn stays here and is not shown.
    """

    __tablename__ = "listed_services"
    __table_args__ = (
        CheckConstraint(one_of("list", OwnList), name="list"),
        CheckConstraint(
            f"position between 1 and case list when '{OwnList.FAVOURITES}' "
            f"then {MOST_FAVOURITES} else {MOST_RECENT} end",
            name="position",
        ),
        UniqueConstraint("citizen_id", "list", "position", deferrable=True, initially="DEFERRED"),
        Index(
            "ix_listed_services_recent",
            "at",
            "service",
            postgresql_where=text(f"list = '{OwnList.RECENT}'"),
        ),
    )

    citizen_id: Mapped[UUID] = mapped_column(
        ForeignKey("service_habits.citizen_id", ondelete="CASCADE"), primary_key=True
    )
    list: Mapped[str] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    at: Mapped[datetime]


class PopularService(Base):
    """A service that many have used lately, and how much that counts now; of nobody by name."""

    __tablename__ = "popular_services"
    __table_args__ = (CheckConstraint(f"citizens >= {FEWEST_CITIZENS}", name="citizens"),)

    service: Mapped[str] = mapped_column(primary_key=True)
    citizens: Mapped[int]
    score: Mapped[float]
