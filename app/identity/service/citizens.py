"""What a citizen, another room or a plug-in is told about a citizen."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select

from app.core.blind_indexes import find_index
from app.core.clock import now
from app.core.crypto import Keyring, mask_name, mask_phone
from app.core.errors import STEP_UP_SECONDS
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.identity.models import Citizen
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import level_now
from app.identity.service.vault import vault_of
from app.identity.values import Attributes, CitizenStatus, Me


def describe_me(uow: UnitOfWork, deps: IdentityDeps, who: Principal) -> Me:
    """Return a citizen's own profile; number and name are masked."""
    citizen_id = who.id
    citizen = uow.get_one(Citizen, citizen_id)
    vault = vault_of(uow, deps.keyring, citizen_id)
    phone = vault.open(citizen.phone_sealed, "citizens", "phone", citizen_id)
    name = None
    if citizen.name_sealed is not None:
        name = mask_name(vault.open(citizen.name_sealed, "citizens", "name", citizen_id))
    until = citizen.assurance_until
    return Me(
        id=citizen_id,
        phone=mask_phone(phone),
        name=name,
        assurance=level_now(uow, citizen),
        assurance_until=until if until is not None and until > now() else None,
        stepped_up_until=stepped_up_until(who),
    )


def stepped_up_until(who: Principal) -> datetime | None:
    """Return when this session's step-up is over; None when it has none."""
    if who.stepped_up_at is None or not who.is_stepped_up:
        return None
    return who.stepped_up_at + timedelta(seconds=STEP_UP_SECONDS)


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


def phone_index_of(uow: UnitOfWork, citizen_id: UUID) -> bytes:
    """Return the blind index of a citizen's number; empty when there is no such account."""
    found = select(Citizen.phone_index).where(
        Citizen.id == citizen_id, Citizen.status != CitizenStatus.CLOSED
    )
    return uow.scalar(found) or b""


def assurance_of(uow: UnitOfWork, citizen_id: UUID) -> str | None:
    """Return the assurance of a citizen; None when the account is locked, closed or unknown."""
    citizen = uow.get(Citizen, citizen_id)
    if citizen is None or citizen.status != CitizenStatus.ACTIVE:
        return None
    return level_now(uow, citizen)


def attributes_of(
    uow: UnitOfWork, keyring: Keyring, citizen_id: UUID, names: Collection[str]
) -> Attributes:
    """Return a citizen's assurance and those of the named attributes that are proven.

    There is `phone`, and while verified `name` and `resident_id`; other names are left out. Nothing
    is opened that is not asked for, and of whoever has no account there is nothing.
    """
    citizen = uow.get(Citizen, citizen_id)
    if citizen is None:
        return Attributes("public", {})
    assurance = level_now(uow, citizen)
    sealed: dict[str, bytes | None] = {"phone": citizen.phone_sealed}
    if assurance != "basic":
        sealed |= {"name": citizen.name_sealed, "resident_id": citizen.resident_id_sealed}
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


def citizen_with_phone(uow: UnitOfWork, keyring: Keyring, phone: str) -> UUID | None:
    """Return whose account has a number (E.164), if it is active."""
    return uow.scalar(
        select(Citizen.id).where(
            Citizen.phone_index == find_index(uow, keyring, "phone", phone),
            Citizen.status == CitizenStatus.ACTIVE,
        )
    )


def citizen_with_identity(
    uow: UnitOfWork, keyring: Keyring, name: str, resident_id: str
) -> UUID | None:
    """Return whose account was verified with this name and number, if it is active."""
    found = uow.scalar(
        select(Citizen.id).where(
            Citizen.resident_id_index == find_index(uow, keyring, "resident_id", resident_id),
            Citizen.status == CitizenStatus.ACTIVE,
        )
    )
    if found is None:
        return None
    proven = attributes_of(uow, keyring, found, ("name",)).values.get("name")
    return found if proven == name.strip() else None


def id_by_phone(phone_index: bytes) -> Select[UUID]:
    """Return the question for the citizen of a number: at most one, not a closed one."""
    return select(Citizen.id).where(
        Citizen.phone_index == phone_index, Citizen.status != CitizenStatus.CLOSED
    )
