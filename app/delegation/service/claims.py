"""How often a citizen may ask the registers whether something is so: guessing is what it stops."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.delegation.errors import TooManyClaims
from app.delegation.models import ClaimTry
from app.delegation.service.deps import one_at_a_time
from app.delegation.values import CLAIMS_A_DAY

_DAY = timedelta(days=1)


def begin_claim(uow: UnitOfWork, citizen_id: UUID) -> UUID:
    """Count one question to a register before it is put; raise `TooManyClaims` at the sixth.

    Parallel ones are counted one after the other.
    """
    one_at_a_time(uow, "claims", citizen_id)
    moment = now()
    count, first = uow.execute(
        select(func.count(), func.min(ClaimTry.at)).where(
            ClaimTry.citizen_id == citizen_id, ClaimTry.at > moment - _DAY
        )
    ).one()
    if count >= CLAIMS_A_DAY:
        seconds = int((first + _DAY - moment).total_seconds()) + 1
        raise TooManyClaims(retry_after=max(1, seconds))
    tried = ClaimTry(citizen_id=citizen_id, at=moment)
    uow.add(tried)
    uow.flush()
    return tried.id


def forget_claim(uow: UnitOfWork, tried: UUID) -> None:
    """Take a question back that the register did not answer."""
    uow.execute(delete(ClaimTry).where(ClaimTry.id == tried))


def forget_old_claims(uow: UnitOfWork) -> None:
    """Delete what does not count any more."""
    uow.execute(delete(ClaimTry).where(ClaimTry.at <= now() - _DAY))
