"""Mandates and their scopes, what was done under them, organisations, guardianships.

Numbers and names that point at a person or a firm are sealed with the class key of their table and
found by a blind index.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.clock import now
from app.core.db import APPEND_ONLY, Base, Stateful, one_of
from app.core.ids import new_id
from app.core.money import MAX_AMOUNT
from app.delegation.values import (
    QUESTIONS,
    Action,
    Consent,
    Ending,
    GuardianshipStatus,
    MandateStatus,
    OrganisationStatus,
    Outcome,
    Source,
)

MAX_CAP = MAX_AMOUNT * 20
_BEGUN = "('active', 'expired', 'superseded')"


class Organisation(Stateful, Base):
    """A firm or body that a citizen represents; at most one living record has its code."""

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint(one_of("status", OrganisationStatus), name="status"),
        CheckConstraint("status = 'claimed' or decided_at is not null", name="decision"),
        Index(
            "uq_organisations_uscc_index",
            "uscc_index",
            unique=True,
            postgresql_where=text("status in ('active', 'suspended')"),
        ),
        Index(
            "uq_organisations_claim",
            "representative_id",
            "uscc_index",
            unique=True,
            postgresql_where=text("status = 'claimed'"),
        ),
        Index(None, "representative_id", "created_at", "id"),
    )
    ENTITY = "organisation"
    FIRST = frozenset({OrganisationStatus.CLAIMED})
    MOVES = {
        OrganisationStatus.CLAIMED: frozenset(
            {OrganisationStatus.ACTIVE, OrganisationStatus.CLOSED}
        ),
        OrganisationStatus.ACTIVE: frozenset(
            {OrganisationStatus.SUSPENDED, OrganisationStatus.CLOSED}
        ),
        OrganisationStatus.SUSPENDED: frozenset(
            {OrganisationStatus.ACTIVE, OrganisationStatus.CLOSED}
        ),
        OrganisationStatus.CLOSED: frozenset(),
    }

    representative_id: Mapped[UUID]
    uscc_index: Mapped[bytes]
    uscc_sealed: Mapped[bytes]
    name_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]


class Mandate(Stateful, Base):
    """What one citizen (or an organisation) lets another do, for a time.

    Whoever asked for it named the other by a phone number; the named side stays empty until the
    holder of the number takes part; the number is forgotten once the mandate has begun or is over.
    `organisation_id`: the delegate acts as this organisation's
    person. `for_organisation`: the affairs are the organisation's, given by its representative.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        CheckConstraint(one_of("status", MandateStatus), name="status"),
        CheckConstraint("days in (1, 31, 182, 365)", name="days"),
        CheckConstraint("named in ('principal', 'delegate')", name="named"),
        CheckConstraint("principal_id is not null or delegate_id is not null", name="somebody"),
        CheckConstraint("principal_id <> delegate_id", name="two"),
        CheckConstraint("not for_organisation or organisation_id is not null", name="organisation"),
        CheckConstraint(
            f"status not in {_BEGUN} or (principal_id is not null and delegate_id is not null "
            "and starts_at is not null and expires_at is not null and attestation is not null "
            "and consent is not null)",
            name="begun",
        ),
        CheckConstraint(
            "status <> 'awaiting_principal' or delegate_id is not null", name="delegate_agreed"
        ),
        CheckConstraint(
            "extract(epoch from expires_at - starts_at) = days * 86400", name="term_is_exact"
        ),
        CheckConstraint(one_of("consent", Consent), name="consent"),
        CheckConstraint(
            "(consent = 'counter') = (counter_reason_sealed is not null)", name="counter"
        ),
        CheckConstraint("octet_length(attestation) = 32", name="attestation"),
        CheckConstraint(
            "(status in ('expired', 'revoked', 'superseded', 'declined')) = (ended_at is not null)",
            name="end",
        ),
        Index(
            "uq_mandates_active",
            "principal_id",
            "delegate_id",
            "organisation_id",
            "for_organisation",
            unique=True,
            postgresql_where=text("status = 'active'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "uq_mandates_open",
            "drafted_by",
            "named",
            "phone_index",
            "organisation_id",
            "for_organisation",
            unique=True,
            postgresql_where=text("status in ('drafted', 'awaiting_principal')"),
            postgresql_nulls_not_distinct=True,
        ),
        Index(None, "principal_id", "id"),
        Index(None, "delegate_id", "id"),
        Index(None, "organisation_id", "id"),
        Index(None, "drafted_by", "created_at"),
        Index(None, "phone_index", "created_at"),
        Index(
            "ix_mandates_expires_at_active",
            "expires_at",
            postgresql_where=text("status = 'active'"),
        ),
    )
    ENTITY = "mandate"
    FIRST = frozenset({MandateStatus.DRAFTED})
    MOVES = {
        MandateStatus.DRAFTED: frozenset(
            {MandateStatus.AWAITING_PRINCIPAL, MandateStatus.DECLINED, MandateStatus.REVOKED}
        ),
        MandateStatus.AWAITING_PRINCIPAL: frozenset(
            {MandateStatus.ACTIVE, MandateStatus.DECLINED, MandateStatus.REVOKED}
        ),
        MandateStatus.ACTIVE: frozenset(
            {MandateStatus.EXPIRED, MandateStatus.REVOKED, MandateStatus.SUPERSEDED}
        ),
        MandateStatus.EXPIRED: frozenset(),
        MandateStatus.REVOKED: frozenset(),
        MandateStatus.SUPERSEDED: frozenset(),
        MandateStatus.DECLINED: frozenset(),
    }

    drafted_by: Mapped[UUID]
    named: Mapped[str]
    phone_index: Mapped[bytes]
    phone_sealed: Mapped[bytes | None]
    principal_id: Mapped[UUID | None]
    delegate_id: Mapped[UUID | None]
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    for_organisation: Mapped[bool] = mapped_column(default=False)
    days: Mapped[int]
    consent: Mapped[str | None]
    consent_evidence: Mapped[str | None]
    counter_reason_sealed: Mapped[bytes | None]
    attestation: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    starts_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    scopes: Mapped[list["MandateScope"]] = relationship(
        order_by="MandateScope.service", lazy="selectin"
    )


class MandateScope(Base):
    """One service of a mandate (or `*`): what may be done, and for how much; revoked by itself."""

    __tablename__ = "mandate_scopes"
    __table_args__ = (
        UniqueConstraint("mandate_id", "service"),
        CheckConstraint(
            'jsonb_array_length(actions) > 0 and actions <@ \'["view", "book", "pay", "submit"]\'',
            name="actions",
        ),
        CheckConstraint(
            "not actions ? 'pay' or coalesce(cap_per_day, cap_total) is not null",
            name="pay_has_a_cap",
        ),
        CheckConstraint(f"cap_per_day between 1 and {MAX_CAP}", name="cap_per_day"),
        CheckConstraint(f"cap_total between 1 and {MAX_CAP}", name="cap_total"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    mandate_id: Mapped[UUID] = mapped_column(ForeignKey("mandates.id"))
    service: Mapped[str]
    actions: Mapped[list[Any]]
    cap_per_day: Mapped[int | None] = mapped_column(BigInteger)
    cap_total: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[datetime | None]


class SmsQuestion(Base):
    """The newest question to a principal by SMS, whose code they answer with; five tries."""

    __tablename__ = "mandate_questions"
    __table_args__ = (
        CheckConstraint(f"asked between 1 and {QUESTIONS}", name="asked"),
        CheckConstraint("tries between 0 and 5", name="tries"),
    )

    mandate_id: Mapped[UUID] = mapped_column(ForeignKey("mandates.id"), primary_key=True)
    asked: Mapped[int]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    code_digest: Mapped[bytes]
    code_sealed: Mapped[bytes | None]


class SmsAnswer(Base):
    """One text to the city's number, by the gateway's count: what it did, not its words."""

    __tablename__ = "sms_answers"
    __table_args__ = (CheckConstraint(one_of("outcome", Outcome), name="outcome"),)

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mandate_id: Mapped[UUID | None] = mapped_column(ForeignKey("mandates.id"))
    outcome: Mapped[str]
    at: Mapped[datetime]


class Guardianship(Stateful, Base):
    """That a citizen is the guardian of a child, who may or may not have an account."""

    __tablename__ = "guardianships"
    __table_args__ = (
        CheckConstraint(one_of("status", GuardianshipStatus), name="status"),
        CheckConstraint(one_of("source", Source), name="source"),
        CheckConstraint(one_of("ending", Ending), name="ending"),
        CheckConstraint("(status = 'ended') = (ended_at is not null)", name="end"),
        CheckConstraint("(ended_at is null) = (ending is null)", name="ending_is_said"),
        CheckConstraint("guardian_id <> child_id", name="two"),
        CheckConstraint("child_sees_at < ends_at", name="ages"),
        Index(
            "uq_guardianships_active",
            "guardian_id",
            "child_index",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
        Index(None, "guardian_id", "id"),
        Index(None, "child_id", "id"),
        Index(None, "child_index"),
        Index(
            "ix_guardianships_ends_at_active",
            "ends_at",
            postgresql_where=text("status = 'active'"),
        ),
    )
    ENTITY = "guardianship"
    FIRST = frozenset({GuardianshipStatus.ACTIVE})
    MOVES = {
        GuardianshipStatus.ACTIVE: frozenset({GuardianshipStatus.ENDED}),
        GuardianshipStatus.ENDED: frozenset(),
    }

    guardian_id: Mapped[UUID]
    child_id: Mapped[UUID | None]
    child_index: Mapped[bytes]
    child_name_sealed: Mapped[bytes]
    source: Mapped[str]
    confirmed_by: Mapped[UUID | None]
    reason_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    child_sees_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str | None]


class ClaimTry(Base):
    """One question to a register about what a citizen claims; five a day are answered."""

    __tablename__ = "claim_tries"
    __table_args__ = (Index(None, "citizen_id", "at"), Index(None, "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_id: Mapped[UUID]
    at: Mapped[datetime]


class DelegateAct(Base):
    """One thing that was done in somebody else's name; append-only.

    `power_id` is the mandate or the guardianship it was done under.
    """

    __tablename__ = "delegate_acts"
    __table_args__ = (
        CheckConstraint(one_of("action", Action), name="action"),
        CheckConstraint(f"amount between 0 and {MAX_CAP}", name="amount"),
        Index(None, "power_id", "id"),
        Index(
            "ix_delegate_acts_subject_id",
            "subject_id",
            postgresql_where=text("subject_id is not null"),
        ),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    power_id: Mapped[UUID]
    principal_id: Mapped[UUID]
    delegate_id: Mapped[UUID]
    action: Mapped[str]
    operation: Mapped[str]
    subject_id: Mapped[UUID | None]
    services: Mapped[list[Any]]
    amount: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(default=now)
