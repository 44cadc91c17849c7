"""Seats: given by those who manage staff, and asked for by everything at the desk."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import Invalid, Page, PageRequest, UnitOfWork, fetch_page, now
from plugins.permits.errors import SeatNeeded
from plugins.permits.events import PermitSeatGiven, PermitSeatTaken
from plugins.permits.models import Seat
from plugins.permits.values.seats import SeatRole, SeatView
from plugins.permits.values.tasks import Caller


def seat_role(name: str) -> SeatRole:
    """Return the role of a name, or raise `Invalid`."""
    try:
        return SeatRole(name)
    except ValueError:
        message = f"Must be one of: {', '.join(SeatRole)}."
        raise Invalid(errors=[{"parameter": "role", "message": message}]) from None


def give_seat(
    uow: UnitOfWork, staff_id: UUID, role: SeatRole, department: str, *, decides_alone: bool
) -> SeatView:
    """Give a member of staff a role in a department; it replaces the same role elsewhere.

    Raise `Invalid` for somebody but a decider who shall decide alone.
    """
    if decides_alone and role is not SeatRole.DECIDER:
        message = "Only a decider decides."
        raise Invalid(errors=[{"pointer": "/decides_alone", "message": message}])
    values = {
        "department": department,
        "decides_alone": decides_alone,
        "given_by": uow.actor,
        "given_at": now(),
    }
    uow.execute(
        insert(Seat)
        .values(staff_id=staff_id, role=role, **values)
        .on_conflict_do_update(index_elements=[Seat.staff_id, Seat.role], set_=values)
    )
    uow.record(PermitSeatGiven(officer=staff_id, role=role))
    return _show(uow.get_one(Seat, (staff_id, role), populate_existing=True))


def take_seat(uow: UnitOfWork, staff_id: UUID, role: SeatRole) -> None:
    """Take a role away; what is not there is no fault."""
    taken = delete(Seat).where(Seat.staff_id == staff_id, Seat.role == role)
    if uow.scalar(taken.returning(Seat.staff_id)) is not None:
        uow.record(PermitSeatTaken(officer=staff_id, role=role))


def list_seats(uow: UnitOfWork, department: str, page: PageRequest) -> Page[SeatView]:
    """Return a page of a department's seats."""
    statement = select(Seat).where(Seat.department == department)
    rows = fetch_page(uow, statement, [Seat.staff_id, Seat.role], page)
    return Page([_show(row) for row in rows.items], rows.next_cursor)


def take_place(uow: UnitOfWork, caller: Caller, *roles: SeatRole) -> Seat:
    """Return a seat that the caller has in their department, or raise `SeatNeeded`.

    Of several the first role counts that they have.
    """
    mine = select(Seat).where(
        Seat.staff_id == caller.staff_id,
        Seat.department == caller.department,
        Seat.role.in_(roles),
    )
    found = {SeatRole(seat.role): seat for seat in uow.scalars(mine)}
    for role in roles:
        if role in found:
            return found[role]
    raise SeatNeeded(seats=[str(role) for role in roles])


def _show(seat: Seat) -> SeatView:
    return SeatView(
        staff_id=seat.staff_id,
        department=seat.department,
        role=seat.role,
        decides_alone=seat.decides_alone,
        given_at=seat.given_at,
    )
