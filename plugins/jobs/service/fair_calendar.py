"""A citizen's seat at a fair, for their own calendar."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from app.sdk import UnitOfWork, history, now
from plugins.jobs.models import Fair, FairBooking
from plugins.jobs.service.calendar_text import write_event
from plugins.jobs.service.fair_bookings import find_booking
from plugins.jobs.values.calendar import CalendarEvent, EventStatus
from plugins.jobs.values.fairs import COMING, FairBookingStatus, FairBookingView, FairStatus

_STATUS: Mapping[FairBookingStatus, EventStatus] = {
    FairBookingStatus.HELD: EventStatus.TENTATIVE,
    FairBookingStatus.CONFIRMED: EventStatus.CONFIRMED,
    FairBookingStatus.CHECKED_IN: EventStatus.CONFIRMED,
    FairBookingStatus.NO_SHOW: EventStatus.CONFIRMED,  # the fair was held
    FairBookingStatus.EXPIRED: EventStatus.CANCELLED,
    FairBookingStatus.CANCELLED: EventStatus.CANCELLED,
}
_WORDS: Mapping[EventStatus, str] = {
    EventStatus.TENTATIVE: "名额已保留，请在应用内确认。\nThe seat is held; confirm it in the app.",
    EventStatus.CONFIRMED: "名额已确认。\nThe seat is confirmed.",
    EventStatus.CANCELLED: "预约已取消。\nThe booking is cancelled.",
}


def export_booking(uow: UnitOfWork, citizen_reference: str, booking_id: UUID) -> bytes:
    """Return a citizen's seat at a fair as a calendar, or raise `FairBookingNotFound`.

    A seat keeps its UID, and each move of it has a higher SEQUENCE, so that a calendar replaces
    what it knew. A seat that was given back, has lapsed, or whose fair was cancelled is cancelled.
    """
    booking = find_booking(uow, citizen_reference, booking_id)
    last = history(uow, FairBooking, [booking.id])[-1]
    status = _STATUS[FairBookingStatus(booking.status)]
    sequence, changed_at = last.sequence - 1, last.at
    ended_at = _ended_at(uow, booking)
    if ended_at is not None:  # the move that says so is to come
        status, sequence, changed_at = EventStatus.CANCELLED, sequence + 1, ended_at
    return write_event(
        CalendarEvent(
            id=booking.id,
            status=status,
            sequence=sequence,
            changed_at=changed_at,
            starts_at=booking.starts_at,
            ends_at=booking.ends_at,
            summary=f"{booking.title_zh} / {booking.title_en}",
            place=booking.place,
            description=_WORDS[status],
        )
    )


def _ended_at(uow: UnitOfWork, booking: FairBookingView) -> datetime | None:
    """Return since when a seat is gone that is still written down as held or confirmed."""
    if booking.status not in COMING:
        return None
    if uow.get_one(Fair, booking.fair_id).status == FairStatus.CANCELLED:
        return history(uow, Fair, [booking.fair_id])[-1].at
    until = booking.hold_until
    return until if until is not None and until <= now() else None
