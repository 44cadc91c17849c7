"""Members of staff: made, found, shown, suspended; and what each may do now."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select

from app.core.clock import now
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.staff.errors import DepartmentUnknown, NotOneself, StaffNotFound
from app.staff.events import StaffSuspended
from app.staff.models import Staff, StaffElevation, StaffRole
from app.staff.service.deps import StaffDeps
from app.staff.service.sessions import end_sessions_of
from app.staff.values import (
    PERMISSIONS,
    ROLES,
    SELF,
    Elevated,
    Office,
    Role,
    StaffMe,
    StaffStatus,
    StaffView,
)

_ADMINS_LOCK = 7_401


def create_staff(uow: UnitOfWork, label: str, role: Role, department: str | None) -> Staff:
    """Make a member of staff with one role who cannot log in: the sandbox's only (`means`)."""
    staff = Staff(
        label=label,
        office=ROLES[role].office,
        department=department,
        status=StaffStatus.ACTIVE,
    )
    uow.open_record(staff, cause="command-line")
    uow.flush()
    add_role(uow, staff, role)
    return staff


def add_role(uow: UnitOfWork, staff: Staff, role: Role) -> None:
    """Give a role to a member whose row the caller has locked and whose office is the role's."""
    uow.add(StaffRole(staff_id=staff.id, role=role, office=ROLES[role].office))
    uow.flush()


def roles_of(uow: UnitOfWork, staff_id: UUID) -> frozenset[Role]:
    """Return the roles that somebody holds; one that the table does not know gives nothing."""
    found = uow.scalars(select(StaffRole.role).where(StaffRole.staff_id == staff_id))
    return frozenset(Role(name) for name in found if name in set(Role))


def elevations_of(uow: UnitOfWork, staff_id: UUID) -> list[Elevated]:
    """Return what somebody is elevated to at this moment."""
    moment = now()
    rows = uow.execute(
        select(StaffElevation.permission, StaffElevation.ends_at)
        .where(
            StaffElevation.staff_id == staff_id,
            StaffElevation.begins_at <= moment,
            StaffElevation.ends_at > moment,
        )
        .order_by(StaffElevation.ends_at, StaffElevation.permission)
    )
    return [Elevated(row.permission, row.ends_at) for row in rows]


def permissions_of(uow: UnitOfWork, staff_id: UUID) -> frozenset[str]:
    """Return what an open account may do now: by its roles, and by what it is elevated to.

    An elevation counts only while a role that may be elevated to it is still held.
    """
    return _sum(roles_of(uow, staff_id), elevations_of(uow, staff_id))


def _sum(roles: frozenset[Role], elevated: Iterable[Elevated]) -> frozenset[str]:
    elevatable = frozenset().union(*(ROLES[role].elevations for role in roles))
    held = frozenset({SELF}).union(*(PERMISSIONS[role] for role in roles))
    return held | {e.permission for e in elevated if e.permission in elevatable}


def locked_member(uow: UnitOfWork, staff_id: UUID) -> Staff:
    """Return a member of staff with the row locked, or raise `StaffNotFound`."""
    staff = uow.scalar(
        select(Staff)
        .where(Staff.id == staff_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if staff is None:
        raise StaffNotFound
    return staff


def count_security_admins(uow: UnitOfWork) -> int:
    """Count the security administrators with an open account; hold their lock to the commit."""
    uow.execute(select(func.pg_advisory_xact_lock(_ADMINS_LOCK)))
    return int(
        uow.scalar(
            select(func.count())
            .select_from(StaffRole)
            .join(Staff, Staff.id == StaffRole.staff_id)
            .where(StaffRole.role == Role.SECURITY_ADMIN, Staff.status == StaffStatus.ACTIVE)
        )
        or 0
    )


def check_department(deps: StaffDeps, department: str | None) -> None:
    """Raise `DepartmentUnknown` for a department that the catalogue does not have."""
    if department is not None and not deps.department_exists(department):
        raise DepartmentUnknown


def list_members(uow: UnitOfWork, page: PageRequest) -> Page[StaffView]:
    """Return the members of staff, newest first."""
    found = fetch_page(uow, select(Staff), [Staff.created_at, Staff.id], page, descending=True)
    return Page([_view(uow, staff) for staff in found.items], found.next_cursor)


def read_member(uow: UnitOfWork, staff_id: UUID) -> StaffView:
    """Return a member of staff, or raise `StaffNotFound`."""
    staff = uow.get(Staff, staff_id)
    if staff is None:
        raise StaffNotFound
    return _view(uow, staff)


def _view(uow: UnitOfWork, staff: Staff) -> StaffView:
    return StaffView(
        id=staff.id,
        label=staff.label,
        login=staff.login,
        department=staff.department,
        status=staff.status,
        roles=tuple(sorted(roles_of(uow, staff.id))),
        last_seen_at=staff.last_seen_at,
        created_at=staff.created_at,
    )


def describe_myself(uow: UnitOfWork, who: Principal) -> StaffMe:
    """Return the caller with their roles, and what they are elevated to and until when."""
    staff = uow.get_one(Staff, who.id)
    roles, elevated = roles_of(uow, who.id), elevations_of(uow, who.id)
    return StaffMe(
        id=staff.id,
        label=staff.label,
        login=staff.login,
        department=staff.department,
        roles=tuple(sorted(roles)),
        permissions=tuple(sorted(_sum(roles, elevated))),
        elevations=tuple(elevated),
    )


def suspend_member(uow: UnitOfWork, who: Principal, staff_id: UUID) -> None:
    """Close an account at once, by one person: harm is stopped first. Its way back needs two.

    Idempotent. Raise `StaffNotFound`, `NotOneself`, or `IllegalMove` for one that is not open.
    """
    if staff_id == who.id:
        raise NotOneself
    staff = locked_member(uow, staff_id)
    if staff.status != StaffStatus.SUSPENDED:
        suspend(uow, staff, "security-admin")


def suspend(uow: UnitOfWork, staff: Staff, cause: str) -> None:
    """Suspend a member whose row the caller has locked, and end their sessions."""
    uow.move(staff, StaffStatus.SUSPENDED, cause=cause)
    end_sessions_of(uow, staff.id, cause)
    uow.record(StaffSuspended(staff_id=staff.id, cause=cause))


def office_of(role: Role) -> Office:
    """Return the office to which a role belongs."""
    return ROLES[role].office
