"""The dangerous acts of this room, for the table of acts that the factory joins."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.staff.errors import (
    DepartmentNeeded,
    LastSecurityAdmin,
    NotElevatable,
    OfficesApart,
    RoleHeld,
    RoleNotHeld,
)
from app.staff.events import (
    PermissionElevated,
    RoleGranted,
    RoleRevoked,
    StaffEnded,
    StaffReinstated,
)
from app.staff.models import Staff, StaffElevation, StaffInvitation, StaffRole
from app.staff.service.members import (
    add_role,
    count_security_admins,
    locked_member,
    office_of,
    roles_of,
)
from app.staff.service.sessions import end_sessions_of
from app.staff.values import (
    PERMISSIONS_BY_NAME,
    ROLES,
    SELF,
    Act,
    Asked,
    Role,
    StaffStatus,
    Words,
)

MOST_MINUTES = 60
MOST_UNMASKINGS = 500
FEWEST_ADMINS = 2
BULK_UNMASKING = "citizen.unmask.bulk"


def is_id(value: object) -> bool:
    """Say whether a parameter is a UUID in its canonical form."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def one_of(names: object) -> Callable[[object], bool]:
    """Return a check that takes the given words only."""
    known = frozenset(str(name) for name in names)  # type: ignore[attr-defined]
    return lambda value: isinstance(value, str) and value in known


def number_to(most: int) -> Callable[[object], bool]:
    """Return a check that takes whole numbers from one to `most`."""
    return lambda value: type(value) is int and 1 <= value <= most


def own_acts() -> tuple[Act, ...]:
    """Return the acts of the room."""
    manage = "staff.manage"
    role = {"staff_id": is_id, "role": one_of(Role)}
    return (
        Act(
            "role.grant",
            Words("授予角色", "Grant a role"),
            manage,
            manage,
            role,
            execute=_grant,
            examine=_examine_grant,
            subject_of=_member,
        ),
        Act(
            "role.revoke",
            Words("撤销角色", "Revoke a role"),
            manage,
            manage,
            role,
            execute=_revoke,
            examine=_examine_revoke,
            subject_of=_member,
        ),
        Act(
            "staff.end",
            Words("注销工作人员账号", "End an account of staff"),
            manage,
            manage,
            {"staff_id": is_id},
            execute=_end,
            examine=_examine_end,
            subject_of=_member,
        ),
        Act(
            "staff.reinstate",
            Words("恢复工作人员账号", "Open a suspended account again"),
            manage,
            manage,
            {"staff_id": is_id},
            execute=_reinstate,
            examine=_examine_reinstate,
            subject_of=_member,
        ),
        Act(
            "permission.elevate",
            Words("临时提升权限", "Hold a further permission for a while"),
            SELF,
            manage,
            {"permission": one_of(PERMISSIONS_BY_NAME), "minutes": number_to(MOST_MINUTES)},
            execute=_elevate,
            examine=_examine_elevation,
            for_oneself=True,
        ),
        Act(
            BULK_UNMASKING,
            Words("批量查看未脱敏信息", "Read more fields in clear than a day allows"),
            "identity.unmask",
            manage,
            {"count": number_to(MOST_UNMASKINGS)},
            execute=_nothing,  # the executed request itself is the allowance
            for_oneself=True,
        ),
    )


def _member(asked: Asked) -> UUID:
    return UUID(asked.parameters["staff_id"])


def _examine_grant(uow: UnitOfWork, asked: Asked) -> None:
    staff, role = locked_member(uow, _member(asked)), Role(asked.parameters["role"])
    held = roles_of(uow, staff.id)
    if staff.status == StaffStatus.ENDED:
        staff.check_move(StaffStatus.ACTIVE)
    if role in held:
        raise RoleHeld
    if held and staff.office != office_of(role):
        raise OfficesApart
    if role is Role.DEPARTMENT_OPERATOR and staff.department is None:
        raise DepartmentNeeded


def _grant(uow: UnitOfWork, asked: Asked) -> None:
    staff, role = locked_member(uow, _member(asked)), Role(asked.parameters["role"])
    staff.office = office_of(role)  # PostgreSQL refuses it while a role of another one is held
    uow.flush()
    add_role(uow, staff, role)
    uow.record(RoleGranted(staff_id=staff.id, role=role))


def _examine_revoke(uow: UnitOfWork, asked: Asked) -> None:
    staff, role = locked_member(uow, _member(asked)), Role(asked.parameters["role"])
    if role not in roles_of(uow, staff.id):
        raise RoleNotHeld
    if role is Role.SECURITY_ADMIN:
        _keep_security_admins(uow, staff)


def _revoke(uow: UnitOfWork, asked: Asked) -> None:
    staff_id, role = _member(asked), Role(asked.parameters["role"])
    uow.execute(delete(StaffRole).where(StaffRole.staff_id == staff_id, StaffRole.role == role))
    uow.record(RoleRevoked(staff_id=staff_id, role=role))


def _examine_end(uow: UnitOfWork, asked: Asked) -> None:
    staff = locked_member(uow, _member(asked))
    staff.check_move(StaffStatus.ENDED)
    if Role.SECURITY_ADMIN in roles_of(uow, staff.id):
        _keep_security_admins(uow, staff)


def _end(uow: UnitOfWork, asked: Asked) -> None:
    staff = locked_member(uow, _member(asked))
    end_member(uow, staff, "four-eyes")


def end_member(uow: UnitOfWork, staff: Staff, cause: str) -> None:
    """End a member whose row the caller has locked: roles, invitation and sessions go with it."""
    uow.move(staff, StaffStatus.ENDED, cause=cause)
    uow.execute(delete(StaffRole).where(StaffRole.staff_id == staff.id))
    uow.execute(
        delete(StaffInvitation).where(
            StaffInvitation.staff_id == staff.id, StaffInvitation.used_at.is_(None)
        )
    )
    end_sessions_of(uow, staff.id, cause)
    uow.record(StaffEnded(staff_id=staff.id))


def _keep_security_admins(uow: UnitOfWork, staff: Staff) -> None:
    if staff.status == StaffStatus.ACTIVE and count_security_admins(uow) <= FEWEST_ADMINS:
        raise LastSecurityAdmin


def _examine_reinstate(uow: UnitOfWork, asked: Asked) -> None:
    staff = locked_member(uow, _member(asked))
    if staff.status != StaffStatus.SUSPENDED:
        staff.check_move(StaffStatus.INVITED)  # which nothing leads to: names what is legal


def _reinstate(uow: UnitOfWork, asked: Asked) -> None:
    staff = locked_member(uow, _member(asked))
    staff.last_seen_at = now()  # or the dormant would be suspended again at once
    uow.move(staff, StaffStatus.ACTIVE, cause="four-eyes")
    uow.record(StaffReinstated(staff_id=staff.id))


def _examine_elevation(uow: UnitOfWork, asked: Asked) -> None:
    wanted = asked.parameters["permission"]
    roles = roles_of(uow, asked.requested_by)
    if not any(wanted in ROLES[role].elevations for role in roles):
        raise NotElevatable


def _elevate(uow: UnitOfWork, asked: Asked) -> None:
    permission, minutes = asked.parameters["permission"], asked.parameters["minutes"]
    moment = now()
    uow.add(
        StaffElevation(
            staff_id=asked.requested_by,
            permission=permission,
            request_id=asked.id,
            begins_at=moment,
            ends_at=moment + timedelta(minutes=minutes),
        )
    )
    uow.record(
        PermissionElevated(staff_id=asked.requested_by, permission=permission, minutes=minutes)
    )


def _nothing(uow: UnitOfWork, asked: Asked) -> None:
    """Do nothing: that the request was executed is all that is needed."""
