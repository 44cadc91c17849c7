"""Which badge a member of staff wears: by it the police know who recorded a violation."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.sdk import UnitOfWork, now
from plugins.traffic.errors import BadgeTaken, OfficerUnknown, OtherDepartment
from plugins.traffic.events import BadgeNamed
from plugins.traffic.models import Officer
from plugins.traffic.values import DEPARTMENT, OfficerView


def name_badge(uow: UnitOfWork, staff_id: UUID, badge: str) -> OfficerView:
    """Say which badge a member of staff wears; it replaces an earlier one.

    Raise `BadgeTaken` when somebody else wears it.
    """
    values = {"badge": badge, "named_by": uow.actor, "named_at": now()}
    taken = select(Officer.staff_id).where(Officer.badge == badge, Officer.staff_id != staff_id)
    if uow.scalar(taken) is not None:
        raise BadgeTaken
    uow.execute(
        insert(Officer)
        .values(staff_id=staff_id, **values)
        .on_conflict_do_update(index_elements=[Officer.staff_id], set_=values)
    )
    uow.record(BadgeNamed(officer=staff_id))
    officer = uow.get_one(Officer, staff_id, populate_existing=True)
    return OfficerView(officer.staff_id, officer.badge, officer.named_at)


def badge_of(uow: UnitOfWork, staff_id: UUID) -> str:
    """Return the badge of a member of staff, or raise `OfficerUnknown`."""
    officer = uow.get(Officer, staff_id)
    if officer is None:
        raise OfficerUnknown
    return officer.badge


def check_department(department: str | None) -> None:
    """Raise `OtherDepartment` for staff of another department; those of none oversee all."""
    if department not in (None, DEPARTMENT):
        raise OtherDepartment
