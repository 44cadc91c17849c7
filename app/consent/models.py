"""Agreements, consents and disclosures: what was agreed is never rewritten."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.consent.values import AgreementKind, Basis, ConsentStatus, DelayReason
from app.core.clock import now
from app.core.db import APPEND_ONLY, Base, Stateful, one_of
from app.core.ids import new_id

_CONSUMER = "consumer ~ '^(app|(plugin|client|department|staff):[A-Za-z0-9._:-]{1,200})$'"


class AgreementVersion(Base):
    """One version of an agreement as it was published, for good."""

    __tablename__ = "agreements"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint(one_of("kind", AgreementKind), name="kind"),
        CheckConstraint(one_of("legal_basis", Basis), name="legal_basis"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    legal_basis: Mapped[str]
    content: Mapped[dict[str, Any]]
    revision_hash: Mapped[str]
    published_at: Mapped[datetime] = mapped_column(default=now)


class Consent(Stateful, Base):
    """One yes of a citizen to one consumer under one version of an agreement.

    At most one is granted for a citizen, consumer and agreement. A consent that was ever granted
    carries its signature: the hash of what was agreed to, how, in which session and when.
    """

    ENTITY = "consent"
    FIRST = frozenset({ConsentStatus.DRAFT})
    MOVES = {
        ConsentStatus.DRAFT: frozenset({ConsentStatus.GRANTED}),
        ConsentStatus.GRANTED: frozenset(
            {ConsentStatus.WITHDRAWN, ConsentStatus.EXPIRED, ConsentStatus.SUPERSEDED}
        ),
    }

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(
            ["agreement_id", "agreement_number"], ["agreements.id", "agreements.number"]
        ),
        Index(
            "uq_consents_granted",
            "citizen_id",
            "consumer",
            "agreement_id",
            unique=True,
            postgresql_where=text("status = 'granted'"),
        ),
        UniqueConstraint("consumer", "change"),
        Index(None, "citizen_id", "created_at", "id"),
        Index(
            "ix_consents_expires_at",
            "expires_at",
            postgresql_where=text("status = 'granted' and expires_at is not null"),
        ),
        CheckConstraint(one_of("status", ConsentStatus), name="status"),
        CheckConstraint(_CONSUMER, name="consumer"),
        CheckConstraint(
            "status = 'draft' or (payload_hash is not null and method is not null "
            "and signed_at is not null)",
            name="signed",
        ),
        CheckConstraint(
            "(status in ('withdrawn', 'expired', 'superseded')) = (ended_at is not null)",
            name="end",
        ),
    )

    citizen_id: Mapped[UUID]
    consumer: Mapped[str]
    consumer_title: Mapped[dict[str, Any]]
    subject: Mapped[str | None]
    agreement_id: Mapped[str]
    agreement_number: Mapped[int]
    attributes: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    payload_hash: Mapped[str | None]
    method: Mapped[str | None]
    session_id: Mapped[UUID | None]
    signed_at: Mapped[datetime | None]
    change: Mapped[int] = mapped_column(BigInteger)

    @property
    def subject_id(self) -> UUID:
        """Return the citizen's id: their timeline shows their consents."""
        return self.citizen_id


class ConsentFeed(Base):
    """How many changes of consents a consumer has had.

    Its row is locked by each change, so that the numbers become visible in their order: whoever
    has read up to a number has missed nothing below it.
    """

    __tablename__ = "consent_feeds"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class DisclosureEntry(Base):
    """One showing of a citizen's attributes: who, under which basis, which names, when.

    The same showing within one request or job stands once.
    """

    __tablename__ = "disclosures"
    __table_args__ = (
        UniqueConstraint("request_id", "citizen_id", "digest"),
        Index(None, "citizen_id", "at", "id"),
        CheckConstraint(_CONSUMER, name="consumer"),
        CheckConstraint(one_of("basis", Basis), name="basis"),
        CheckConstraint("(basis = 'consent') = (consent_id is not null)", name="consent"),
        CheckConstraint(one_of("delay_reason", DelayReason), name="delay_reason"),
        CheckConstraint("(delay_reason is null) = (hidden_until is null)", name="delay"),
        CheckConstraint("hidden_until > at", name="hidden_until"),
        CheckConstraint("jsonb_array_length(attributes) > 0", name="attributes"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_id: Mapped[UUID]
    consumer: Mapped[str]
    consumer_title: Mapped[dict[str, Any]]
    officer: Mapped[str | None]
    basis: Mapped[str]
    purpose: Mapped[dict[str, Any]]
    consent_id: Mapped[UUID | None]
    mandate_id: Mapped[UUID | None]
    attributes: Mapped[list[Any]]
    at: Mapped[datetime] = mapped_column(default=now)
    request_id: Mapped[str | None]
    digest: Mapped[str]
    delay_reason: Mapped[str | None]
    hidden_until: Mapped[datetime | None]

    @property
    def title(self) -> dict[str, Any]:
        """Return the consumer's name as it was then."""
        return self.consumer_title
