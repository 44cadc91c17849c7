"""Seats at the times of a fair, for whoever books, waits or plans: free, held, offered.

Whatever changes a seat locks its time first, and then gives free seats to those who wait in the
same step: a seat is free for everybody only when nobody waits for it, or nobody may be asked.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from app.sdk import House, UnitOfWork, new_id, now
from plugins.jobs.errors import AlreadyBooked, FairSlotNotFound, FairSlotOver
from plugins.jobs.models import Fair, FairBooking, FairSlot, FairWait
from plugins.jobs.values.fairs import (
    COMING,
    MOST_OFFERS,
    NO_OFFERS_WITHIN,
    OFFERED_FOR,
    SEATED,
    WAITS,
    FairBookingStatus,
    FairStatus,
    FairWaitStatus,
)


def enter_slot(uow: UnitOfWork, slot_id: UUID) -> FairSlot:
    """Return a time under its lock, of a fair that is held from being cancelled meanwhile."""
    fair_id = uow.scalar(select(FairSlot.fair_id).where(FairSlot.id == slot_id))
    if fair_id is None:
        raise FairSlotNotFound
    held = select(Fair).where(Fair.id == fair_id).with_for_update(read=True)
    fair = uow.scalars(held.execution_options(populate_existing=True)).one()
    if fair.status == FairStatus.DRAFT:
        raise FairSlotNotFound
    slot = uow.lock(FairSlot, slot_id)
    if fair.status != FairStatus.PUBLISHED or slot.starts_at <= now():
        raise FairSlotOver
    return slot


def expire_holds_at(house: House, uow: UnitOfWork, slot: FairSlot) -> None:
    """End the holds of a locked time that are over; who was offered a seat waits again, or not."""
    over = (
        select(FairBooking)
        .where(
            FairBooking.slot_id == slot.id,
            FairBooking.status == FairBookingStatus.HELD,
            FairBooking.hold_until <= now(),
        )
        .order_by(FairBooking.id)
        .with_for_update()
    )
    bookings = uow.scalars(over.execution_options(populate_existing=True)).all()
    if not bookings:
        return
    for booking in bookings:
        uow.move(booking, FairBookingStatus.EXPIRED, cause="time")
        booking.hold_until = None
    offered = select(FairWait).where(FairWait.booking_id.in_([one.id for one in bookings]))
    for wait in uow.scalars(offered.with_for_update()):
        to = FairWaitStatus.ENDED if wait.offers >= MOST_OFFERS else FairWaitStatus.WAITING
        uow.move(wait, to, cause="offer-lapsed")
        wait.booking_id = None
        wait.queued_at = now()  # behind those who were not asked yet
    uow.flush()
    offer_seats(house, uow, slot)


def offer_seats(house: House, uow: UnitOfWork, slot: FairSlot) -> None:
    """Offer the free seats of a locked time to those who wait, each to one alone."""
    if slot.starts_at - now() <= NO_OFFERS_WITHIN:
        return
    fair = uow.get_one(Fair, slot.fair_id)
    if fair.status != FairStatus.PUBLISHED:
        return
    seats = free_seats(uow, slot)
    if not seats:
        return
    queue = (
        select(FairWait)
        .where(FairWait.slot_id == slot.id, FairWait.status == FairWaitStatus.WAITING)
        .order_by(FairWait.queued_at, FairWait.id)
        .limit(len(seats))
        .with_for_update()
    )
    waits = uow.scalars(queue).all()
    booked = _who_has_booked(uow, slot.fair_id, waits)
    # In one order of citizens: two times of a fair that offer at once meet at the same ones.
    for seat, wait in zip(seats, sorted(waits, key=_whose), strict=False):
        if wait.citizen_reference is None or wait.citizen_reference in booked:
            uow.move(wait, FairWaitStatus.ENDED, cause="booked-elsewhere")
            continue
        until = now() + OFFERED_FOR
        try:
            booking = open_hold(uow, slot, seat, wait.citizen_reference, wait.letterbox, until)
        except AlreadyBooked:
            uow.move(wait, FairWaitStatus.ENDED, cause="booked-elsewhere")
            continue
        uow.move(wait, FairWaitStatus.OFFERED, cause="seat-free")
        wait.offers += 1
        wait.booking_id = booking.id
        house.tell(
            uow,
            wait.letterbox,
            "fair-seat-offered",
            f"{wait.id}-{wait.offers}",
            fair_zh=fair.title_zh,
            fair_en=fair.title_en,
            at=slot.starts_at,
            until=until,
        )
    uow.flush()
    if any(wait.status == FairWaitStatus.ENDED for wait in waits):
        offer_seats(house, uow, slot)


def open_hold(
    uow: UnitOfWork,
    slot: FairSlot,
    seat: int,
    citizen_reference: str,
    letterbox: str,
    until: datetime,
) -> FairBooking:
    """Hold a free seat of a locked time for a citizen.

    Raise `AlreadyBooked`, and leave the rest as it is, when they get one at another time of the
    fair in the same moment.
    """
    booking = FairBooking(
        id=new_id(),
        status=FairBookingStatus.HELD,
        fair_id=slot.fair_id,
        slot_id=slot.id,
        capacity=slot.capacity,
        seat=seat,
        citizen_reference=citizen_reference,
        letterbox=letterbox,
        hold_until=until,
        made_at=now(),
    )
    try:
        with uow.begin_nested():
            uow.open_record(booking, cause="citizen")
    except IntegrityError as error:
        if "uq_fair_bookings_citizen" not in str(error.orig):
            raise
        raise AlreadyBooked from error
    return booking


def free_seats(uow: UnitOfWork, slot: FairSlot) -> list[int]:
    """Return the numbers of the seats of a time that nobody has."""
    taken = set(
        uow.scalars(
            select(FairBooking.seat).where(
                FairBooking.slot_id == slot.id, FairBooking.status.in_(SEATED)
            )
        )
    )
    return [seat for seat in range(1, slot.capacity + 1) if seat not in taken]


def leave_queue_at(uow: UnitOfWork, slot_id: UUID, citizen_reference: str) -> None:
    """Let a citizen wait no longer for a locked time."""
    for wait in uow.scalars(waits_of(slot_id, citizen_reference).with_for_update()):
        uow.move(wait, FairWaitStatus.LEFT, cause="booked")
        wait.booking_id = None


def living_at(fair_id: UUID, citizen_reference: str) -> Select[FairBooking]:
    """Return the statement of a citizen's seat at a fair."""
    return select(FairBooking).where(
        FairBooking.fair_id == fair_id,
        FairBooking.citizen_reference == citizen_reference,
        FairBooking.status.in_(COMING),
    )


def waits_of(slot_id: UUID, citizen_reference: str) -> Select[FairWait]:
    """Return the statement of a citizen's waiting for a time."""
    return select(FairWait).where(
        FairWait.slot_id == slot_id,
        FairWait.citizen_reference == citizen_reference,
        FairWait.status.in_(WAITS),
    )


def _whose(wait: FairWait) -> str:
    return wait.citizen_reference or ""


def _who_has_booked(uow: UnitOfWork, fair_id: UUID, waits: Sequence[FairWait]) -> set[str | None]:
    """Return who of those who wait has a seat at another time of the fair."""
    rows = select(FairBooking.citizen_reference).where(
        FairBooking.fair_id == fair_id,
        FairBooking.status.in_(COMING),
        FairBooking.citizen_reference.in_([one.citizen_reference for one in waits]),
    )
    return set(uow.scalars(rows))
