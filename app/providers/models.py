"""Providers, the versions of their manifests, their names, keys and badges."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import APPEND_ONLY, Base, Stateful, one_of
from app.providers.values import EVERYBODY, STANDING, Finding, ProviderStatus, Transport

_S = ProviderStatus
_END = frozenset({_S.OFFBOARDING})


class Provider(Stateful, Base):
    """Somebody who provides services, by whatever transport; every move is logged with its reason.

    A plug-in of this house is live or suspended. `manifest_version` is the version that was
    released; what was submitted after it waits.
    """

    ENTITY = "provider"
    FIRST = frozenset({_S.APPLIED, _S.LIVE})
    MOVES = {
        _S.APPLIED: _END | {_S.DOCUMENT_REVIEW},
        _S.DOCUMENT_REVIEW: _END | {_S.SANDBOX},
        _S.SANDBOX: _END | {_S.CONFORMANCE_PASSED, _S.SUSPENDED},
        _S.CONFORMANCE_PASSED: _END | {_S.CANARY, _S.SUSPENDED},
        _S.CANARY: _END | {_S.LIVE, _S.SUSPENDED},
        _S.LIVE: _END | {_S.SUSPENDED},
        _S.SUSPENDED: _END | frozenset(STANDING),
        _S.OFFBOARDING: frozenset({_S.GONE}),
    }

    __tablename__ = "providers"
    __table_args__ = (
        CheckConstraint(one_of("status", ProviderStatus), name="status"),
        CheckConstraint(one_of("transport", Transport), name="transport"),
        CheckConstraint("name ~ '^[a-z][a-z0-9]+(_[a-z0-9]+)*$' and length(name) <= 30", "name"),
        CheckConstraint(
            "(transport = 'remote') = (client_id is not null) "
            "and (client_id is null) = (manifest_version is null)",
            name="whose",
        ),
        CheckConstraint(
            "transport = 'remote' or status in ('live', 'suspended')", name="in_process"
        ),
        CheckConstraint(
            "(status = 'suspended') = (suspended_from is not null) "
            "and (suspended_from is null) = (reason_zh is null) "
            "and (reason_zh is null) = (reason_en is null) "
            "and (expected_return is null or suspended_from is not null)",
            name="suspended",
        ),
        CheckConstraint(one_of("suspended_from", STANDING), name="suspended_from"),
        CheckConstraint("canary_percent between 1 and 100", name="canary_percent"),
        ForeignKeyConstraint(
            ["id", "manifest_version"],
            ["provider_manifests.provider_id", "provider_manifests.number"],
            name="fk_providers_released",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        UniqueConstraint("name"),
        Index(None, "client_id"),
        Index(None, "created_at", "id"),
    )

    name: Mapped[str]
    transport: Mapped[str]
    client_id: Mapped[UUID | None]
    manifest_version: Mapped[int | None]
    canary_percent: Mapped[int] = mapped_column(default=EVERYBODY)
    suspended_from: Mapped[str | None]
    reason_zh: Mapped[str | None]
    reason_en: Mapped[str | None]
    expected_return: Mapped[datetime | None]
    payables_changed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ProviderManifest(Base):
    """One version of what a provider says of itself; a version never changes."""

    __tablename__ = "provider_manifests"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest"),
        UniqueConstraint("provider_id", "digest"),
        {"info": APPEND_ONLY},
    )

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    content: Mapped[dict[str, Any]]
    submitted_at: Mapped[datetime] = mapped_column(default=now)


class ProviderClaim(Base):
    """An id of a service or payee, which belongs to one provider in the whole house."""

    __tablename__ = "provider_claims"
    __table_args__ = (
        CheckConstraint("kind in ('service', 'payee')", name="kind"),
        Index(None, "provider_id"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"))


class ProviderKeyRow(Base):
    """A public key of a provider; while it is rotated, two or more of them live."""

    __tablename__ = "provider_keys"
    __table_args__ = (
        CheckConstraint("x ~ '^[A-Za-z0-9_-]{43}$'", name="x"),
        CheckConstraint("retired_at >= added_at", name="retired_at"),
        UniqueConstraint("provider_id", "x"),
    )

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    kid: Mapped[str] = mapped_column(primary_key=True)
    x: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(default=now)
    retired_at: Mapped[datetime | None]


class ProviderPause(Base):
    """A service that rests because its provider has said so."""

    __tablename__ = "provider_pauses"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    reason_zh: Mapped[str]
    reason_en: Mapped[str]
    expected_return: Mapped[datetime | None]
    since: Mapped[datetime] = mapped_column(default=now)


class ProviderBadge(Base):
    """Our signed word that a provider with this manifest kept these duties of the contract."""

    __tablename__ = "provider_badges"
    __table_args__ = (
        CheckConstraint("expires_at > issued_at", name="expires_at"),
        CheckConstraint("manifest_digest ~ '^[0-9a-f]{64}$'", name="manifest_digest"),
        UniqueConstraint("jws"),
        Index(None, "provider_id", "expires_at"),
        {"info": APPEND_ONLY},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"))
    manifest_digest: Mapped[str]
    contract: Mapped[int]
    duties: Mapped[list[Any]]
    jws: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(default=now)


class ProviderCheckup(Base):
    """How a remote provider was when it was last asked, and since when it has been like that."""

    __tablename__ = "provider_checkups"
    __table_args__ = (
        CheckConstraint(one_of("finding", Finding), name="finding"),
        CheckConstraint("asked_at >= since", name="asked_at"),
    )

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("providers.id"), primary_key=True)
    finding: Mapped[str | None]
    since: Mapped[datetime]
    asked_at: Mapped[datetime]


class ProviderEpoch(Base):
    """One number, raised with every change: by it each process knows that its roster is old."""

    __tablename__ = "provider_epoch"
    __table_args__ = (
        CheckConstraint("id = 1", name="id"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
