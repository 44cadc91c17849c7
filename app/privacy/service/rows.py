"""A citizen's rows in the house's tables, as the inventory finds them: read, and removed."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.core.crypto import Keyring, seal, unseal
from app.core.db import Base
from app.core.unit_of_work import UnitOfWork
from app.identity.service.vault import Vault
from app.privacy.values import Closing, DataClass, TableEntry

_SUFFIX = "_sealed"


def read_rows(
    uow: UnitOfWork,
    keyring: Keyring,
    vault: Vault,
    inventory: Iterable[TableEntry],
    citizen_id: UUID,
) -> dict[str, list[dict[str, Any]]]:
    """Return every row about a citizen by table, with sealed fields opened.

    Secrets are left out, and so are tables that are withheld or about nobody.
    """
    found = {
        entry.name: [
            _opened(row, entry, keyring, vault)
            for row in uow.scalars(_rows(entry), {"citizen": str(citizen_id)})
        ]
        for entry in inventory
        if entry.subject is not None and entry.withheld is None
    }
    return {name: rows for name, rows in found.items() if rows}


def _rows(entry: TableEntry) -> Any:  # noqa: ANN401 - a text clause
    # The inventory is ours and in the repository; the citizen's id is a bound value.
    return text(f"select to_jsonb(t) from {entry.name} t where {_condition(entry)}")  # noqa: S608


def _condition(entry: TableEntry) -> str:
    """Return the condition of an entry; ids are compared as ids where they are bare."""
    assert entry.subject is not None
    return entry.subject.replace("= :citizen", "= cast(:citizen as uuid)")


def _opened(
    row: Mapping[str, Any], entry: TableEntry, keyring: Keyring, vault: Vault
) -> dict[str, Any]:
    secret = entry.names_of(DataClass.SECRET)
    opened: dict[str, Any] = {}
    for name, value in row.items():
        if name in secret:
            continue
        if name.endswith(_SUFFIX) and value is not None:
            plain = name.removesuffix(_SUFFIX)
            opened[plain] = _open(value, entry, plain, row["id"], keyring, vault)
        else:
            opened[name.removesuffix(_SUFFIX)] = value
    return opened


def _open(
    value: str, entry: TableEntry, column: str, row: str, keyring: Keyring, vault: Vault
) -> str:
    sealed = bytes.fromhex(value.removeprefix("\\x"))
    if entry.sealed_by == "vault":
        return vault.open(sealed, entry.name, column, UUID(row))
    key = keyring.class_key(entry.name)
    return unseal(key, sealed, context=f"{entry.name}|{column}|{row}").decode()


def erase_rows(
    uow: UnitOfWork, keyring: Keyring, inventory: Sequence[TableEntry], citizen_id: UUID
) -> None:
    """Delete or empty a citizen's rows as the inventory says for a closing; idempotent.

    Rows that others point to go last.
    """
    entries = {entry.name: entry for entry in inventory}
    for table in reversed(Base.metadata.sorted_tables):
        entry = entries[table.name]
        if entry.blank:
            _empty(uow, keyring, entry, citizen_id)
        if entry.closing is Closing.DELETE:
            statement = f"delete from {entry.name} where {_condition(entry)}"  # noqa: S608 - as above
            uow.execute(text(statement), {"citizen": str(citizen_id)})


def _empty(uow: UnitOfWork, keyring: Keyring, entry: TableEntry, citizen_id: UUID) -> None:
    """Seal nothing in the place of what kept rows say, and chance in the place of an index."""
    rows = uow.scalars(_rows(entry), {"citizen": str(citizen_id)}).all()
    for row in rows:
        emptied = {
            name: _nothing(keyring, entry, name, row["id"])
            for name in entry.blank
            if row[name] is not None
        }
        if emptied:
            changes = ", ".join(f"{name} = :{name}" for name in emptied)
            statement = f"update {entry.name} set {changes} where id = cast(:id as uuid)"  # noqa: S608 - as above
            uow.execute(text(statement), {**emptied, "id": row["id"]})


def _nothing(keyring: Keyring, entry: TableEntry, name: str, row: str) -> bytes:
    if not name.endswith(_SUFFIX):
        return os.urandom(32)
    context = f"{entry.name}|{name.removesuffix(_SUFFIX)}|{row}"
    return seal(keyring.class_key(entry.name), b"", context=context)
