"""Seats of citizens at fairs: held, confirmed, given back (the rules of seats: `fair_seats`)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, now
from plugins.jobs.errors import (
    AlreadyBooked,
    FairBookingNotFound,
    FairSlotFull,
    FairSlotOver,
    HoldOver,
)
from plugins.jobs.models import Fair, FairBooking, FairSlot, FairWait
from plugins.jobs.service.employers import check_desk
from plugins.jobs.service.fair_seats import (
    enter_slot,
    expire_holds_at,
    free_seats,
    leave_queue_at,
    living_at,
    offer_seats,
    open_hold,
)
from plugins.jobs.service.fairs import show_slots
from plugins.jobs.values.fairs import (
    COMING,
    HELD_FOR,
    WAITS,
    FairBookingStatus,
    FairBookingView,
    FairWaitStatus,
)

_SLOTS = 50
_MOST_NAMED = 3


def hold_seat(house: House, uow: UnitOfWork, citizen: Citizen, slot_id: UUID) -> FairBookingView:
    """Hold a seat for ten minutes, within which it is confirmed.

    Raise `FairSlotNotFound`, `FairSlotOver`, `AlreadyBooked` for a second one at a fair, or
    `FairSlotFull`, which names other times with seats.
    """
    slot = enter_slot(uow, slot_id)
    expire_holds_at(house, uow, slot)
    if uow.scalar(living_at(slot.fair_id, citizen.reference)) is not None:
        raise AlreadyBooked
    seats = free_seats(uow, slot)
    if not seats:
        raise FairSlotFull(free_slots=[str(one) for one in _others(uow, slot)])
    leave_queue_at(uow, slot.id, citizen.reference)
    booking = open_hold(uow, slot, seats[0], citizen.reference, citizen.letterbox, now() + HELD_FOR)
    return show_bookings(uow, [booking])[0]


def confirm_booking(uow: UnitOfWork, citizen_reference: str, booking_id: UUID) -> FairBookingView:
    """Confirm a seat that is held. Raise `FairBookingNotFound`, `HoldOver`, or `IllegalMove`."""
    booking, _ = _lock_own(uow, citizen_reference, booking_id)
    if booking.hold_until is not None and booking.hold_until <= now():
        raise HoldOver
    uow.move(booking, FairBookingStatus.CONFIRMED, cause="citizen")
    booking.hold_until = None
    for wait in uow.scalars(_waiting_for(booking.id)):
        uow.move(wait, FairWaitStatus.TAKEN, cause="citizen")
        wait.booking_id = None
    uow.flush()
    return show_bookings(uow, [booking])[0]


def cancel_booking(
    house: House, uow: UnitOfWork, citizen_reference: str, booking_id: UUID
) -> FairBookingView:
    """Give a seat back, which is free at once for the next who waits.

    Raise `FairBookingNotFound`, `FairSlotOver` once the time has begun, or `IllegalMove`.
    """
    booking, slot = _lock_own(uow, citizen_reference, booking_id)
    if slot.starts_at <= now():
        raise FairSlotOver
    uow.move(booking, FairBookingStatus.CANCELLED, cause="citizen")
    booking.hold_until = None
    for wait in uow.scalars(_waiting_for(booking.id)):
        uow.move(wait, FairWaitStatus.LEFT, cause="citizen")
        wait.booking_id = None
    uow.flush()
    offer_seats(house, uow, slot)
    return show_bookings(uow, [booking])[0]


def list_bookings(
    uow: UnitOfWork, citizen_reference: str, page: PageRequest
) -> Page[FairBookingView]:
    """Return a page of a citizen's bookings, the newest first."""
    mine = select(FairBooking).where(FairBooking.citizen_reference == citizen_reference)
    order = [FairBooking.made_at, FairBooking.id]
    rows = fetch_page(uow, mine, order, page, descending=True)
    return Page(show_bookings(uow, rows.items), rows.next_cursor)


def find_booking(uow: UnitOfWork, citizen_reference: str, booking_id: UUID) -> FairBookingView:
    """Return one of a citizen's bookings, or raise `FairBookingNotFound`."""
    return show_bookings(uow, [_own(uow, citizen_reference, booking_id)])[0]


def list_slot_bookings(
    uow: UnitOfWork, department: str | None, slot_id: UUID, page: PageRequest
) -> Page[FairBookingView]:
    """Return a page of the bookings of a time for the desk, the first made first."""
    check_desk(department)
    rows = fetch_page(
        uow,
        select(FairBooking).where(FairBooking.slot_id == slot_id),
        [FairBooking.made_at, FairBooking.id],
        page,
    )
    return Page(show_bookings(uow, rows.items), rows.next_cursor)


def expire_holds(house: House) -> None:
    """Free seats whose hold is over, and offer them to who waits; a bounded number of times."""
    with house.unit_of_work() as uow:
        due = (
            select(FairBooking.slot_id)
            .where(FairBooking.status == FairBookingStatus.HELD, FairBooking.hold_until <= now())
            .distinct()
            .limit(_SLOTS)
        )
        slots = uow.scalars(due).all()
    for slot_id in slots:
        with house.unit_of_work() as uow:
            expire_holds_at(house, uow, uow.lock(FairSlot, slot_id))


def release_citizen(house: House, uow: UnitOfWork, citizen_reference: str) -> None:
    """Give back every seat of a citizen who is erased, and let them wait for none."""
    mine = FairBooking.citizen_reference == citizen_reference
    booked = select(FairBooking.slot_id).where(mine, FairBooking.status.in_(COMING))
    waited = select(FairWait.slot_id).where(
        FairWait.citizen_reference == citizen_reference, FairWait.status.in_(WAITS)
    )
    for slot_id in sorted({*uow.scalars(booked), *uow.scalars(waited)}):
        slot = uow.lock(FairSlot, slot_id)
        leave_queue_at(uow, slot.id, citizen_reference)
        living = select(FairBooking).where(
            mine, FairBooking.slot_id == slot.id, FairBooking.status.in_(COMING)
        )
        for booking in uow.scalars(living.with_for_update()):
            uow.move(booking, FairBookingStatus.CANCELLED, cause="erased")
            booking.hold_until = None
        uow.flush()
        offer_seats(house, uow, slot)


def list_all_bookings(uow: UnitOfWork, citizen_reference: str) -> list[FairBookingView]:
    """Return every booking of a citizen."""
    mine = select(FairBooking).where(FairBooking.citizen_reference == citizen_reference)
    return show_bookings(uow, uow.scalars(mine.order_by(FairBooking.made_at)).all())


def show_bookings(uow: UnitOfWork, bookings: Sequence[FairBooking]) -> list[FairBookingView]:
    """Return bookings as they are shown, however many by one statement."""
    places = (
        select(FairSlot, Fair)
        .join(Fair, Fair.id == FairSlot.fair_id)
        .where(FairSlot.id.in_({one.slot_id for one in bookings}))
    )
    where = {slot.id: (slot, fair) for slot, fair in uow.execute(places)}
    return [_view(one, *where[one.slot_id]) for one in bookings]


def _others(uow: UnitOfWork, slot: FairSlot) -> list[UUID]:
    """Return other times of the same fair with free seats, the next ones first."""
    coming = (
        select(FairSlot)
        .where(FairSlot.fair_id == slot.fair_id, FairSlot.starts_at > now())
        .order_by(FairSlot.starts_at)
    )
    shown = show_slots(uow, uow.scalars(coming).all())
    return [one.id for one in shown if one.free > 0 and one.id != slot.id][:_MOST_NAMED]


def _waiting_for(booking_id: UUID) -> Select[FairWait]:
    return select(FairWait).where(FairWait.booking_id == booking_id).with_for_update()


def _own(uow: UnitOfWork, citizen_reference: str, booking_id: UUID) -> FairBooking:
    booking: FairBooking | None = uow.scalar(
        select(FairBooking).where(
            FairBooking.id == booking_id, FairBooking.citizen_reference == citizen_reference
        )
    )
    if booking is None:
        raise FairBookingNotFound
    return booking


def _lock_own(
    uow: UnitOfWork, citizen_reference: str, booking_id: UUID
) -> tuple[FairBooking, FairSlot]:
    """Return a booking and its time under their locks, the time first."""
    found = _own(uow, citizen_reference, booking_id)
    slot = uow.lock(FairSlot, found.slot_id)
    return uow.lock(FairBooking, booking_id), slot


def _view(booking: FairBooking, slot: FairSlot, fair: Fair) -> FairBookingView:
    return FairBookingView(
        id=booking.id,
        fair_id=fair.id,
        slot_id=slot.id,
        title_zh=fair.title_zh,
        title_en=fair.title_en,
        place=fair.place,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        status=booking.status,
        hold_until=booking.hold_until,
        made_at=booking.made_at,
    )
