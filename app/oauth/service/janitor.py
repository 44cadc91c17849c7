"""Forgetting what is over: one-time things after a day, calls after a week, grants after ninety."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select

from app.core.clock import now
from app.core.replay import forget_seen
from app.core.unit_of_work import UnitOfWork
from app.oauth.models import (
    BrowserLogin,
    ClientRequest,
    DeviceCode,
    EntryTicket,
    Grant,
    OpenInteraction,
    PushedRequest,
)
from app.oauth.service.codes import forget_answers
from app.oauth.service.interactions import forget_guesses
from app.oauth.values import REQUESTS_KEPT

SHORT = timedelta(days=1)
LONG = timedelta(days=90)
AT_ONCE = 5_000


def forget_expired(uow: UnitOfWork) -> None:
    """Remove what nobody can use any more. Idempotent."""
    moment = now()
    forget_seen(uow)
    forget_answers(uow)
    forget_guesses(uow)
    uow.execute(delete(PushedRequest).where(PushedRequest.expires_at < moment - SHORT))
    uow.execute(delete(OpenInteraction).where(OpenInteraction.expires_at < moment - SHORT))
    uow.execute(delete(EntryTicket).where(EntryTicket.expires_at < moment - SHORT))
    uow.execute(delete(DeviceCode).where(DeviceCode.expires_at < moment - LONG))
    uow.execute(delete(BrowserLogin).where(BrowserLogin.authenticated_at < moment - LONG))
    derived = Grant.parent_id.is_not(None)
    is_over = or_(Grant.ended_at < moment - LONG, Grant.expires_at < moment - LONG)
    uow.execute(delete(Grant).where(derived, is_over))
    has_children = Grant.id.in_(
        Grant.__table__.select().with_only_columns(Grant.parent_id).where(derived)
    )
    uow.execute(delete(Grant).where(Grant.parent_id.is_(None), is_over, ~has_children))
    _forget_requests(uow, moment - REQUESTS_KEPT)


def _forget_requests(uow: UnitOfWork, over: datetime) -> None:
    """Remove what clients asked longer ago, in steps: there is a row for each of their calls."""
    count = AT_ONCE
    while count == AT_ONCE:
        with uow.phase():
            old = select(ClientRequest.request_id).where(ClientRequest.at <= over).limit(AT_ONCE)
            gone = delete(ClientRequest).where(ClientRequest.request_id.in_(old))
            count = len(uow.scalars(gone.returning(ClientRequest.request_id)).all())
