"""What identity forgets in time: codes after a day, sessions ninety days after their end."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.identity.models import AuthSession, Challenge, StepUp, Verification
from app.identity.service.sessions import finish_session
from app.identity.service.verification import close_attempt
from app.identity.values import SessionStatus, VerificationStatus

CODES_KEPT = timedelta(days=1)
SESSIONS_KEPT = timedelta(days=90)
ATTEMPTS_OPEN = timedelta(hours=1)
_AT_ONCE = 500


def forget_expired(uow: UnitOfWork) -> None:
    """End sessions whose time is over and delete what need not be kept; safe in parallel.

    Sessions are ended five hundred in a transaction, until none is left.
    """
    moment = now()
    count = _AT_ONCE
    while count == _AT_ONCE:
        with uow.phase():
            count = _end_sessions(uow, moment)
    forgotten = uow.scalars(
        select(Verification)
        .where(
            Verification.status == VerificationStatus.ASKED,
            Verification.asked_at <= moment - ATTEMPTS_OPEN,
        )
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for attempt in forgotten.all():  # whoever asked died, or never came back
        close_attempt(uow, attempt, VerificationStatus.UNANSWERED, "forgotten")
    uow.execute(delete(StepUp).where(StepUp.expires_at <= moment - CODES_KEPT))
    uow.execute(delete(Challenge).where(Challenge.created_at <= moment - CODES_KEPT))
    uow.execute(delete(AuthSession).where(AuthSession.ended_at <= moment - SESSIONS_KEPT))


def _end_sessions(uow: UnitOfWork, moment: datetime) -> int:
    """End up to five hundred sessions that are over at a moment; return how many there were."""
    over = uow.scalars(
        select(AuthSession)
        .where(
            AuthSession.status == SessionStatus.ACTIVE,
            or_(AuthSession.idle_until <= moment, AuthSession.absolute_until <= moment),
        )
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for session in over:
        finish_session(uow, session, "expired")
    return len(over)
