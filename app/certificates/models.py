"""Certificates: numbered once, never rewritten, moved only as their machine allows."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.certificates.values import CertificateStatus
from app.core.clock import now
from app.core.db import Base, Stateful, one_of

PLACES = Sequence("certificate_places")
"""Gives each certificate its place in the status lists."""

_LIVES = frozenset({CertificateStatus.ACTIVE, CertificateStatus.SUSPENDED})
_ENDS = frozenset(
    {CertificateStatus.REVOKED, CertificateStatus.EXPIRED, CertificateStatus.REPLACED}
)


class Certificate(Stateful, Base):
    """One certificate of one holder; `form` is its type as it was when it was issued.

    Triggers of PostgreSQL let nothing but `status` and `version` change, that only along the
    machine's edges, and nothing be removed. One that is renewed keeps its `serial`, with the next
    `edition`.
    """

    ENTITY = "certificate"
    FIRST = frozenset({CertificateStatus.ISSUED})
    MOVES = {
        CertificateStatus.ISSUED: frozenset({CertificateStatus.ACTIVE}),
        CertificateStatus.ACTIVE: frozenset({CertificateStatus.SUSPENDED}) | _ENDS,
        CertificateStatus.SUSPENDED: frozenset({CertificateStatus.ACTIVE}) | _ENDS,
    }

    __tablename__ = "certificates"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("plugin", "reference"),
        UniqueConstraint("serial", "edition"),
        UniqueConstraint("place"),
        UniqueConstraint("replaces_id"),
        CheckConstraint(one_of("status", CertificateStatus), name="status"),
        CheckConstraint(
            "number ~ '^[0-9A-Z]{21}[.][0-9A-Z]{18}[.][0-9]{9}[.][0-9]{3}[.][0-9A-Z]$'",
            name="number",
        ),
        CheckConstraint(
            "split_part(number, '.', 3)::int = serial"
            " and split_part(number, '.', 4)::int = edition",
            name="parts",
        ),
        CheckConstraint("serial > 0 and place > 0 and edition between 1 and 999", name="serial"),
        CheckConstraint("(edition = 1) = (replaces_id is null)", name="edition"),
        CheckConstraint("length(reference) between 1 and 64", name="reference"),
        Index(None, "citizen_id", "issued_at", "id"),
        Index(
            "ix_certificates_valid_until",
            "valid_until",
            postgresql_where=text("status in ('active', 'suspended')"),
        ),
        Index(
            "ix_certificates_listed",
            "place",
            postgresql_where=text("status in ('suspended', 'revoked', 'replaced')"),
        ),
    )

    citizen_id: Mapped[UUID]
    plugin: Mapped[str]
    reference: Mapped[str]
    type: Mapped[str]
    number: Mapped[str]
    code: Mapped[str]
    serial: Mapped[int] = mapped_column(BigInteger)
    edition: Mapped[int]
    place: Mapped[int] = mapped_column(BigInteger)
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("certificates.id"))
    form: Mapped[dict[str, Any]]
    fields_sealed: Mapped[bytes]
    valid_until: Mapped[date | None]
    issued_at: Mapped[datetime] = mapped_column(default=now)
