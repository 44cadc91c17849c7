"""Sessions of staff: fifteen minutes idle, eight hours in all, one open at a time."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, select, update

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_secret
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.tokens import LIFETIME, Principal, Tokens
from app.core.unit_of_work import UnitOfWork
from app.staff.errors import RenewalInvalid, StaffSessionNotFound
from app.staff.events import StaffSessionEnded
from app.staff.models import Staff, StaffSession
from app.staff.service.deps import StaffDeps
from app.staff.values import StaffSessionStatus, StaffSessionView, StaffSignedIn, StaffStatus

WORKING_DAY = timedelta(hours=8)


def is_live(moment: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition under which a session counts at a moment."""
    return (
        (StaffSession.status == StaffSessionStatus.ACTIVE)
        & (StaffSession.idle_until > moment)
        & (StaffSession.expires_at > moment)
    )


def issue_sandbox_token(uow: UnitOfWork, tokens: Tokens, staff: Staff) -> str:
    """Return a token good for a working day; only a sandbox accepts it."""
    moment = now()
    session = StaffSession(
        staff_id=staff.id,
        means="sandbox",
        status=StaffSessionStatus.ACTIVE,
        created_at=moment,
        idle_until=moment + WORKING_DAY,
        expires_at=moment + WORKING_DAY,
    )
    uow.open_record(session, cause="command-line")
    uow.flush()
    return tokens.issue(
        subject=staff.id,
        session_id=session.id,
        kind="staff",
        assurance="strong",
        lifetime=WORKING_DAY,
    )


def issue_tokens(uow: UnitOfWork, deps: StaffDeps, session: StaffSession) -> StaffSignedIn:
    """Give an open session, locked by the caller, fifteen more minutes and its next tokens."""
    moment = now()
    secret = new_secret()
    session.secret_digest = digest(secret)
    session.last_seen_at = moment
    session.idle_until = min(moment + deps.policy.idle, session.expires_at)
    uow.execute(update(Staff).where(Staff.id == session.staff_id).values(last_seen_at=moment))
    lifetime = min(LIFETIME, session.idle_until - moment)
    token = deps.tokens.issue(
        subject=session.staff_id,
        session_id=session.id,
        kind="staff",
        assurance="strong",
        lifetime=lifetime,
    )
    return StaffSignedIn(
        access_token=token,
        expires_in=int(lifetime.total_seconds()),
        renewal_token=secret,
        session_id=session.id,
        idle_until=session.idle_until,
        expires_at=session.expires_at,
    )


def renew_session(uow: UnitOfWork, deps: StaffDeps, secret: str) -> StaffSignedIn:
    """Exchange the latest renewal token of a live session for the next tokens; each works once.

    Raise `RenewalInvalid` when the session is over or was idle for fifteen minutes.
    """
    session = uow.scalar(
        select(StaffSession)
        .join(Staff, Staff.id == StaffSession.staff_id)
        .where(
            StaffSession.secret_digest == digest(secret),
            StaffSession.means != "sandbox",
            is_live(now()),
            Staff.status == StaffStatus.ACTIVE,
        )
        .with_for_update(of=StaffSession)
        .execution_options(populate_existing=True)
    )
    # Another renewal may have been first while this one waited for the row.
    if session is None or session.secret_digest != digest(secret):
        raise RenewalInvalid
    return issue_tokens(uow, deps, session)


def end_session(uow: UnitOfWork, session: StaffSession, cause: str) -> None:
    """End a session whose row the caller has locked; one that is over stays as it is."""
    if session.status == StaffSessionStatus.ENDED:
        return
    session.ended_at = now()
    session.secret_digest = None
    uow.move(session, StaffSessionStatus.ENDED, cause=cause)
    uow.record(StaffSessionEnded(staff_id=session.staff_id, session_id=session.id, cause=cause))


def end_sessions_of(
    uow: UnitOfWork, staff_id: UUID, cause: str, *, but: UUID | None = None
) -> None:
    """End every session of a member of staff at once, or every one but one."""
    for session in _not_ended(uow, staff_id):
        if session.id != but:
            end_session(uow, session, cause)
    uow.flush()


def _not_ended(uow: UnitOfWork, staff_id: UUID) -> list[StaffSession]:
    return list(
        uow.scalars(
            select(StaffSession)
            .where(
                StaffSession.staff_id == staff_id,
                StaffSession.status != StaffSessionStatus.ENDED,
            )
            .order_by(StaffSession.created_at, StaffSession.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def list_sessions(uow: UnitOfWork, who: Principal, page: PageRequest) -> Page[StaffSessionView]:
    """Return the caller's live sessions, newest first."""
    found = fetch_page(
        uow,
        select(StaffSession).where(StaffSession.staff_id == who.id, is_live(now())),
        [StaffSession.created_at, StaffSession.id],
        page,
        descending=True,
    )
    views = [
        StaffSessionView(
            id=row.id,
            means=row.means,
            second_factor=row.second_factor,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            idle_until=row.idle_until,
            expires_at=row.expires_at,
            is_current=row.id == who.session_id,
        )
        for row in found.items
    ]
    return Page(views, found.next_cursor)


def end_staff_session(uow: UnitOfWork, who: Principal, session_id: UUID) -> None:
    """End a session: one's own, or with `sessions.end` anybody's; idempotent.

    Raise `StaffSessionNotFound` for one that the caller may not end.
    """
    wanted = select(StaffSession).where(StaffSession.id == session_id)
    if "sessions.end" not in who.permissions:
        wanted = wanted.where(StaffSession.staff_id == who.id)
    session = uow.scalar(wanted.with_for_update())
    if session is None:
        raise StaffSessionNotFound
    end_session(uow, session, "owner" if session.staff_id == who.id else "security-admin")
