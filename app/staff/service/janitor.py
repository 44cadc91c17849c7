"""What happens to staff by itself: the dormant are suspended, what is over is closed."""

from sqlalchemy import func, or_, select

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.staff.models import Staff, StaffSession
from app.staff.service.members import suspend
from app.staff.service.requests import expire_requests
from app.staff.service.sessions import end_session
from app.staff.values import POLICY, StaffSessionStatus, StaffStatus

_AT_ONCE = 500


def close_what_is_over(uow: UnitOfWork) -> None:
    """End sessions and requests whose time is over, suspend who has not come for ninety days.

    Safe in parallel.
    """
    moment = now()
    over = uow.scalars(
        select(StaffSession)
        .where(
            StaffSession.status != StaffSessionStatus.ENDED,
            or_(StaffSession.idle_until <= moment, StaffSession.expires_at <= moment),
        )
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for session in over.all():
        end_session(uow, session, "expired")
    expire_requests(uow)
    dormant = uow.scalars(
        select(Staff)
        .where(
            Staff.status == StaffStatus.ACTIVE,
            func.coalesce(Staff.last_seen_at, Staff.created_at) <= moment - POLICY.dormant,
        )
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for staff in dormant.all():
        suspend(uow, staff, "dormant")
