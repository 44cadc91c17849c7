"""The days of a fair: reminders before, who came and who did not, or that it will not be."""

from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from app.sdk import House, UnitOfWork, now
from plugins.jobs.errors import CheckInTooEarly, FairBookingNotFound, FairSlotOver
from plugins.jobs.models import Fair, FairBooking, FairSlot, FairWait
from plugins.jobs.service.employers import check_desk
from plugins.jobs.service.fair_bookings import show_bookings
from plugins.jobs.values.fairs import (
    CHECK_IN_BEFORE,
    COMING,
    REMINDED_BEFORE,
    WAITS,
    FairBookingStatus,
    FairBookingView,
    FairStatus,
    FairWaitStatus,
)

_BATCH = 200


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
    return show_bookings(uow, [booking])[0]


def remind_of_fairs(house: House) -> None:
    """Remind citizens of their times a day before, a bounded number of them.

    Of a cancelled fair nobody is reminded: `clear_cancelled_fairs` tells them so, soon.
    """
    moment = now()
    with house.unit_of_work() as uow:
        due = _some_confirmed(
            FairBooking.reminded_at.is_(None),
            FairSlot.starts_at > moment,
            FairSlot.starts_at <= moment + REMINDED_BEFORE,
        )
        bookings = uow.scalars(due).all()
        for booking, shown in zip(bookings, show_bookings(uow, bookings), strict=True):
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
        for booking in uow.scalars(_some_confirmed(FairSlot.ends_at <= now())):
            uow.move(booking, FairBookingStatus.NO_SHOW, cause="time")


def clear_cancelled_fairs(house: House) -> None:
    """End the bookings and the waiting of fairs that were cancelled, and tell who had booked."""
    with house.unit_of_work() as uow:
        due = (
            select(FairBooking)
            .join(Fair, Fair.id == FairBooking.fair_id)
            .where(Fair.status == FairStatus.CANCELLED, FairBooking.status.in_(COMING))
            .limit(_BATCH)
            .with_for_update(of=FairBooking, skip_locked=True)
        )
        bookings = uow.scalars(due).all()
        waits = uow.scalars(
            select(FairWait)
            .join(FairSlot, FairSlot.id == FairWait.slot_id)
            .join(Fair, Fair.id == FairSlot.fair_id)
            .where(Fair.status == FairStatus.CANCELLED, FairWait.status.in_(WAITS))
            .limit(_BATCH)
            .with_for_update(of=FairWait, skip_locked=True)
        ).all()
        for wait in waits:
            uow.move(wait, FairWaitStatus.ENDED, cause="fair-cancelled")
            wait.booking_id = None
        for booking, shown in zip(bookings, show_bookings(uow, bookings), strict=True):
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


def _some_confirmed(*conditions: ColumnElement[bool]) -> Select[FairBooking]:
    """Return the statement that locks seats of fairs that take place, a bounded number of them."""
    return (
        select(FairBooking)
        .join(FairSlot, FairSlot.id == FairBooking.slot_id)
        .join(Fair, Fair.id == FairSlot.fair_id)
        .where(
            Fair.status != FairStatus.CANCELLED,
            FairBooking.status == FairBookingStatus.CONFIRMED,
            *conditions,
        )
        .limit(_BATCH)
        .with_for_update(of=FairBooking, skip_locked=True)
    )
