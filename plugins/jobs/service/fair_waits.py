"""Who waits for a seat at a time of a fair that is full (how it is offered: `fair_seats`)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import (
    AlreadyBooked,
    AlreadyWaiting,
    FairWaitNotFound,
    WaitingClosed,
    WaitingNeedless,
)
from plugins.jobs.models import FairBooking, FairSlot, FairWait
from plugins.jobs.service.fair_seats import (
    enter_slot,
    expire_holds_at,
    free_seats,
    living_at,
    offer_seats,
    waits_of,
)
from plugins.jobs.values.fairs import (
    NO_OFFERS_WITHIN,
    WAITS,
    FairBookingStatus,
    FairWaitStatus,
    FairWaitView,
)

_BATCH = 200


def join_queue(house: House, uow: UnitOfWork, citizen: Citizen, slot_id: UUID) -> FairWaitView:
    """Wait for a seat at a time that is full.

    Raise `FairSlotNotFound`, `FairSlotOver`, `AlreadyBooked`, `AlreadyWaiting`, `WaitingNeedless`
    while seats are free, or `WaitingClosed` on the last day, when nobody is offered one.
    """
    slot = enter_slot(uow, slot_id)
    expire_holds_at(house, uow, slot)
    if uow.scalar(living_at(slot.fair_id, citizen.reference)) is not None:
        raise AlreadyBooked
    if uow.scalar(waits_of(slot.id, citizen.reference)) is not None:
        raise AlreadyWaiting
    if slot.starts_at - now() <= NO_OFFERS_WITHIN:
        raise WaitingClosed
    if free_seats(uow, slot):
        raise WaitingNeedless
    wait = FairWait(
        id=new_id(),
        status=FairWaitStatus.WAITING,
        slot_id=slot.id,
        citizen_reference=citizen.reference,
        letterbox=citizen.letterbox,
        offers=0,
        queued_at=now(),
        made_at=now(),
    )
    uow.open_record(wait, cause="citizen")
    uow.flush()
    return _show_waits(uow, [wait])[0]


def list_waits(uow: UnitOfWork, citizen_reference: str, page: PageRequest) -> Page[FairWaitView]:
    """Return a page of what a citizen waits or waited for, the newest first."""
    mine = select(FairWait).where(FairWait.citizen_reference == citizen_reference)
    rows = fetch_page(uow, mine, [FairWait.made_at, FairWait.id], page, descending=True)
    return Page(_show_waits(uow, rows.items), rows.next_cursor)


def leave_queue(house: House, uow: UnitOfWork, citizen_reference: str, wait_id: UUID) -> None:
    """Wait no longer; what was offered goes to the next. Raise `FairWaitNotFound`."""
    mine = select(FairWait).where(
        FairWait.id == wait_id, FairWait.citizen_reference == citizen_reference
    )
    found = uow.scalar(mine)
    if found is None:
        raise FairWaitNotFound
    slot = uow.lock(FairSlot, found.slot_id)
    wait = uow.lock(FairWait, wait_id)
    if wait.status not in WAITS:
        return
    if wait.booking_id is not None:
        offered = uow.lock(FairBooking, wait.booking_id)
        uow.move(offered, FairBookingStatus.CANCELLED, cause="citizen")
        offered.hold_until = None
    uow.move(wait, FairWaitStatus.LEFT, cause="citizen")
    wait.booking_id = None
    uow.flush()
    offer_seats(house, uow, slot)


def end_waits(house: House) -> None:
    """End the waiting for times of the last day, when nobody is offered a seat any more."""
    with house.unit_of_work() as uow:
        due = (
            select(FairWait)
            .join(FairSlot, FairSlot.id == FairWait.slot_id)
            .where(
                FairWait.status == FairWaitStatus.WAITING,
                FairSlot.starts_at <= now() + NO_OFFERS_WITHIN,
            )
            .limit(_BATCH)
            .with_for_update(of=FairWait, skip_locked=True)
        )
        for wait in uow.scalars(due):
            uow.move(wait, FairWaitStatus.ENDED, cause="last-day")


def list_all_waits(uow: UnitOfWork, citizen_reference: str) -> list[FairWaitView]:
    """Return everything that a citizen waits or waited for."""
    mine = select(FairWait).where(FairWait.citizen_reference == citizen_reference)
    return _show_waits(uow, uow.scalars(mine.order_by(FairWait.made_at, FairWait.id)).all())


def _show_waits(uow: UnitOfWork, waits: Sequence[FairWait]) -> list[FairWaitView]:
    fairs = dict(
        uow.execute(
            select(FairSlot.id, FairSlot.fair_id).where(
                FairSlot.id.in_({one.slot_id for one in waits})
            )
        ).all()
    )
    return [
        FairWaitView(
            id=one.id,
            fair_id=fairs[one.slot_id],
            slot_id=one.slot_id,
            status=one.status,
            offers=one.offers,
            queued_at=one.queued_at,
            booking_id=one.booking_id,
        )
        for one in waits
    ]
