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

from app.certificates.values import CertificateStatus, PresentationStatus
from app.core.clock import now
from app.core.db import APPEND_ONLY, Base, Stateful, one_of

PLACES = Sequence("certificate_places")
"""Gives each certificate its place in the status lists."""

LISTED = (CertificateStatus.SUSPENDED, CertificateStatus.REVOKED, CertificateStatus.REPLACED)
"""The states that a status list tells of."""

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


class CertificateSeal(Base):
    """A certificate of a key that has signed certificates, with those that vouch for it (PEM)."""

    __tablename__ = "certificate_seals"
    __table_args__ = (
        CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint"),
        {"info": APPEND_ONLY},
    )

    fingerprint: Mapped[bytes] = mapped_column(primary_key=True)
    chain: Mapped[str]
    first_used_at: Mapped[datetime]


class Presentation(Stateful, Base):
    """A code with which a holder shows chosen fields, once and for minutes; its digest is kept."""

    ENTITY = "certificate_presentation"
    FIRST = frozenset({PresentationStatus.OFFERED})
    MOVES = {
        PresentationStatus.OFFERED: frozenset(
            {PresentationStatus.REDEEMED, PresentationStatus.EXPIRED}
        ),
    }

    __tablename__ = "certificate_presentations"
    __table_args__ = (
        UniqueConstraint("token_digest"),
        CheckConstraint(one_of("status", PresentationStatus), name="status"),
        CheckConstraint(
            "(status = 'redeemed') = (redeemed_at is not null)"
            " and (status = 'redeemed') = (verifier_id is not null)",
            name="redeemed",
        ),
        CheckConstraint(
            "expires_at > created_at and expires_at <= created_at + interval '1 hour'",
            name="expires_at",
        ),
        CheckConstraint("redeemed_at < expires_at", name="redeemed_at"),
        Index(None, "certificate_id", "created_at", "id"),
        Index(None, "citizen_id"),
        Index(
            "ix_certificate_presentations_expires_at",
            "expires_at",
            postgresql_where=text("status = 'offered'"),
        ),
    )

    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificates.id"))
    citizen_id: Mapped[UUID]
    attributes: Mapped[list[Any]]
    purpose: Mapped[str]
    token_digest: Mapped[bytes]
    verifier_id: Mapped[UUID | None]
    verifier_title: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the certificate's id: its timeline shows when it was shown."""
        return self.certificate_id
