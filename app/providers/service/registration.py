"""Registering a provider, and the versions of its manifest, which never change."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core.ids import new_id
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.providers.errors import (
    ManifestInvalid,
    ManifestNotFound,
    ProviderIdTaken,
    ProviderNameTaken,
)
from app.providers.events import ManifestReleased
from app.providers.models import Provider, ProviderManifest
from app.providers.service.badges import check_badge
from app.providers.service.claims import claim_ids
from app.providers.service.common import ProviderDeps, check_told, lock_remote, note_change
from app.providers.service.keys import enter_keys
from app.providers.service.roster import is_published, raise_epoch
from app.providers.values import (
    BEFORE_CONFORMANCE,
    MOST_BYTES,
    RESERVED,
    ManifestView,
    ProviderStatus,
    Transport,
)
from app.sdk.conformance.badge import hash_manifest


def register_provider(
    uow: UnitOfWork, deps: ProviderDeps, who: Principal, manifest: Mapping[str, Any]
) -> Provider:
    """Register what an integrator provides, by a manifest that keeps every rule.

    Raise `ManifestInvalid`, or `ProviderNameTaken` or `ProviderIdTaken` when somebody was first.
    """
    digest = _check(deps, manifest)
    provider = Provider(
        id=new_id(),
        name=manifest["name"],
        transport=Transport.REMOTE,
        client_id=who.id,
        manifest_version=1,
        status=ProviderStatus.APPLIED,
    )
    try:
        with uow.begin_nested():
            uow.open_record(provider, cause="integrator")
    except IntegrityError as error:
        if _constraint(error) != "uq_providers_name":
            raise
        raise ProviderNameTaken from error
    _add_version(uow, provider, 1, digest, manifest)
    raise_epoch(uow)
    return provider


def submit_manifest(
    uow: UnitOfWork, deps: ProviderDeps, who: Principal, name: str, manifest: Mapping[str, Any]
) -> ManifestView:
    """Add a version of a provider's manifest; the same content again is the same version.

    Until conformance was passed it counts at once, afterwards when staff releases it. Raise what
    `register_provider` raises, `ProviderNotFound` or `ProviderLeaving`.
    """
    digest = _check(deps, manifest)
    provider = lock_remote(uow, name, whose=who)
    if manifest["name"] != name:
        message = "A provider keeps its name."
        raise ManifestInvalid(errors=[{"pointer": "/manifest/name", "message": message}])
    known = uow.scalar(
        select(ProviderManifest).where(
            ProviderManifest.provider_id == provider.id, ProviderManifest.digest == digest
        )
    )
    if known is None:
        known = _add_version(uow, provider, newest_version(uow, provider) + 1, digest, manifest)
    if provider.status in BEFORE_CONFORMANCE:
        provider.manifest_version = known.number
    raise_epoch(uow)
    return view_manifest(provider, known)


def release_manifest(uow: UnitOfWork, deps: ProviderDeps, name: str, number: int) -> ManifestView:
    """Let a version of a manifest be the one that is served, on every worker within a second.

    Raise `ProviderNotFound`, `ManifestNotFound`, `ProviderLeaving`, `BadgeNeeded`,
    `CatalogueRefuses`, or `ProviderHasOpenItems` for a service that it drops.
    """
    provider = lock_remote(uow, name)
    version = find_version(uow, provider, number)
    if is_published(provider):
        check_badge(uow, deps, provider, version.digest)
        check_told(uow, provider, _services_of(uow, provider) - _ids(version))
    provider.manifest_version = version.number
    note_change(uow, deps, provider, publish=is_published(provider))
    uow.record(
        ManifestReleased(provider_id=provider.id, provider=provider.name, version=version.number)
    )
    return view_manifest(provider, version)


def _services_of(uow: UnitOfWork, provider: Provider) -> set[str]:
    """Return the ids of the services that are served now."""
    return _ids(find_version(uow, provider, provider.manifest_version or 0))


def _ids(version: ProviderManifest) -> set[str]:
    return {service["id"] for service in version.content["services"]}


def find_version(uow: UnitOfWork, provider: Provider, number: int) -> ProviderManifest:
    """Return a version of a manifest, or raise `ManifestNotFound`."""
    found = uow.get(ProviderManifest, (provider.id, number))
    if found is None:
        raise ManifestNotFound
    return found


def newest_version(uow: UnitOfWork, provider: Provider) -> int:
    """Return the number of the version that was submitted last; 0 for a plug-in of this house."""
    newest = select(func.max(ProviderManifest.number))
    return uow.scalar(newest.where(ProviderManifest.provider_id == provider.id)) or 0


def view_manifest(provider: Provider, row: ProviderManifest) -> ManifestView:
    """Return a version as it is shown."""
    return ManifestView(
        id=row.number,
        hash=row.digest,
        content=row.content,
        is_released=row.number == provider.manifest_version,
        submitted_at=row.submitted_at,
    )


def _check(deps: ProviderDeps, manifest: Mapping[str, Any]) -> str:
    """Return the hash of a manifest that keeps every rule, or raise `ManifestInvalid`."""
    if len(orjson.dumps(manifest)) > MOST_BYTES:
        message = f"At most {MOST_BYTES // 1024} KiB."
        raise ManifestInvalid(errors=[{"pointer": "/manifest", "message": message}])
    faults = deps.check_manifest(manifest)
    if not faults and manifest["name"] in RESERVED:
        faults = [{"pointer": "/manifest/name", "message": "This name is reserved."}]
    if faults:
        raise ManifestInvalid(errors=faults)
    return hash_manifest(manifest)


def _add_version(
    uow: UnitOfWork, provider: Provider, number: int, digest: str, manifest: Mapping[str, Any]
) -> ProviderManifest:
    """Keep a version, after the ids and keys that it names were entered as the provider's."""
    claims = {("service", service["id"]) for service in manifest["services"]}
    claims |= {("payee", payee["id"]) for payee in manifest.get("payees", ())}
    taken = claim_ids(uow, provider, claims)
    if taken:
        raise ProviderIdTaken(taken=[{"kind": kind, "id": own} for kind, own in taken])
    enter_keys(uow, provider, manifest["keys"])
    version = ProviderManifest(
        provider_id=provider.id, number=number, digest=digest, content=dict(manifest)
    )
    uow.add(version)
    uow.flush()
    return version


def _constraint(error: IntegrityError) -> str | None:
    found: str | None = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return found
