"""What the room works with, finding a provider, and what every change has to do."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.catalog.values import LoadReport
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.payments import service as payments
from app.providers.errors import (
    CatalogueRefuses,
    NotRemote,
    ProviderHasOpenItems,
    ProviderLeaving,
    ProviderNotFound,
)
from app.providers.models import Provider
from app.providers.service.roster import raise_epoch
from app.providers.values import LEAVING, Finding, RosterEntry, Transport
from app.sdk.remote import City

_COUNTED_WITHIN = 60
"""Seconds: nothing is indexed for what staff does so seldom."""

Faults = Sequence[Mapping[str, str]]
"""What is wrong with a manifest: a pointer and a message for each place."""


@dataclass(frozen=True, slots=True)
class ProviderDeps:
    """The collaborators of the room.

    `city` is who we are to providers, and the key we sign with; `check_manifest` holds a manifest
    against the rules of all manifests; `publish` makes what the roster of the unit says the
    catalogue that is served; `return_payment` sends money back; `ask_health` asks a remote provider
    how it is, and must be called with no transaction open.
    """

    city: City
    needs_badge: bool
    check_manifest: Callable[[Mapping[str, Any]], Faults]
    publish: Callable[[UnitOfWork], LoadReport]
    return_payment: Callable[[str, str, int | None, str], None]
    ask_health: Callable[[RosterEntry], Finding | None]


def source_of(name: str) -> str:
    """Return how the catalogue names the services of a provider."""
    return f"providers/{name}"


def find_provider(uow: UnitOfWork, name: str, *, whose: Principal | None = None) -> Provider:
    """Return a provider, of an integrator if one is given; raise `ProviderNotFound`."""
    return _found(uow.scalar(_named(name)), whose)


def lock_provider(uow: UnitOfWork, name: str, *, whose: Principal | None = None) -> Provider:
    """Return a provider with its row locked and as it is now; raise `ProviderNotFound`."""
    statement = _named(name).with_for_update().execution_options(populate_existing=True)
    return _found(uow.scalar(statement), whose)


def lock_remote(uow: UnitOfWork, name: str, *, whose: Principal | None = None) -> Provider:
    """Return a locked remote provider that stays; raise what is wrong with it."""
    provider = lock_provider(uow, name, whose=whose)
    if provider.transport != Transport.REMOTE:
        raise NotRemote
    if provider.status in LEAVING:
        raise ProviderLeaving
    return provider


def check_told(
    uow: UnitOfWork, provider: Provider, services: Collection[str] | None = None
) -> None:
    """Raise `ProviderHasOpenItems` while it may have to be told of items (of these services).

    Afterwards nobody could be told, and money would be kept for what is not fulfilled.
    """
    uow.take_long(_COUNTED_WITHIN)
    count = payments.count_untold(uow, provider.name, services)
    if count:
        raise ProviderHasOpenItems(count=count)


def note_change(uow: UnitOfWork, deps: ProviderDeps, provider: Provider, *, publish: bool) -> None:
    """Let every process learn of a change; with `publish`, make the catalogue follow it.

    Raise `CatalogueRefuses` when a service of the provider would be left out of it.
    """
    uow.flush()
    raise_epoch(uow)
    if not publish:
        return
    own = f"{source_of(provider.name)}:"
    faults = [fault for fault in deps.publish(uow).faults if fault.startswith(own)]
    if faults:
        raise CatalogueRefuses(faults=faults)


def _named(name: str) -> Any:  # noqa: ANN401 - a select of providers
    return select(Provider).where(Provider.name == name)


def _found(provider: Provider | None, whose: Principal | None) -> Provider:
    if provider is None or (whose is not None and provider.client_id != whose.id):
        raise ProviderNotFound
    return provider
