"""Citizens who logged in with a browser: what the pages' cookie stands for."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_secret
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.oauth.models import BrowserLogin
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import BrowserSession


def open_browser_session(
    uow: UnitOfWork, deps: OAuthDeps, citizen_id: UUID, session_id: UUID, amr: Sequence[str]
) -> str:
    """Remember that a citizen has just logged in with a browser; return the cookie's secret.

    Each log-in has a secret of its own: one that was planted before it opens nothing.
    """
    del deps
    secret = new_secret()
    uow.add(
        BrowserLogin(
            digest=digest(secret),
            citizen_id=citizen_id,
            session_id=session_id,
            amr=sorted(set(amr)),
            authenticated_at=now(),
        )
    )
    return secret


def read_browser_session(
    uow: UnitOfWork, deps: OAuthDeps, secret: str | None
) -> BrowserSession | None:
    """Return who has logged in with a browser; None unless their session counts now."""
    del deps
    if not secret:
        return None
    row = uow.scalar(
        select(BrowserLogin).where(
            BrowserLogin.digest == digest(secret), BrowserLogin.ended_at.is_(None)
        )
    )
    if row is None:
        return None
    names = {"sub": str(row.citizen_id), "sid": str(row.session_id)}
    who = identity.read_citizen(uow, names)
    if who is None:
        return None
    return BrowserSession(
        id=row.id,
        citizen_id=row.citizen_id,
        session_id=row.session_id,
        authenticated_at=row.authenticated_at,
        amr=tuple(row.amr),
        assurance=who.assurance,
    )


def refresh_browser_session(
    uow: UnitOfWork, deps: OAuthDeps, browser: BrowserSession, amr: Sequence[str]
) -> None:
    """Remember that the citizen of a browser has just proved again who they are."""
    del deps
    uow.execute(
        update(BrowserLogin)
        .where(BrowserLogin.id == browser.id)
        .values(authenticated_at=now(), amr=sorted({*browser.amr, *amr}))
    )


def end_browser_session(uow: UnitOfWork, browser: BrowserSession) -> None:
    """Log a browser out: its cookie and the session behind it are worth nothing. Idempotent."""
    uow.execute(
        update(BrowserLogin)
        .where(BrowserLogin.session_id == browser.session_id, BrowserLogin.ended_at.is_(None))
        .values(ended_at=now())
    )
    identity.end_session(uow, browser.citizen_id, browser.session_id)
