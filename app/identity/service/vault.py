"""One citizen's personal fields, sealed with a data key of their own."""

from dataclasses import dataclass, field
from uuid import UUID

from app.core.crypto import Keyring, seal, unseal
from app.core.data_keys import DataKey
from app.core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens a citizen's fields; a value opens only in the row it was sealed for."""

    key: bytes = field(repr=False)

    def seal(self, plain: str, table: str, column: str, row: UUID) -> bytes:
        """Return a field as it is stored."""
        return seal(self.key, plain.encode(), context=f"{table}|{column}|{row}")

    def open(self, sealed: bytes, table: str, column: str, row: UUID) -> str:
        """Return a field as it was; raise `InvalidTag` when it was sealed for another place."""
        return unseal(self.key, sealed, context=f"{table}|{column}|{row}").decode()


def make_vault(uow: UnitOfWork, keyring: Keyring, citizen_id: UUID) -> Vault:
    """Make a data key for a new citizen."""
    owner = _owner(citizen_id)
    key, wrapped = keyring.new_data_key(owner)
    uow.add(DataKey(owner=owner, wrapped=wrapped))
    return Vault(key)


def vault_of(uow: UnitOfWork, keyring: Keyring, citizen_id: UUID) -> Vault:
    """Return the vault of a citizen."""
    owner = _owner(citizen_id)
    return Vault(keyring.open_data_key(owner, uow.get_one(DataKey, owner).wrapped))


def find_vault(keyring: Keyring, uow: UnitOfWork, citizen_id: UUID) -> Vault | None:
    """Return the vault of a citizen; None when their account is closed and the key destroyed."""
    owner = _owner(citizen_id)
    found = uow.get(DataKey, owner)
    return None if found is None else Vault(keyring.open_data_key(owner, found.wrapped))


def decoy_vault(uow: UnitOfWork, keyring: Keyring, citizen_id: UUID) -> Vault:
    """Return a vault for nobody, after the same work as looking for somebody's; nothing is kept."""
    owner = _owner(citizen_id)
    uow.get(DataKey, owner)
    _, wrapped = keyring.new_data_key(owner)
    return Vault(keyring.open_data_key(owner, wrapped))


def _owner(citizen_id: UUID) -> str:
    return f"citizen:{citizen_id}"
