"""Job fairs: planned by the desk, shown to everybody, and booths for employers.

Locks: the employer, the fair, a time of it, bookings by id, who waits.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from app.sdk import House, Page, PageRequest, UnitOfWork, fetch_page, new_id, now
from plugins.jobs.errors import (
    BoothAlreadyBooked,
    BoothNotFound,
    BoothTaken,
    FairNotFound,
    FairNotOpen,
    FairTimesInvalid,
)
from plugins.jobs.models import Employer, Fair, FairBooking, FairBooth, FairSlot
from plugins.jobs.service.employers import check_desk, member_of
from plugins.jobs.service.fair_seats import offer_seats
from plugins.jobs.service.locks import hold_employer
from plugins.jobs.values.fairs import (
    SEATED,
    BoothStatus,
    BoothView,
    Exhibitor,
    FairStatus,
    FairView,
    NewFair,
    NewSlot,
    SlotView,
)

_SHOWN = (FairStatus.PUBLISHED, FairStatus.OVER, FairStatus.CANCELLED)
_BATCH = 50


def plan_fair(uow: UnitOfWork, department: str | None, wanted: NewFair) -> FairView:
    """Plan a fair, which nobody sees yet. Raise `FairTimesInvalid` unless it is still to come."""
    check_desk(department)
    if wanted.starts_at <= now() or wanted.ends_at <= wanted.starts_at:
        raise FairTimesInvalid
    fair = Fair(
        id=new_id(),
        status=FairStatus.DRAFT,
        title_zh=wanted.title_zh,
        title_en=wanted.title_en,
        place=wanted.place,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        booths=wanted.booths,
    )
    uow.open_record(fair, cause="desk")
    uow.flush()
    return _show(uow, [fair])[0]


def add_slot(
    house: House, uow: UnitOfWork, department: str | None, fair_id: UUID, wanted: NewSlot
) -> SlotView:
    """Add a time at which citizens may come; the same beginning again changes its capacity.

    A capacity below what is booked is raised to that; seats that are added are offered to who
    waits first. Raise `FairNotFound`, `FairNotOpen`, or `FairTimesInvalid` outside the fair.
    """
    check_desk(department)
    fair = _lock(uow, fair_id)
    if fair.status not in (FairStatus.DRAFT, FairStatus.PUBLISHED):
        raise FairNotOpen
    if not fair.starts_at <= wanted.starts_at < wanted.ends_at <= fair.ends_at:
        raise FairTimesInvalid
    same = select(FairSlot).where(
        FairSlot.fair_id == fair.id, FairSlot.starts_at == wanted.starts_at
    )
    slot = uow.scalar(same.with_for_update())
    if slot is None:
        slot = FairSlot(
            id=new_id(),
            fair_id=fair.id,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            capacity=wanted.capacity,
        )
        uow.add(slot)
    else:
        highest = select(func.max(FairBooking.seat)).where(
            FairBooking.slot_id == slot.id, FairBooking.status.in_(SEATED)
        )
        slot.capacity = max(wanted.capacity, uow.scalar(highest) or 0)
        slot.ends_at = wanted.ends_at
    uow.flush()
    offer_seats(house, uow, slot)
    return show_slots(uow, [slot])[0]


def publish_fair(uow: UnitOfWork, department: str | None, fair_id: UUID) -> FairView:
    """Show a fair to everybody. Raise `FairNotFound`, or `IllegalMove` (a conflict)."""
    check_desk(department)
    fair = _lock(uow, fair_id)
    uow.move(fair, FairStatus.PUBLISHED, cause="desk")
    uow.flush()
    return _show(uow, [fair])[0]


def cancel_fair(uow: UnitOfWork, department: str | None, fair_id: UUID) -> FairView:
    """Cancel a fair; whoever has booked is told within a minute or so (`clear_cancelled_fairs`).

    Raise `FairNotFound`, or `IllegalMove` (a conflict).
    """
    check_desk(department)
    fair = _lock(uow, fair_id)
    uow.move(fair, FairStatus.CANCELLED, cause="desk")
    uow.flush()
    return _show(uow, [fair])[0]


def end_fairs(house: House) -> None:
    """Note which fairs are over, a bounded number of them; safe to run again."""
    with house.unit_of_work() as uow:
        over = (
            select(Fair)
            .where(Fair.status == FairStatus.PUBLISHED, Fair.ends_at <= now())
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        for fair in uow.scalars(over):
            uow.move(fair, FairStatus.OVER, cause="time")


def list_fairs(uow: UnitOfWork, page: PageRequest) -> Page[FairView]:
    """Return a page of the published fairs that are not over, the next one first."""
    coming = select(Fair).where(Fair.status == FairStatus.PUBLISHED, Fair.ends_at > now())
    rows = fetch_page(uow, coming, [Fair.starts_at, Fair.id], page)
    return Page(_show(uow, rows.items), rows.next_cursor)


def find_fair(uow: UnitOfWork, fair_id: UUID) -> FairView:
    """Return a fair that was published, with who exhibits, or raise `FairNotFound`."""
    return _show(uow, [_shown(uow, fair_id)])[0]


def list_slots(uow: UnitOfWork, fair_id: UUID) -> Page[SlotView]:
    """Return the times of a fair and how many seats are free, or raise `FairNotFound`."""
    _shown(uow, fair_id)
    rows = select(FairSlot).where(FairSlot.fair_id == fair_id).order_by(FairSlot.starts_at)
    return Page(show_slots(uow, uow.scalars(rows).all()))


def book_booth(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, fair_id: UUID, number: int | None
) -> BoothView:
    """Book a booth for an employer: a number, or the first that is free.

    Raise `EmployerNotFound`, `EmployerNotVerified`, `FairNotFound`, `FairNotOpen`,
    `BoothAlreadyBooked` for a second one, or `BoothTaken`.
    """
    hold_employer(uow, employer_id)
    member_of(uow, citizen_reference, employer_id)
    fair = _lock(uow, fair_id)
    if fair.status not in _SHOWN:
        raise FairNotFound
    if fair.status != FairStatus.PUBLISHED or fair.starts_at <= now():
        raise FairNotOpen
    booked = select(FairBooth).where(
        FairBooth.fair_id == fair.id, FairBooth.status == BoothStatus.BOOKED
    )
    taken = uow.scalars(booked).all()
    if any(one.employer_id == employer_id for one in taken):
        raise BoothAlreadyBooked
    numbers = {one.number for one in taken}
    free = [n for n in range(1, fair.booths + 1) if n not in numbers and number in (None, n)]
    if not free:
        raise BoothTaken
    booth = FairBooth(
        id=new_id(),
        status=BoothStatus.BOOKED,
        fair_id=fair.id,
        booths=fair.booths,
        employer_id=employer_id,
        number=free[0],
        booked_at=now(),
    )
    uow.open_record(booth, cause="employer")
    uow.flush()
    return _show_booth(booth)


def list_booths(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, page: PageRequest
) -> Page[BoothView]:
    """Return a page of an employer's booths, the newest first. Raise `EmployerNotFound`."""
    member_of(uow, citizen_reference, employer_id)
    theirs = select(FairBooth).where(FairBooth.employer_id == employer_id)
    rows = fetch_page(uow, theirs, [FairBooth.booked_at, FairBooth.id], page, descending=True)
    return Page([_show_booth(row) for row in rows.items], rows.next_cursor)


def give_up_booth(
    uow: UnitOfWork, citizen_reference: str, employer_id: UUID, booth_id: UUID
) -> None:
    """Give a booth back, which is free at once. Raise `BoothNotFound`, or `IllegalMove`."""
    member_of(uow, citizen_reference, employer_id)
    theirs = select(FairBooth).where(FairBooth.id == booth_id, FairBooth.employer_id == employer_id)
    booth = uow.scalar(theirs.with_for_update())
    if booth is None:
        raise BoothNotFound
    uow.move(booth, BoothStatus.CANCELLED, cause="employer")


def show_slots(uow: UnitOfWork, slots: Sequence[FairSlot]) -> list[SlotView]:
    """Return times with the seats that are free right now: a hold that is over takes none."""
    counted = (
        select(FairBooking.slot_id, func.count())
        .where(
            FairBooking.slot_id.in_([one.id for one in slots]),
            FairBooking.status.in_(SEATED),
            FairBooking.hold_until.is_(None) | (FairBooking.hold_until > now()),
        )
        .group_by(FairBooking.slot_id)
    )
    taken = dict(uow.execute(counted).all())
    return [
        SlotView(
            id=one.id,
            fair_id=one.fair_id,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            capacity=one.capacity,
            free=one.capacity - taken.get(one.id, 0),
        )
        for one in slots
    ]


def _shown(uow: UnitOfWork, fair_id: UUID) -> Fair:
    fair = uow.get(Fair, fair_id)
    if fair is None or fair.status not in _SHOWN:
        raise FairNotFound
    return fair


def _lock(uow: UnitOfWork, fair_id: UUID) -> Fair:
    wanted = select(Fair).where(Fair.id == fair_id).with_for_update()
    fair: Fair | None = uow.scalar(wanted.execution_options(populate_existing=True))
    if fair is None:
        raise FairNotFound
    return fair


def _show(uow: UnitOfWork, fairs: Sequence[Fair]) -> list[FairView]:
    booked = (
        select(FairBooth.fair_id, FairBooth.number, Employer.id, Employer.name)
        .join(Employer, Employer.id == FairBooth.employer_id)
        .where(
            FairBooth.fair_id.in_([one.id for one in fairs]),
            FairBooth.status == BoothStatus.BOOKED,
        )
        .order_by(FairBooth.number)
    )
    exhibitors: dict[UUID, list[Exhibitor]] = {}
    for fair_id, number, employer_id, name in uow.execute(booked):
        exhibitors.setdefault(fair_id, []).append(Exhibitor(employer_id, name, number))
    return [
        FairView(
            id=one.id,
            status=one.status,
            title_zh=one.title_zh,
            title_en=one.title_en,
            place=one.place,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            booths=one.booths,
            exhibitors=exhibitors.get(one.id, []),
        )
        for one in fairs
    ]


def _show_booth(booth: FairBooth) -> BoothView:
    return BoothView(
        id=booth.id,
        fair_id=booth.fair_id,
        employer_id=booth.employer_id,
        number=booth.number,
        status=booth.status,
        booked_at=booth.booked_at,
    )
