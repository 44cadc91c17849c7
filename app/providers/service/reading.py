"""Reading providers: integrators see their own, staff sees all, with every move's reason."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select, tuple_

from app.core.events import EventLog
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.providers.models import Provider, ProviderBadge, ProviderCheckup, ProviderManifest
from app.providers.service.badges import view_badge
from app.providers.service.common import find_provider
from app.providers.service.registration import find_version, view_manifest
from app.providers.service.roster import closure_of, read_pauses
from app.providers.values import (
    BadgeView,
    HealthView,
    ManifestView,
    MoveView,
    ProviderStatus,
    ProviderView,
)
from app.sdk.registry import Closed


def read_provider(uow: UnitOfWork, name: str, *, whose: Principal | None = None) -> ProviderView:
    """Return a provider, of an integrator if one is given; raise `ProviderNotFound`."""
    return view_provider(uow, find_provider(uow, name, whose=whose))


def view_provider(uow: UnitOfWork, provider: Provider) -> ProviderView:
    """Return a provider as it is shown, with what the unit has just changed."""
    if not uow.read_only:
        uow.flush()
    return _views(uow, [provider])[0]


def list_providers(
    uow: UnitOfWork,
    page: PageRequest,
    *,
    whose: Principal | None = None,
    status: ProviderStatus | None = None,
) -> Page[ProviderView]:
    """Return providers, newest first: an integrator's own, or those of a state."""
    statement = select(Provider)
    if whose is not None:
        statement = statement.where(Provider.client_id == whose.id)
    if status is not None:
        statement = statement.where(Provider.status == status)
    found = fetch_page(uow, statement, (Provider.created_at, Provider.id), page, descending=True)
    return Page(_views(uow, found.items), found.next_cursor)


def list_moves(
    uow: UnitOfWork, name: str, page: PageRequest, *, whose: Principal | None = None
) -> Page[MoveView]:
    """Return the moves of a provider, the first one first, each with its reason."""
    provider = find_provider(uow, name, whose=whose)
    statement = select(EventLog).where(EventLog.subject_id == provider.id)
    found = fetch_page(uow, statement, (EventLog.at, EventLog.id), page)
    return Page([_move(row) for row in found.items], found.next_cursor)


def list_manifests(
    uow: UnitOfWork, name: str, page: PageRequest, *, whose: Principal | None = None
) -> Page[ManifestView]:
    """Return the versions of a provider's manifest, newest first."""
    provider = find_provider(uow, name, whose=whose)
    statement = select(ProviderManifest).where(ProviderManifest.provider_id == provider.id)
    found = fetch_page(uow, statement, (ProviderManifest.number,), page, descending=True)
    return Page([view_manifest(provider, row) for row in found.items], found.next_cursor)


def read_manifest(
    uow: UnitOfWork, name: str, number: int, *, whose: Principal | None = None
) -> ManifestView:
    """Return one version of a provider's manifest; raise `ManifestNotFound`."""
    provider = find_provider(uow, name, whose=whose)
    return view_manifest(provider, find_version(uow, provider, number))


def _move(row: EventLog) -> MoveView:
    return MoveView(
        sequence=row.sequence,
        from_state=row.from_state,
        to_state=row.to_state,
        reason=row.data.get("reason"),
        by=row.actor.partition(":")[0],
        at=row.at,
    )


def _views(uow: UnitOfWork, providers: Sequence[Provider]) -> list[ProviderView]:
    ids = [provider.id for provider in providers]
    found = uow.execute(
        select(ProviderManifest.provider_id, func.max(ProviderManifest.number))
        .where(ProviderManifest.provider_id.in_(ids))
        .group_by(ProviderManifest.provider_id)
    )
    newest = {provider_id: number for provider_id, number in found}  # noqa: C416 - rows, not pairs
    released = _released(uow, providers)
    badges = _badges(uow, released)
    health = _health(uow, ids)
    paused = read_pauses(uow)
    return [
        _view(
            p,
            newest.get(p.id),
            released.get(p.id),
            badges.get(p.id),
            paused[p.id],
            health.get(p.id),
        )
        for p in providers
    ]


def _health(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, HealthView]:
    rows = uow.scalars(select(ProviderCheckup).where(ProviderCheckup.provider_id.in_(ids)))
    return {row.provider_id: HealthView(row.finding, row.since, row.asked_at) for row in rows}


def _released(uow: UnitOfWork, providers: Sequence[Provider]) -> dict[UUID, ProviderManifest]:
    places = [(p.id, p.manifest_version) for p in providers if p.manifest_version is not None]
    place = tuple_(ProviderManifest.provider_id, ProviderManifest.number)
    rows = uow.scalars(select(ProviderManifest).where(place.in_(places)))
    return {row.provider_id: row for row in rows}


def _badges(uow: UnitOfWork, released: Mapping[UUID, ProviderManifest]) -> dict[UUID, BadgeView]:
    """Return the newest badge of each manifest that was released, also one that is over."""
    places = [(row.provider_id, row.digest) for row in released.values()]
    place = tuple_(ProviderBadge.provider_id, ProviderBadge.manifest_digest)
    statement = select(ProviderBadge).where(place.in_(places)).order_by(ProviderBadge.expires_at)
    return {row.provider_id: view_badge(row) for row in uow.scalars(statement)}


def _view(
    provider: Provider,
    newest: int | None,
    released: ProviderManifest | None,
    badge: BadgeView | None,
    paused: Mapping[str, Closed],
    health: HealthView | None,
) -> ProviderView:
    return ProviderView(
        id=provider.name,
        transport=provider.transport,
        status=provider.status,
        title=released.content["title"] if released is not None else None,
        client_id=provider.client_id,
        manifest_version=provider.manifest_version,
        newest_version=newest,
        canary_percent=provider.canary_percent,
        closed=closure_of(provider),
        paused=paused,
        badge=badge,
        health=health,
        created_at=provider.created_at,
    )
