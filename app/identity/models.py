"""Citizens, their sessions and evidence.

Personal fields are sealed (`*_sealed`) and found, where they must be, by a blind index.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Stateful
from app.core.ids import new_id
from app.identity.values import (
    CitizenStatus,
    EvidenceKind,
    EvidenceStatus,
    SessionStatus,
    TokenState,
    VerificationStatus,
)

_OPEN = text("status <> 'closed'")


class Citizen(Stateful, Base):
    """Somebody who uses the app: one number, and once verified one resident identity.

    `assurance` is what the evidence made it when that last changed, and holds until
    `assurance_until`; a trigger refuses one that no active evidence supports.
    """

    __tablename__ = "citizens"
    __table_args__ = (
        Index("uq_citizens_phone_index", "phone_index", unique=True, postgresql_where=_OPEN),
        Index(
            "uq_citizens_resident_id_index",
            "resident_id_index",
            unique=True,
            postgresql_where=_OPEN,
        ),
        CheckConstraint("status in ('active', 'locked', 'closed')", name="status"),
        CheckConstraint("assurance in ('basic', 'verified', 'strong')", name="assurance"),
        CheckConstraint(
            "assurance = 'basic' or (resident_id_index is not null and verified_at is not null)",
            name="assurance_is_earned",
        ),
        # What is kept is the name of a value (`app.core.blind_indexes`), never an HMAC of it.
        CheckConstraint("octet_length(phone_index) <> 32", name="phone_index"),
        CheckConstraint("octet_length(resident_id_index) <> 32", name="resident_id_index"),
        Index(
            "ix_citizens_assurance_until",
            "assurance_until",
            postgresql_where=text("assurance_until is not null"),
        ),
    )
    ENTITY = "citizen"
    FIRST = frozenset({CitizenStatus.ACTIVE})
    MOVES = {
        CitizenStatus.ACTIVE: frozenset({CitizenStatus.LOCKED, CitizenStatus.CLOSED}),
        CitizenStatus.LOCKED: frozenset({CitizenStatus.ACTIVE, CitizenStatus.CLOSED}),
        CitizenStatus.CLOSED: frozenset(),
    }

    phone_sealed: Mapped[bytes]
    phone_index: Mapped[bytes]
    name_sealed: Mapped[bytes | None]
    resident_id_sealed: Mapped[bytes | None]
    resident_id_index: Mapped[bytes | None]
    assurance: Mapped[str] = mapped_column(default="basic")
    assurance_until: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Challenge(Base):
    """A code that was sent to a number: five minutes, five tries, one use, one purpose."""

    __tablename__ = "challenges"
    __table_args__ = (
        Index(None, "phone_index", "created_at"),
        Index(None, "network", "created_at"),
        Index(None, "created_at"),
        CheckConstraint("purpose in ('login', 'step-up', 'change-phone', 'reset')", name="purpose"),
        CheckConstraint("tries between 0 and 5", name="tries"),
        CheckConstraint("octet_length(phone_index) <> 32", name="phone_index"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    purpose: Mapped[str]
    phone_sealed: Mapped[bytes]
    phone_index: Mapped[bytes]
    code_digest: Mapped[bytes]
    code_sealed: Mapped[bytes | None]
    address: Mapped[str]
    network: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    resend_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class SmsPrefix(Base):
    """How many codes a block of ten thousand numbers got, and how many of them were used."""

    __tablename__ = "sms_prefixes"
    __table_args__ = (CheckConstraint("used >= 0 and sent >= 0", name="counts"),)

    prefix: Mapped[str] = mapped_column(primary_key=True)
    sent: Mapped[int]
    used: Mapped[int]
    braked_until: Mapped[datetime | None]


class PhoneChange(Base):
    """A change of number; the old one lies here, sealed, until it was told."""

    __tablename__ = "phone_changes"
    __table_args__ = (Index(None, "citizen_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    citizen_id: Mapped[UUID] = mapped_column(ForeignKey("citizens.id"))
    old_phone_sealed: Mapped[bytes | None]
    changed_at: Mapped[datetime] = mapped_column(default=now)


class AuthSession(Stateful, Base):
    """A citizen's log-in on one device: the family of its refresh tokens.

    `amr` is what it was proven with (RFC 8176), `stepped_up_at` when it last was again.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index(None, "citizen_id", "created_at", "id"),
        Index(
            "ix_sessions_idle_until",
            "idle_until",
            postgresql_where=text("status = 'active'"),
        ),
        Index("ix_sessions_ended_at", "ended_at", postgresql_where=text("status = 'ended'")),
        CheckConstraint("status in ('active', 'ended')", name="status"),
        CheckConstraint("(status = 'ended') = (ended_at is not null)", name="end"),
        CheckConstraint("jsonb_array_length(amr) > 0", name="amr"),
    )
    ENTITY = "session"
    FIRST = frozenset({SessionStatus.ACTIVE})
    MOVES = {
        SessionStatus.ACTIVE: frozenset({SessionStatus.ENDED}),
        SessionStatus.ENDED: frozenset(),
    }

    citizen_id: Mapped[UUID] = mapped_column(ForeignKey("citizens.id"))
    device_name_sealed: Mapped[bytes]
    device_digest: Mapped[bytes]
    platform: Mapped[str]
    amr: Mapped[list[Any]]
    stepped_up_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    idle_until: Mapped[datetime]
    absolute_until: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StepUp(Base):
    """A step-up that a session has begun: five minutes, one use, this session only."""

    __tablename__ = "step_ups"
    __table_args__ = (
        Index(None, "session_id"),
        Index(None, "expires_at"),
        CheckConstraint("means in ('passkey', 'password')", name="means"),
        CheckConstraint("(means = 'password') = (challenge_id is not null)", name="challenge"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    means: Mapped[str]
    challenge_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RefreshToken(Base):
    """One refresh token of a family, by its digest; at most one is current."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        UniqueConstraint("digest"),
        Index(
            "uq_refresh_tokens_current",
            "session_id",
            unique=True,
            postgresql_where=text(f"state = '{TokenState.CURRENT}'"),
        ),
        Index(
            "uq_refresh_tokens_parent",
            "session_id",
            unique=True,
            postgresql_where=text(f"state = '{TokenState.PARENT}'"),
        ),
        Index(None, "session_id"),
        CheckConstraint("state in ('current', 'parent', 'spent', 'void')", name="state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None]
    digest: Mapped[bytes]
    state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Verification(Stateful, Base):
    """One attempt to prove something: what came of it, or why it was refused.

    `kind` is the evidence it is for. What was compared is not kept; name and number of a citizen
    are kept once, sealed, with the citizen. `remote_reference` names a face check at the authority.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        Index(None, "citizen_id", "asked_at"),
        Index("ix_verifications_open", "asked_at", postgresql_where=text("status = 'asked'")),
        CheckConstraint("status in ('asked', 'verified', 'refused', 'unanswered')", name="status"),
        CheckConstraint("source in ('register', 'counter')", name="source"),
    )
    ENTITY = "verification"
    FIRST = frozenset({VerificationStatus.ASKED})
    MOVES = {
        VerificationStatus.ASKED: frozenset(
            {
                VerificationStatus.VERIFIED,
                VerificationStatus.REFUSED,
                VerificationStatus.UNANSWERED,
            }
        ),
        VerificationStatus.VERIFIED: frozenset(),
        VerificationStatus.REFUSED: frozenset(),
        VerificationStatus.UNANSWERED: frozenset(),
    }

    citizen_id: Mapped[UUID] = mapped_column(ForeignKey("citizens.id"))
    kind: Mapped[str]
    source: Mapped[str]
    remote_reference: Mapped[str | None]
    asked_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the citizen's id: their timeline shows their verifications."""
        return self.citizen_id


_KINDS = ", ".join(f"'{kind}'" for kind in EvidenceKind)


class Evidence(Stateful, Base):
    """A piece of evidence of who a citizen is: from whom, since when, until when.

    `reference` names the challenge, verification or passkey it came from; one of a kind is active,
    of passkeys one for each key. A trigger refuses a level without its evidence, and evidence of
    the register or the counter without the verification that made it.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        Index(None, "citizen_id", "obtained_at", "id"),
        Index("ix_evidence_expires_at", "expires_at", postgresql_where=text("status = 'active'")),
        Index(
            "uq_evidence_active",
            "citizen_id",
            "kind",
            unique=True,
            postgresql_where=text("status = 'active' and kind <> 'passkey'"),
        ),
        Index(
            "uq_evidence_reference",
            "kind",
            "reference",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
        CheckConstraint(f"kind in ({_KINDS})", name="kind"),
        CheckConstraint("status in ('active', 'expired', 'withdrawn')", name="status"),
        CheckConstraint("(status = 'active') = (ended_at is null)", name="end"),
        CheckConstraint("(kind = 'counter') = (confirmed_by is not null)", name="confirmed_by"),
        CheckConstraint("expires_at > obtained_at", name="lifetime"),
    )
    ENTITY = "evidence"
    FIRST = frozenset({EvidenceStatus.ACTIVE})
    MOVES = {
        EvidenceStatus.ACTIVE: frozenset({EvidenceStatus.EXPIRED, EvidenceStatus.WITHDRAWN}),
        EvidenceStatus.EXPIRED: frozenset(),
        EvidenceStatus.WITHDRAWN: frozenset(),
    }

    citizen_id: Mapped[UUID] = mapped_column(ForeignKey("citizens.id"))
    kind: Mapped[str]
    source: Mapped[str]
    reference: Mapped[UUID]
    confirmed_by: Mapped[UUID | None]
    obtained_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> UUID:
        """Return the citizen's id: their timeline shows their evidence."""
        return self.citizen_id
