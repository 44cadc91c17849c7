"""Whom a token of staff speaks for, with the rights they have at this moment."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from app.core.clock import now
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.staff.models import Staff, StaffSession
from app.staff.service.members import permissions_of
from app.staff.service.sessions import is_live
from app.staff.values import StaffStatus

_LIVE = (
    select(Staff.department, StaffSession.means, StaffSession.stepped_up_at)
    .join(StaffSession, StaffSession.staff_id == Staff.id)
    .where(
        Staff.id == bindparam("staff_id"),
        Staff.status == StaffStatus.ACTIVE,
        StaffSession.id == bindparam("session_id"),
        is_live(bindparam("moment")),
    )
)
"""Built once: every request of staff begins with it."""


def read_staff(
    uow: UnitOfWork, claims: Mapping[str, Any], *, accepts_sandbox: bool
) -> Principal | None:
    """Return the member of staff a token speaks for; None when session or account is over.

    Roles, elevations and department are the rows' as they are now, never the token's.
    `accepts_sandbox` lets in the tokens that the command line prints (never in production).
    """
    staff_id, session_id = UUID(claims["sub"]), UUID(claims["sid"])
    row = uow.execute(
        _LIVE, {"staff_id": staff_id, "session_id": session_id, "moment": now()}
    ).one_or_none()
    if row is None or (row.means == "sandbox" and not accepts_sandbox):
        return None
    return Principal(
        kind="staff",
        id=staff_id,
        session_id=session_id,
        permissions=permissions_of(uow, staff_id),
        department=row.department,
        stepped_up_at=row.stepped_up_at,
    )
