"""Feeds, who may send them, and the files that came."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.sdk import APPEND_ONLY, new_id, now
from plugins.jobs.models.base import Base


class FeedRow(Base):
    """A feed that a file came of; its row is the lock under which its files are taken in turn."""

    __tablename__ = "feeds"

    feed: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(default=now)


class FeedClient(Base):
    """A client that may send a feed's files in its own name; without a row it may nothing."""

    __tablename__ = "feed_clients"

    feed: Mapped[str] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(primary_key=True)
    admitted_by: Mapped[str]
    admitted_at: Mapped[datetime] = mapped_column(default=now)


class FeedFile(Base):
    """A file that was taken, and what became of its lines."""

    __tablename__ = "feed_files"
    __table_args__ = (
        CheckConstraint("created + merged + updated + unchanged + refused = lines", name="counts"),
        Index(None, "feed", "taken_at", "id"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    feed: Mapped[str]
    digest: Mapped[bytes]
    lines: Mapped[int]
    created: Mapped[int]
    merged: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    refused: Mapped[int]
    closed: Mapped[int]
    report: Mapped[list[Any]]
    taken_by: Mapped[str]
    taken_at: Mapped[datetime] = mapped_column(default=now)
