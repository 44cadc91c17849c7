"""What a citizen, another room or a plug-in is told about a citizen."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from app.core.crypto import Keyring, mask_name, mask_phone
from app.core.unit_of_work import UnitOfWork
from app.identity.models import Citizen
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import level_now
from app.identity.service.vault import vault_of
from app.identity.values import Attributes, CitizenStatus, Me


def describe_me(uow: UnitOfWork, deps: IdentityDeps, citizen_id: UUID) -> Me:
    """Return a citizen's own profile; number and name are masked."""
    citizen = uow.get_one(Citizen, citizen_id)
    vault = vault_of(uow, deps.keyring, citizen_id)
    phone = vault.open(citizen.phone_sealed, "citizens", "phone", citizen_id)
    name = None
    if citizen.name_sealed is not None:
        name = mask_name(vault.open(citizen.name_sealed, "citizens", "name", citizen_id))
    return Me(citizen_id, mask_phone(phone), name, level_now(uow, citizen))


def phone_of(uow: UnitOfWork, keyring: Keyring, citizen_id: UUID) -> str | None:
    """Return the number of a citizen, or None when there is no such account any more."""
    sealed = uow.scalar(
        select(Citizen.phone_sealed).where(
            Citizen.id == citizen_id, Citizen.status != CitizenStatus.CLOSED
        )
    )
    if sealed is None:
        return None
    return vault_of(uow, keyring, citizen_id).open(sealed, "citizens", "phone", citizen_id)


def attributes_of(
    uow: UnitOfWork, keyring: Keyring, citizen_id: UUID, names: Collection[str]
) -> Attributes:
    """Return a citizen's assurance and those of the named attributes that are proven.

    There is `phone`, and once verified `name` and `resident_id`; other names are left out. Nothing
    is opened that is not asked for.
    """
    citizen = uow.get_one(Citizen, citizen_id)
    sealed = {
        "phone": citizen.phone_sealed,
        "name": citizen.name_sealed,
        "resident_id": citizen.resident_id_sealed,
    }
    assurance = level_now(uow, citizen)
    wanted = {name: sealed[name] for name in names if sealed.get(name) is not None}
    if not wanted:
        return Attributes(assurance, {})
    vault = vault_of(uow, keyring, citizen_id)
    values = {
        name: vault.open(value, "citizens", name, citizen_id)
        for name, value in wanted.items()
        if value is not None
    }
    return Attributes(assurance, values)
