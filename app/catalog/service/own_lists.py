"""The lists of services that are a citizen's own: read in one statement, changed under one lock."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app.catalog.models import ListedService, ServiceHabits
from app.catalog.service.listing import join_page
from app.catalog.service.snapshot import Snapshot
from app.catalog.values import OwnList
from app.core.clock import now
from app.core.errors import NotFound
from app.core.unit_of_work import UnitOfWork


def show_list(uow: UnitOfWork, snapshot: Snapshot, citizen_id: UUID, name: OwnList) -> bytes:
    """Return a list as JSON: what was withdrawn is not shown."""
    listed = read_list(uow, citizen_id, name)
    return join_page(snapshot, [snapshot.numbers[s] for s in listed if s in snapshot.numbers])


def read_list(uow: UnitOfWork, citizen_id: UUID, name: OwnList) -> list[str]:
    """Return the services of a list in their order, withdrawn ones too."""
    return list(
        uow.scalars(
            select(ListedService.service)
            .where(ListedService.citizen_id == citizen_id, ListedService.list == name)
            .order_by(ListedService.position)
        )
    )


def lock_lists(uow: UnitOfWork, citizen_id: UUID) -> ServiceHabits:
    """Let nobody else change the lists of a citizen until this unit is over; return their habits.

    Raise `NotFound` when the account was closed meanwhile.
    """
    try:
        with uow.begin_nested():
            uow.execute(
                insert(ServiceHabits)
                .values(citizen_id=citizen_id, keeps_recent=True)
                .on_conflict_do_nothing()
            )
    except IntegrityError as error:
        if "open_account" not in str(error.orig):
            raise
        raise NotFound from error
    return uow.lock(ServiceHabits, citizen_id)


def write_list(
    uow: UnitOfWork,
    citizen_id: UUID,
    name: OwnList,
    wanted: Sequence[str],
    fresh: Collection[str] = (),
) -> None:
    """Make these services the list, in this order; the caller holds the lock.

    Whatever is new in it, or `fresh`, is dated now; the rest keeps its date.
    """
    kept = [service for service in wanted if service not in fresh]
    uow.execute(
        delete(ListedService).where(
            ListedService.citizen_id == citizen_id,
            ListedService.list == name,
            ListedService.service.not_in(kept),
        )
    )
    if not wanted:
        return
    moment = now()
    statement = insert(ListedService).values(
        [
            {
                "citizen_id": citizen_id,
                "list": name,
                "service": service,
                "position": position,
                "at": moment,
            }
            for position, service in enumerate(wanted, start=1)
        ]
    )
    uow.execute(
        statement.on_conflict_do_update(
            index_elements=["citizen_id", "list", "service"],
            set_={"position": statement.excluded.position},
        )
    )
