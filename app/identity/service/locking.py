"""Locking an account: at once nobody speaks for it, until it is unlocked."""

from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import CitizenNotFound
from app.identity.events import AccountLocked, AccountUnlocked, CitizenLocked
from app.identity.models import Citizen
from app.identity.service.sessions import end_every_session
from app.identity.values import CitizenStatus, LockReason
from app.notifications import service as notifications


def lock_account(uow: UnitOfWork, citizen_id: UUID, reason: LockReason) -> None:
    """Lock a citizen's account, end every session of it and tell them; idempotent.

    Raise `CitizenNotFound`, also for an account that is closed.
    """
    citizen = _find(uow, citizen_id)
    if citizen.status == CitizenStatus.ACTIVE:
        fact = CitizenLocked(citizen_id=citizen_id)
        uow.move(citizen, CitizenStatus.LOCKED, cause="staff", fact=fact, reason=reason)
        uow.record(AccountLocked(subject=citizen_id, reason=reason))
        moment = now()
        notifications.tell(uow, citizen_id, "account-locked", moment.isoformat(), {"at": moment})
    end_every_session(uow, citizen_id, "locked")


def unlock_account(uow: UnitOfWork, citizen_id: UUID, reason: LockReason) -> None:
    """Let a citizen log in again; what was ended stays ended. Idempotent."""
    citizen = _find(uow, citizen_id)
    if citizen.status == CitizenStatus.LOCKED:
        uow.move(citizen, CitizenStatus.ACTIVE, cause="staff", reason=reason)
        uow.record(AccountUnlocked(subject=citizen_id, reason=reason))


def _find(uow: UnitOfWork, citizen_id: UUID) -> Citizen:
    citizen = uow.scalar(
        select(Citizen)
        .where(Citizen.id == citizen_id, Citizen.status != CitizenStatus.CLOSED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if citizen is None:
        raise CitizenNotFound
    return citizen
