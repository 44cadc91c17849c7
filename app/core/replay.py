"""What may be used once: identifiers of proofs and assertions, remembered in PostgreSQL.

Losing Redis loosens nothing here, and two processes that are shown the same proof in the same
moment wait for each other at the primary key.
"""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Index, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base
from app.core.unit_of_work import UnitOfWork


class SeenOnce(Base):
    """The digest of something that was used, and when it may be forgotten."""

    __tablename__ = "seen_once"
    __table_args__ = (Index(None, "forget_at"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    forget_at: Mapped[datetime]


def claim_once(uow: UnitOfWork, kind: str, *names: str, forget_at: datetime) -> bool:
    """Use something up; False when it was used before.

    It counts once the unit of work has committed, and a parallel claim waits for that.
    """
    value = sha256("\x1f".join((kind, *names)).encode()).digest()
    statement = (
        insert(SeenOnce)
        .values(digest=value, forget_at=forget_at)
        .on_conflict_do_nothing()
        .returning(SeenOnce.digest)
    )
    return uow.scalar(statement) is not None


def forget_seen(uow: UnitOfWork) -> None:
    """Remove what could no longer be used anyway. Idempotent."""
    uow.execute(delete(SeenOnce).where(SeenOnce.forget_at < now()))
