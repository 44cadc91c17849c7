"""Favourites: at most sixty services in the order that their citizen gave them."""

from collections.abc import Sequence
from uuid import UUID

from app.catalog.errors import FavouritesChanged, FavouritesFull, ServiceNotFound
from app.catalog.service.own_lists import lock_lists, read_list, show_list, write_list
from app.catalog.service.snapshot import Snapshot
from app.catalog.values import MOST_FAVOURITES, OwnList
from app.core.unit_of_work import UnitOfWork

_LIST = OwnList.FAVOURITES


def list_favourites(uow: UnitOfWork, snapshot: Snapshot, citizen_id: UUID) -> bytes:
    """Return a citizen's favourites as JSON."""
    return show_list(uow, snapshot, citizen_id, _LIST)


def add_favourite(uow: UnitOfWork, snapshot: Snapshot, citizen_id: UUID, service_id: str) -> None:
    """Put a service at the end of a citizen's favourites; one that is there stays where it is.

    Where there is no room, the last one that was withdrawn gives way. Raise `ServiceNotFound`, or
    `FavouritesFull`.
    """
    if service_id not in snapshot.numbers:
        raise ServiceNotFound
    lock_lists(uow, citizen_id)
    kept = read_list(uow, citizen_id, _LIST)
    if service_id in kept:
        return
    if len(kept) >= MOST_FAVOURITES:
        hidden = [service for service in kept if service not in snapshot.numbers]
        if not hidden:
            raise FavouritesFull
        kept.remove(hidden[-1])
    write_list(uow, citizen_id, _LIST, [*kept, service_id])


def remove_favourite(uow: UnitOfWork, citizen_id: UUID, service_id: str) -> None:
    """Take a service out of a citizen's favourites; idempotent."""
    lock_lists(uow, citizen_id)
    before = read_list(uow, citizen_id, _LIST)
    if service_id in before:
        write_list(uow, citizen_id, _LIST, [s for s in before if s != service_id])


def order_favourites(
    uow: UnitOfWork, snapshot: Snapshot, citizen_id: UUID, wanted: Sequence[str]
) -> bytes:
    """Give a citizen's favourites another order and return them as JSON; idempotent.

    What was withdrawn goes to the end. Raise `FavouritesChanged` unless each that is shown is named
    once and nothing else is.
    """
    lock_lists(uow, citizen_id)
    before = read_list(uow, citizen_id, _LIST)
    shown = [service for service in before if service in snapshot.numbers]
    if sorted(wanted) != sorted(shown):
        raise FavouritesChanged
    hidden = [service for service in before if service not in snapshot.numbers]
    write_list(uow, citizen_id, _LIST, [*wanted, *hidden])
    return show_list(uow, snapshot, citizen_id, _LIST)
