"""What a plug-in keeps about people, sealed: keys of its own, which no other plug-in can use."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from app.core.blind_indexes import take_indexes
from app.core.crypto import Keyring, seal, unseal
from app.core.db import schema_of
from app.core.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals texts and files for one plug-in, and finds them again by equality.

    `place` names table, column and row (`accounts|number|<id>`): a value moved elsewhere does not
    open.
    """

    schema: str
    _key: Callable[[], bytes] = field(repr=False)
    _keyring: Keyring = field(repr=False)

    @classmethod
    def of(cls, keyring: Keyring, plugin: str) -> "Vault":
        """Return the vault of a plug-in."""
        schema = schema_of(plugin)
        return cls(schema, lambda: keyring.class_key(schema), keyring)

    def seal(self, plain: str, *, place: str) -> bytes:
        """Return a text encrypted for one place; the same text never looks the same twice."""
        return seal(self._key(), plain.encode(), context=f"{self.schema}.{place}")

    def unseal(self, sealed: bytes, *, place: str) -> str:
        """Return the text that was sealed for this place; raise if it was changed or moved."""
        return unseal(self._key(), sealed, context=f"{self.schema}.{place}").decode()

    def seal_bytes(self, plain: bytes, *, place: str) -> bytes:
        """Return bytes, a file say, encrypted for one place; hold no more than memory does."""
        return seal(self._key(), plain, context=f"{self.schema}.{place}")

    def unseal_bytes(self, sealed: bytes, *, place: str) -> bytes:
        """Return the bytes that were sealed for this place; raise if they were changed or moved."""
        return unseal(self._key(), sealed, context=f"{self.schema}.{place}")

    def index(self, uow: UnitOfWork, kind: str, value: str) -> bytes:
        """Return the blind index of a canonical value: it tells equality, and nothing else.

        It stays the same when keys change. Keep it in a column called `*_index`, and in the unit of
        work that it was asked for in: one that no such column keeps is forgotten after a day.
        """
        return self.indexes(uow, kind, [value])[value]

    def indexes(self, uow: UnitOfWork, kind: str, values: Iterable[str]) -> Mapping[str, bytes]:
        """Return the blind index of each of many values."""
        return take_indexes(uow, self._keyring, f"{self.schema}|{kind}", values)
