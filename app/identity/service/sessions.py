"""A citizen's sessions: listed and ended by the citizen."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, exists, select

from app.core.clock import now
from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import SessionNotFound
from app.identity.events import SessionClosed, SessionEnded
from app.identity.models import AuthSession
from app.identity.service.deps import IdentityDeps
from app.identity.service.vault import vault_of
from app.identity.values import Device, SessionStatus, SessionView

DORMANT = timedelta(days=90)
"""How long an account may lie unused before a phone alone proves no more than a phone (MLPS 3)."""


def is_live(moment: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition under which a session counts at a moment."""
    return (
        (AuthSession.status == SessionStatus.ACTIVE)
        & (AuthSession.idle_until > moment)
        & (AuthSession.absolute_until > moment)
    )


def read_proof(uow: UnitOfWork, session_id: UUID) -> tuple[datetime, tuple[str, ...]]:
    """Return when a session was proven last, and with what it began (RFC 8176)."""
    session = uow.get_one(AuthSession, session_id)
    return session.stepped_up_at or session.created_at, tuple(session.amr)


def finish_session(uow: UnitOfWork, session: AuthSession, cause: str) -> None:
    """End a session whose row the caller has locked; one that is over stays as it is."""
    if session.status == SessionStatus.ENDED:
        return
    session.ended_at = now()
    fact = SessionEnded(session_id=session.id, citizen_id=session.citizen_id)
    uow.move(session, SessionStatus.ENDED, cause=cause, fact=fact)
    uow.record(SessionClosed(subject=session.citizen_id, session_id=session.id, cause=cause))


def is_dormant(uow: UnitOfWork, citizen_id: UUID) -> bool:
    """Say whether no session of a citizen was in use for ninety days."""
    in_use = exists().where(
        AuthSession.citizen_id == citizen_id, AuthSession.last_seen_at > now() - DORMANT
    )
    return not uow.scalar(select(in_use))


def make_room(uow: UnitOfWork, citizen_id: UUID, most: int) -> None:
    """End the oldest sessions of a citizen, locked, until there is room for one more of `most`."""
    live = list(
        uow.scalars(
            select(AuthSession)
            .where(AuthSession.citizen_id == citizen_id, is_live(now()))
            .order_by(AuthSession.created_at, AuthSession.id)
            .with_for_update()
        )
    )
    for session in live[: max(0, len(live) - most + 1)]:
        finish_session(uow, session, "too-many-sessions")


def list_sessions(
    uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID, current: UUID, page: PageRequest
) -> Page[SessionView]:
    """Return a citizen's live sessions, newest first."""
    found = fetch_page(
        uow,
        select(AuthSession).where(AuthSession.citizen_id == citizen_id, is_live(now())),
        [AuthSession.created_at, AuthSession.id],
        page,
        descending=True,
    )
    vault = vault_of(uow, deps.keyring, citizen_id)
    views = [
        SessionView(
            id=row.id,
            device=Device(
                vault.open(row.device_name_sealed, "sessions", "device_name", row.id),
                row.platform,
            ),
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_current=row.id == current,
        )
        for row in found.items
    ]
    return Page(views, found.next_cursor)


def end_session(uow: UnitOfWork, citizen_id: UUID, session_id: UUID) -> None:
    """End one of a citizen's sessions; idempotent. Raise `SessionNotFound` for anybody else's."""
    session = uow.scalar(
        select(AuthSession)
        .where(AuthSession.id == session_id, AuthSession.citizen_id == citizen_id)
        .with_for_update()
    )
    if session is None:
        raise SessionNotFound
    finish_session(uow, session, "citizen")


def end_every_session(
    uow: UnitOfWork, citizen_id: UUID, cause: str, *, but: UUID | None = None
) -> None:
    """End the sessions of a citizen, all of them or all but one; idempotent."""
    ending = uow.scalars(
        select(AuthSession)
        .where(
            AuthSession.citizen_id == citizen_id,
            AuthSession.id.is_distinct_from(but),
            AuthSession.status == SessionStatus.ACTIVE,
        )
        .order_by(AuthSession.created_at, AuthSession.id)
        .with_for_update()
    )
    for session in ending.all():
        finish_session(uow, session, cause)
