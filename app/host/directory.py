"""Shows citizens to plug-ins: never an id, never more than the manifest names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from app.core.crypto import Keyring
from app.sdk.provider import Citizen


class Known(Protocol):
    """What the house knows of a citizen: how surely, and the attributes that were asked for."""

    @property
    def assurance(self) -> str:
        """Return the level that the citizen has reached."""

    @property
    def values(self) -> Mapping[str, str]:
        """Return the attributes that the citizen has, of those that were asked for."""


AttributesOf = Callable[[UUID, frozenset[str]], Known]


@dataclass(frozen=True, slots=True)
class PairwiseDirectory:
    """The house's `Directory`: a reference for each plug-in, and the attributes it may have.

    `wanted` holds the attributes that each plug-in's manifest names; `attributes_of` is asked for
    those and for no others, and holds no transaction when it returns.
    """

    keyring: Keyring
    wanted: Mapping[str, frozenset[str]]
    attributes_of: AttributesOf

    def view(self, plugin: str, citizen_id: UUID) -> Citizen:
        """Return the citizen as this plug-in may see them."""
        names = self.wanted.get(plugin, frozenset())
        known = self.attributes_of(citizen_id, names)
        return Citizen(
            reference=self.keyring.pairwise(f"plugin:{plugin}", str(citizen_id)),
            assurance=known.assurance,
            attributes={name: value for name, value in known.values.items() if name in names},
        )
