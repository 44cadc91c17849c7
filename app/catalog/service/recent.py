"""What a citizen has really used, the last of it first: kept unless they have switched it off."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from app.catalog.models import ServiceHabits
from app.catalog.service.own_lists import lock_lists, read_list, show_list, write_list
from app.catalog.service.shelf import CatalogDeps
from app.catalog.service.snapshot import Snapshot
from app.catalog.values import MOST_RECENT, OwnList
from app.core.errors import NotFound
from app.core.unit_of_work import UnitOfWork

_LIST = OwnList.RECENT


class AboutPayment(Protocol):
    """A fact about a payment."""

    @property
    def payment_id(self) -> UUID:
        """Return which payment."""


def note_use(uow: UnitOfWork, citizen_id: UUID, services: Iterable[str]) -> None:
    """Put services at the head of what a citizen has used; twice is as good as once.

    Nothing is kept for those who have switched it off, or who are gone.
    """
    used = list(dict.fromkeys(services))
    with suppress(NotFound):
        if lock_lists(uow, citizen_id).keeps_recent:
            before = read_list(uow, citizen_id, _LIST)
            wanted = [*used, *(service for service in before if service not in used)]
            write_list(uow, citizen_id, _LIST, wanted[:MOST_RECENT], fresh=used)


def note_payment(uow: UnitOfWork, deps: CatalogDeps, fact: AboutPayment) -> None:
    """Keep as used what a citizen has paid for themselves; idempotent."""
    paid = deps.paid(uow, fact.payment_id)
    if paid is not None:
        note_use(uow, *paid)


def list_recent(uow: UnitOfWork, snapshot: Snapshot, citizen_id: UUID) -> bytes:
    """Return what a citizen has used as JSON, the last of it first."""
    return show_list(uow, snapshot, citizen_id, _LIST)


def clear_recent(uow: UnitOfWork, citizen_id: UUID) -> None:
    """Forget what a citizen has used; idempotent."""
    lock_lists(uow, citizen_id)
    write_list(uow, citizen_id, _LIST, [])


def keeps_recent(uow: UnitOfWork, citizen_id: UUID) -> bool:
    """Say whether what a citizen uses is kept: yes, until they say otherwise."""
    habits = uow.get(ServiceHabits, citizen_id)
    return habits is None or habits.keeps_recent


def keep_recent(uow: UnitOfWork, citizen_id: UUID, *, wanted: bool) -> None:
    """Begin to keep what a citizen uses, or stop and forget what was kept; idempotent."""
    lock_lists(uow, citizen_id).keeps_recent = wanted
    if not wanted:
        write_list(uow, citizen_id, _LIST, [])
