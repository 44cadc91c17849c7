"""What the room forgets in time: challenges after a day, failures, counts of the city."""

from datetime import timedelta

from sqlalchemy import delete

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.credentials.models import PasskeyCeremony
from app.credentials.service.brake import forget_counters
from app.credentials.service.guesses import forget_guesses

_DAY = timedelta(days=1)


def forget_expired(uow: UnitOfWork) -> None:
    """Delete what need not be kept; safe in parallel."""
    uow.execute(delete(PasskeyCeremony).where(PasskeyCeremony.created_at <= now() - _DAY))
    forget_guesses(uow)
    forget_counters(uow, now() - 2 * _DAY)
