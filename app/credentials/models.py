"""Credentials by owner, the ceremonies that are open, and the failures that are counted."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base
from app.core.ids import new_id

MOST_CONSECUTIVE = 100
_OWNER = "owner_kind in ('citizen', 'staff')"


class Password(Base):
    """A hash, its policy, and since when; those that were replaced are kept as the policy asks."""

    __tablename__ = "passwords"
    __table_args__ = (
        Index(
            "uq_passwords_current",
            "owner_kind",
            "owner_id",
            unique=True,
            postgresql_where=text("replaced_at is null"),
        ),
        Index(None, "owner_kind", "owner_id", "set_at"),
        CheckConstraint(_OWNER, name="owner_kind"),
        CheckConstraint("policy in ('citizen', 'operator')", name="policy"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_kind: Mapped[str]
    owner_id: Mapped[UUID]
    hash: Mapped[str]
    policy: Mapped[str]
    may_stand_alone: Mapped[bool]
    set_at: Mapped[datetime] = mapped_column(default=now)
    replaced_at: Mapped[datetime | None]


class Passkey(Base):
    """A public key (W3C WebAuthn); its credential id belongs to one owner in the whole city."""

    __tablename__ = "passkeys"
    __table_args__ = (
        UniqueConstraint("credential_id"),
        Index(None, "owner_kind", "owner_id"),
        CheckConstraint(_OWNER, name="owner_kind"),
        CheckConstraint("sign_count >= 0", name="sign_count"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_kind: Mapped[str]
    owner_id: Mapped[UUID]
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    is_synced: Mapped[bool]
    is_bound: Mapped[bool] = mapped_column(default=False)
    name_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime | None]


class PasskeyCeremony(Base):
    """A challenge that a browser was given: five minutes, one answer, one purpose.

    `owner_id` says whose passkey may answer (none: anybody's), `session_id` in which session.
    """

    __tablename__ = "passkey_ceremonies"
    __table_args__ = (
        UniqueConstraint("challenge_digest"),
        Index(None, "created_at"),
        CheckConstraint("purpose in ('register', 'login', 'step-up', 'reset')", name="purpose"),
        CheckConstraint("(owner_kind is null) = (owner_id is null)", name="owner"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    challenge_digest: Mapped[bytes]
    purpose: Mapped[str]
    owner_kind: Mapped[str | None]
    owner_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """One of ten codes; found by its ordinal, so that one hash is computed for a try."""

    __tablename__ = "recovery_codes"
    __table_args__ = (
        UniqueConstraint("owner_kind", "owner_id", "ordinal"),
        CheckConstraint(_OWNER, name="owner_kind"),
        CheckConstraint("ordinal between 0 and 9", name="ordinal"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_kind: Mapped[str]
    owner_id: Mapped[UUID]
    ordinal: Mapped[int]
    hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime | None]


class Totp(Base):
    """An authenticator app (RFC 6238); `last_step` is the newest step whose code was used."""

    __tablename__ = "totps"
    __table_args__ = (
        UniqueConstraint("owner_kind", "owner_id"),
        CheckConstraint(_OWNER, name="owner_kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_kind: Mapped[str]
    owner_id: Mapped[UUID]
    secret_sealed: Mapped[bytes]
    last_step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    confirmed_at: Mapped[datetime | None]


class GuessCounter(Base):
    """Failures in a row of one account by one means; `account` is a digest, known or not."""

    __tablename__ = "guess_counters"
    __table_args__ = (
        CheckConstraint(f"consecutive between 0 and {MOST_CONSECUTIVE}", name="consecutive"),
        CheckConstraint("means in ('password', 'recovery-code', 'totp')", name="means"),
        Index(None, "touched_at"),
    )

    account: Mapped[bytes] = mapped_column(primary_key=True)
    means: Mapped[str] = mapped_column(primary_key=True)
    consecutive: Mapped[int]
    touched_at: Mapped[datetime]


class Guess(Base):
    """One try, counted before it is looked at; one that was right takes its row away."""

    __tablename__ = "guesses"
    __table_args__ = (Index(None, "account", "means", "source", "at"), Index(None, "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    account: Mapped[bytes]
    means: Mapped[str]
    source: Mapped[bytes]
    at: Mapped[datetime]


class AuthCounter(Base):
    """How often something happened in the whole city within one period."""

    __tablename__ = "auth_counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]
