"""What identity forgets in time: codes after a day, sessions ninety days after their end."""

from datetime import timedelta

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
    """End sessions whose time is over and delete what need not be kept; safe in parallel."""
    moment = now()
    over = uow.scalars(
        select(AuthSession)
        .where(
            AuthSession.status == SessionStatus.ACTIVE,
            or_(AuthSession.idle_until <= moment, AuthSession.absolute_until <= moment),
        )
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    for session in over.all():
        finish_session(uow, session, "expired")
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
