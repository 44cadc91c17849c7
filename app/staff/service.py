"""Members of staff, as the command line makes them, and whom their tokens speak for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.tokens import Principal, Tokens
from app.core.unit_of_work import UnitOfWork
from app.staff.models import Staff, StaffSession
from app.staff.values import PERMISSIONS, Role, StaffStatus

WORKING_DAY = timedelta(hours=8)


def create_staff(uow: UnitOfWork, label: str, role: Role, department: str | None) -> Staff:
    """Make a member of staff."""
    staff = Staff(label=label, role=role, department=department, status=StaffStatus.ACTIVE)
    uow.open_record(staff, cause="command-line")
    return staff


def issue_sandbox_token(uow: UnitOfWork, tokens: Tokens, staff: Staff) -> str:
    """Return a token good for a working day; only a sandbox accepts it."""
    session = StaffSession(staff_id=staff.id, means="sandbox", expires_at=now() + WORKING_DAY)
    uow.add(session)
    uow.flush()
    return tokens.issue(
        subject=staff.id,
        session_id=session.id,
        kind="staff",
        assurance="strong",
        lifetime=WORKING_DAY,
    )


def read_staff(
    uow: UnitOfWork, claims: Mapping[str, Any], *, accepts_sandbox: bool
) -> Principal | None:
    """Return the member of staff a token speaks for, with the rights of their role as it is now.

    `accepts_sandbox` lets in the tokens that the command line prints (never in production).
    """
    staff_id, session_id = UUID(claims["sub"]), UUID(claims["sid"])
    row = uow.execute(
        select(Staff.role, Staff.department, StaffSession.means)
        .join(StaffSession, StaffSession.staff_id == Staff.id)
        .where(
            Staff.id == staff_id,
            Staff.status == StaffStatus.ACTIVE,
            StaffSession.id == session_id,
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now(),
        )
    ).one_or_none()
    if row is None or (row.means == "sandbox" and not accepts_sandbox):
        return None
    return Principal(
        kind="staff",
        id=staff_id,
        session_id=session_id,
        permissions=PERMISSIONS[Role(row.role)],
        department=row.department,
    )
