"""What a plug-in keeps about people, sealed: keys of its own, which no other plug-in can use."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.crypto import Keyring, seal, unseal
from app.core.db import schema_of


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals texts for one plug-in, and finds them again by equality.

    `place` names table, column and row (`accounts|number|<id>`): a value moved elsewhere does not
    open.
    """

    schema: str
    _key: Callable[[], bytes] = field(repr=False)
    _index_key: bytes = field(repr=False)

    @classmethod
    def of(cls, keyring: Keyring, plugin: str) -> "Vault":
        """Return the vault of a plug-in."""
        schema = schema_of(plugin)
        return cls(schema, lambda: keyring.class_key(schema), keyring.blind_index)

    def seal(self, plain: str, *, place: str) -> bytes:
        """Return a text encrypted for one place; the same text never looks the same twice."""
        return seal(self._key(), plain.encode(), context=f"{self.schema}.{place}")

    def unseal(self, sealed: bytes, *, place: str) -> str:
        """Return the text that was sealed for this place; raise if it was changed or moved."""
        return unseal(self._key(), sealed, context=f"{self.schema}.{place}").decode()

    def index(self, kind: str, value: str) -> bytes:
        """Return the blind index of a canonical value: it tells equality, and nothing else."""
        return hmac.digest(self._index_key, f"{self.schema}|{kind}|{value}".encode(), "sha256")
