"""The rows of the trail, the seals over them, and what was retired: nothing is ever changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import APPEND_ONLY, Base


class AuditEntry(Base):
    """One access or act of security: when, who, what, whom it concerns, how it ended, from where.

    `number` orders the trail: a trigger lets no seal look past a row that is still being written.
    `writer` and `sequence` have no gaps, so that a row cannot be taken away unseen; `mac` is made
    with a key that the database does not hold. `details` holds ids, codes and counts, never
    anything personal.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("writer", "sequence"),
        CheckConstraint("result in ('done', 'refused')", name="result"),
        CheckConstraint("sequence > 0", name="sequence"),
        CheckConstraint("length(salt) = 16 and length(mac) = 32", name="sizes"),
        Index(None, "subject_id", "number"),
        Index(None, "event", "number"),
        Index(None, "actor", "number"),
        Index(None, "at"),
        {"info": APPEND_ONLY},
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    id: Mapped[UUID]
    at: Mapped[datetime]
    actor: Mapped[str]
    actor_kind: Mapped[str]
    event: Mapped[str]
    subject_id: Mapped[UUID | None]
    result: Mapped[str]
    address: Mapped[str | None]
    request_id: Mapped[str | None]
    details: Mapped[dict[str, Any]]
    writer: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    salt: Mapped[bytes]
    mac: Mapped[bytes]


class AuditSeal(Base):
    """A signed statement over the entries `first` to `last`: their Merkle root and the seal before.

    `leaves` are the leaves' hashes, 32 bytes each: a proof needs nothing else. `forged` are the
    numbers of rows that the house had not written when they were sealed.
    """

    __tablename__ = "audit_seals"
    __table_args__ = (
        UniqueConstraint("first"),
        UniqueConstraint("previous"),
        CheckConstraint("last >= first and first > 0", name="bounds"),
        CheckConstraint("entries between 1 and 10000", name="entries"),
        CheckConstraint("length(leaves) = 32 * entries", name="leaves"),
        CheckConstraint("length(root) = 32 and length(signature) = 64", name="sizes"),
        {"info": APPEND_ONLY},
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int]
    root: Mapped[bytes]
    previous: Mapped[str]
    forged: Mapped[list[Any]]
    at: Mapped[datetime]
    key_id: Mapped[str]
    signature: Mapped[bytes]
    leaves: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class AuditRetirement(Base):
    """A signed statement that the entries of all seals up to `through` were taken out of keeping.

    The owner's role writes it (`audit retire`); the seals stay, so that the chain stays whole.
    """

    __tablename__ = "audit_retirements"
    __table_args__ = (
        CheckConstraint("length(signature) = 64", name="sizes"),
        {"info": APPEND_ONLY},
    )

    through: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    key_id: Mapped[str]
    signature: Mapped[bytes]
