"""Seats at the times of a fair: held, confirmed, given back, and offered to who waits.

Whatever changes a seat locks its time first, and then gives free seats to those who wait in the
same step: a seat is free for everybody only when nobody waits for it, or nobody may be asked.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError

from app.sdk import Citizen, House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import (
    AlreadyBooked,
    AlreadyWaiting,
    CheckInTooEarly,
    FairBookingNotFound,
    FairSlotFull,
    FairSlotNotFound,
    FairSlotOver,
    FairWaitNotFound,
    HoldOver,
    WaitingClosed,
    WaitingNeedless,
)
from plugins.jobs.models import Fair, FairBooking, FairSlot, FairWait
from plugins.jobs.service.employers import check_desk
from plugins.jobs.service.fairs import show_slots
from plugins.jobs.values.fairs import (
    CHECK_IN_BEFORE,
    HELD_FOR,
    MOST_OFFERS,
    NO_OFFERS_WITHIN,
    OFFERED_FOR,
    REMINDED_BEFORE,
    SEATED,
    FairBookingStatus,
    FairBookingView,
    FairStatus,
    FairWaitStatus,
    FairWaitView,
)

_SLOTS, _BATCH = 50, 200
_MOST_NAMED = 3
_HAS_SEAT = (FairBookingStatus.HELD, FairBookingStatus.CONFIRMED)
_WAITS = (FairWaitStatus.WAITING, FairWaitStatus.OFFERED)


def hold_seat(house: House, uow: UnitOfWork, citizen: Citizen, slot_id: UUID) -> FairBookingView:
    """Hold a seat for ten minutes, within which it is confirmed.

    Raise `FairSlotNotFound`, `FairSlotOver`, `AlreadyBooked` for a second one at a fair, or
    `FairSlotFull`, which names other times with seats.
    """
    slot = _enter(uow, slot_id)
    _expire(house, uow, slot)
    if uow.scalar(_living_at(slot.fair_id, citizen.reference)) is not None:
        raise AlreadyBooked
    seats = _free_seats(uow, slot)
    if not seats:
        raise FairSlotFull(free_slots=[str(one) for one in _others(uow, slot)])
    _leave_queue(uow, slot.id, citizen.reference)
    booking = _hold(uow, slot, seats[0], citizen.reference, citizen.letterbox, now() + HELD_FOR)
    try:
        uow.flush()
    except IntegrityError as error:  # at another time of the fair in the same moment
        raise AlreadyBooked from error
    return _show(uow, [booking])[0]


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
    return _show(uow, [booking])[0]


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
    _offer(house, uow, slot)
    return _show(uow, [booking])[0]


def list_bookings(
    uow: UnitOfWork, citizen_reference: str, page: PageRequest
) -> Page[FairBookingView]:
    """Return a page of a citizen's bookings, the newest first."""
    mine = select(FairBooking).where(FairBooking.citizen_reference == citizen_reference)
    order = [FairBooking.made_at, FairBooking.id]
    rows = fetch_page(uow, mine, order, page, descending=True)
    return Page(_show(uow, rows.items), rows.next_cursor)


def find_booking(uow: UnitOfWork, citizen_reference: str, booking_id: UUID) -> FairBookingView:
    """Return one of a citizen's bookings, or raise `FairBookingNotFound`."""
    return _show(uow, [_own(uow, citizen_reference, booking_id)])[0]


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
    return Page(_show(uow, rows.items), rows.next_cursor)


def check_in(uow: UnitOfWork, department: str | None, booking_id: UUID) -> FairBookingView:
    """Note that somebody has come, from an hour before their time until it ends.

    Raise `FairBookingNotFound`, `CheckInTooEarly`, `FairSlotOver`, or `IllegalMove`.
    """
    check_desk(department)
    booking = uow.scalar(select(FairBooking).where(FairBooking.id == booking_id).with_for_update())
    if booking is None:
        raise FairBookingNotFound
    slot = uow.get_one(FairSlot, booking.slot_id)
    if now() < slot.starts_at - CHECK_IN_BEFORE:
        raise CheckInTooEarly
    if now() >= slot.ends_at:
        raise FairSlotOver
    uow.move(booking, FairBookingStatus.CHECKED_IN, cause="desk")
    uow.flush()
    return _show(uow, [booking])[0]


def join_queue(house: House, uow: UnitOfWork, citizen: Citizen, slot_id: UUID) -> FairWaitView:
    """Wait for a seat at a time that is full.

    Raise `FairSlotNotFound`, `FairSlotOver`, `AlreadyBooked`, `AlreadyWaiting`, `WaitingNeedless`
    while seats are free, or `WaitingClosed` on the last day, when nobody is offered one.
    """
    slot = _enter(uow, slot_id)
    _expire(house, uow, slot)
    if uow.scalar(_living_at(slot.fair_id, citizen.reference)) is not None:
        raise AlreadyBooked
    if uow.scalar(_waits_of(slot.id, citizen.reference)) is not None:
        raise AlreadyWaiting
    if slot.starts_at - now() <= NO_OFFERS_WITHIN:
        raise WaitingClosed
    if _free_seats(uow, slot):
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
    if wait.status not in _WAITS:
        return
    if wait.booking_id is not None:
        offered = uow.lock(FairBooking, wait.booking_id)
        uow.move(offered, FairBookingStatus.CANCELLED, cause="citizen")
        offered.hold_until = None
    uow.move(wait, FairWaitStatus.LEFT, cause="citizen")
    wait.booking_id = None
    uow.flush()
    _offer(house, uow, slot)


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
            _expire(house, uow, uow.lock(FairSlot, slot_id))


def remind_of_fairs(house: House) -> None:
    """Remind citizens of their times a day before, a bounded number of them."""
    moment = now()
    with house.unit_of_work() as uow:
        due = (
            select(FairBooking)
            .join(FairSlot, FairSlot.id == FairBooking.slot_id)
            .where(
                FairBooking.status == FairBookingStatus.CONFIRMED,
                FairBooking.reminded_at.is_(None),
                FairSlot.starts_at > moment,
                FairSlot.starts_at <= moment + REMINDED_BEFORE,
            )
            .limit(_BATCH)
            .with_for_update(of=FairBooking, skip_locked=True)
        )
        bookings = uow.scalars(due).all()
        for booking, shown in zip(bookings, _show(uow, bookings), strict=True):
            booking.reminded_at = moment
            house.tell(
                uow,
                booking.letterbox,
                "fair-tomorrow",
                str(booking.id),
                fair_zh=shown.title_zh,
                fair_en=shown.title_en,
                at=shown.starts_at,
                place=shown.place,
            )


def note_no_shows(house: House) -> None:
    """Note who did not come to a time that is over, a bounded number of them."""
    with house.unit_of_work() as uow:
        due = (
            select(FairBooking)
            .join(FairSlot, FairSlot.id == FairBooking.slot_id)
            .where(FairBooking.status == FairBookingStatus.CONFIRMED, FairSlot.ends_at <= now())
            .limit(_BATCH)
            .with_for_update(of=FairBooking, skip_locked=True)
        )
        for booking in uow.scalars(due):
            uow.move(booking, FairBookingStatus.NO_SHOW, cause="time")


def clear_cancelled_fairs(house: House) -> None:
    """End the bookings and the waiting of fairs that were cancelled, and tell who had booked."""
    with house.unit_of_work() as uow:
        due = (
            select(FairBooking)
            .join(Fair, Fair.id == FairBooking.fair_id)
            .where(Fair.status == FairStatus.CANCELLED, FairBooking.status.in_(_HAS_SEAT))
            .limit(_BATCH)
            .with_for_update(of=FairBooking, skip_locked=True)
        )
        bookings = uow.scalars(due).all()
        waits = uow.scalars(
            select(FairWait)
            .join(FairSlot, FairSlot.id == FairWait.slot_id)
            .join(Fair, Fair.id == FairSlot.fair_id)
            .where(Fair.status == FairStatus.CANCELLED, FairWait.status.in_(_WAITS))
            .limit(_BATCH)
            .with_for_update(of=FairWait, skip_locked=True)
        ).all()
        for wait in waits:
            uow.move(wait, FairWaitStatus.ENDED, cause="fair-cancelled")
            wait.booking_id = None
        for booking, shown in zip(bookings, _show(uow, bookings), strict=True):
            uow.move(booking, FairBookingStatus.CANCELLED, cause="fair-cancelled")
            booking.hold_until = None
            house.tell(
                uow,
                booking.letterbox,
                "fair-cancelled",
                str(booking.id),
                fair_zh=shown.title_zh,
                fair_en=shown.title_en,
                at=shown.starts_at,
            )


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


def release_citizen(house: House, uow: UnitOfWork, citizen_reference: str) -> None:
    """Give back every seat of a citizen who is erased, and let them wait for none."""
    mine = FairBooking.citizen_reference == citizen_reference
    booked = select(FairBooking.slot_id).where(mine, FairBooking.status.in_(_HAS_SEAT))
    waited = select(FairWait.slot_id).where(
        FairWait.citizen_reference == citizen_reference, FairWait.status.in_(_WAITS)
    )
    for slot_id in sorted({*uow.scalars(booked), *uow.scalars(waited)}):
        slot = uow.lock(FairSlot, slot_id)
        _leave_queue(uow, slot.id, citizen_reference)
        living = select(FairBooking).where(
            mine, FairBooking.slot_id == slot.id, FairBooking.status.in_(_HAS_SEAT)
        )
        for booking in uow.scalars(living.with_for_update()):
            uow.move(booking, FairBookingStatus.CANCELLED, cause="erased")
            booking.hold_until = None
        uow.flush()
        _offer(house, uow, slot)


def list_all_bookings(uow: UnitOfWork, citizen_reference: str) -> list[FairBookingView]:
    """Return every booking of a citizen."""
    mine = select(FairBooking).where(FairBooking.citizen_reference == citizen_reference)
    return _show(uow, uow.scalars(mine.order_by(FairBooking.made_at)).all())


def _enter(uow: UnitOfWork, slot_id: UUID) -> FairSlot:
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


def _expire(house: House, uow: UnitOfWork, slot: FairSlot) -> None:
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
    _offer(house, uow, slot)


def _offer(house: House, uow: UnitOfWork, slot: FairSlot) -> None:
    """Offer the free seats of a locked time to those who wait, each to one alone."""
    if slot.starts_at - now() <= NO_OFFERS_WITHIN:
        return
    fair = uow.get_one(Fair, slot.fair_id)
    if fair.status != FairStatus.PUBLISHED:
        return
    seats = _free_seats(uow, slot)
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
    for seat, wait in zip(seats, waits, strict=False):
        if wait.citizen_reference is None or wait.citizen_reference in booked:
            uow.move(wait, FairWaitStatus.ENDED, cause="booked-elsewhere")
            continue
        until = now() + OFFERED_FOR
        booking = _hold(uow, slot, seat, wait.citizen_reference, wait.letterbox, until)
        uow.flush()
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
        _offer(house, uow, slot)


def _who_has_booked(uow: UnitOfWork, fair_id: UUID, waits: Sequence[FairWait]) -> set[str | None]:
    """Return who of those who wait has a seat at another time of the fair."""
    rows = select(FairBooking.citizen_reference).where(
        FairBooking.fair_id == fair_id,
        FairBooking.status.in_(_HAS_SEAT),
        FairBooking.citizen_reference.in_([one.citizen_reference for one in waits]),
    )
    return set(uow.scalars(rows))


def _hold(
    uow: UnitOfWork,
    slot: FairSlot,
    seat: int,
    citizen_reference: str,
    letterbox: str,
    until: datetime,
) -> FairBooking:
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
    uow.open_record(booking, cause="citizen")
    return booking


def _free_seats(uow: UnitOfWork, slot: FairSlot) -> list[int]:
    taken = set(
        uow.scalars(
            select(FairBooking.seat).where(
                FairBooking.slot_id == slot.id, FairBooking.status.in_(SEATED)
            )
        )
    )
    return [seat for seat in range(1, slot.capacity + 1) if seat not in taken]


def _others(uow: UnitOfWork, slot: FairSlot) -> list[UUID]:
    """Return other times of the same fair with free seats, the next ones first."""
    coming = (
        select(FairSlot)
        .where(FairSlot.fair_id == slot.fair_id, FairSlot.starts_at > now())
        .order_by(FairSlot.starts_at)
    )
    shown = show_slots(uow, uow.scalars(coming).all())
    return [one.id for one in shown if one.free > 0 and one.id != slot.id][:_MOST_NAMED]


def _leave_queue(uow: UnitOfWork, slot_id: UUID, citizen_reference: str) -> None:
    for wait in uow.scalars(_waits_of(slot_id, citizen_reference).with_for_update()):
        uow.move(wait, FairWaitStatus.LEFT, cause="booked")
        wait.booking_id = None


def _living_at(fair_id: UUID, citizen_reference: str) -> Select[FairBooking]:
    return select(FairBooking).where(
        FairBooking.fair_id == fair_id,
        FairBooking.citizen_reference == citizen_reference,
        FairBooking.status.in_(_HAS_SEAT),
    )


def _waits_of(slot_id: UUID, citizen_reference: str) -> Select[FairWait]:
    return select(FairWait).where(
        FairWait.slot_id == slot_id,
        FairWait.citizen_reference == citizen_reference,
        FairWait.status.in_(_WAITS),
    )


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


def _show(uow: UnitOfWork, bookings: Sequence[FairBooking]) -> list[FairBookingView]:
    places = (
        select(FairSlot, Fair)
        .join(Fair, Fair.id == FairSlot.fair_id)
        .where(FairSlot.id.in_({one.slot_id for one in bookings}))
    )
    where = {slot.id: (slot, fair) for slot, fair in uow.execute(places)}
    return [_view(one, *where[one.slot_id]) for one in bookings]


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
