"""How the staff's desk finds a citizen, and what it sees of them: masked."""

from uuid import UUID

from sqlalchemy import select

from app.core.blind_indexes import find_index
from app.core.crypto import Keyring, mask_name, mask_number, mask_phone
from app.core.unit_of_work import UnitOfWork
from app.identity.models import Citizen
from app.identity.service.evidence import level_now
from app.identity.service.phone import canonical_phone
from app.identity.service.resident_id import canonical_resident_id
from app.identity.service.vault import vault_of
from app.identity.values import CitizenCard, CitizenStatus


def find_by_phone(uow: UnitOfWork, keyring: Keyring, phone: str) -> UUID | None:
    """Return whose account has a number, locked ones included; raise `PhoneNotSupported`."""
    index = find_index(uow, keyring, "phone", canonical_phone(phone))
    return uow.scalar(
        select(Citizen.id).where(
            Citizen.phone_index == index, Citizen.status != CitizenStatus.CLOSED
        )
    )


def find_by_resident_id(uow: UnitOfWork, keyring: Keyring, number: str) -> UUID | None:
    """Return whose account was verified with a number; raise `ResidentIdInvalid`."""
    index = find_index(uow, keyring, "resident_id", canonical_resident_id(number))
    return uow.scalar(
        select(Citizen.id).where(
            Citizen.resident_id_index == index, Citizen.status != CitizenStatus.CLOSED
        )
    )


def describe_citizen(uow: UnitOfWork, keyring: Keyring, citizen_id: UUID) -> CitizenCard | None:
    """Return a citizen, masked; None when there is no such account any more."""
    citizen = uow.get(Citizen, citizen_id)
    if citizen is None or citizen.status == CitizenStatus.CLOSED:
        return None
    vault = vault_of(uow, keyring, citizen_id)

    def opened(sealed: bytes | None, column: str) -> str | None:
        return None if sealed is None else vault.open(sealed, "citizens", column, citizen_id)

    name = opened(citizen.name_sealed, "name")
    number = opened(citizen.resident_id_sealed, "resident_id")
    return CitizenCard(
        phone=mask_phone(vault.open(citizen.phone_sealed, "citizens", "phone", citizen_id)),
        name=None if name is None else mask_name(name),
        resident_id=None if number is None else mask_number(number),
        assurance=level_now(uow, citizen),
        status=citizen.status,
    )
