"""The end of an account: nobody speaks for it, its number and identity are free to be used anew."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select

from app.core.unit_of_work import UnitOfWork
from app.identity.errors import CitizenNotFound
from app.identity.events import AccountClosed
from app.identity.models import AuthSession
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import lock_citizen, withdraw_all
from app.identity.service.sessions import end_every_session
from app.identity.service.vault import vault_of
from app.identity.values import CitizenStatus


def close_account(uow: UnitOfWork, citizen_id: UUID) -> None:
    """Close a citizen's account for good; idempotent.

    Every session and every piece of evidence ends; number, name and identity are removed, and so
    are their blind indexes. The row itself stays, for the records that name it. Publishes
    `AccountClosed`.
    """
    citizen = lock_citizen(uow, citizen_id)
    if citizen.status == CitizenStatus.CLOSED:
        return
    end_every_session(uow, citizen_id, "closed")
    withdraw_all(uow, citizen, cause="closed")
    citizen.phone_sealed = citizen.phone_index = b""
    citizen.name_sealed = citizen.resident_id_sealed = citizen.resident_id_index = None
    citizen.verified_at = None
    fact = AccountClosed(citizen_id=citizen_id)
    uow.move(citizen, CitizenStatus.CLOSED, cause="closure", fact=fact)
    uow.flush()


def has_logged_in_since(uow: UnitOfWork, citizen_id: UUID, moment: datetime) -> bool:
    """Say whether a session of a citizen was begun after a moment."""
    begun = exists().where(AuthSession.citizen_id == citizen_id, AuthSession.created_at > moment)
    return bool(uow.scalar(select(begun)))


def correct_name(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID, name: str) -> bool:
    """Replace a citizen's proven name; False when there is none.

    Raise `CitizenNotFound` for an account that is closed.
    """
    citizen = lock_citizen(uow, citizen_id)
    if citizen.status == CitizenStatus.CLOSED:
        raise CitizenNotFound
    if citizen.name_sealed is None:
        return False
    vault = vault_of(uow, deps.keyring, citizen_id)
    citizen.name_sealed = vault.seal(name, "citizens", "name", citizen_id)
    return True
