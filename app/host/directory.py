"""Shows citizens to plug-ins: never an id, never more than the manifest names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from app.core.crypto import Keyring
from app.sdk.provider import Citizen

AssuranceOf = Callable[[UUID], str]
AttributesOf = Callable[[UUID, frozenset[str]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class PairwiseDirectory:
    """The house's `Directory`: a reference for each plug-in, and the attributes it may have.

    `wanted` holds the attributes that each plug-in's manifest names; `attributes_of` reads those
    the citizen has, holds no transaction, and is asked only when there is something to read.
    """

    keyring: Keyring
    wanted: Mapping[str, frozenset[str]]
    assurance_of: AssuranceOf
    attributes_of: AttributesOf

    def view(self, plugin: str, citizen_id: UUID) -> Citizen:
        """Return the citizen as this plug-in may see them."""
        names = self.wanted.get(plugin, frozenset())
        found = self.attributes_of(citizen_id, names) if names else {}
        return Citizen(
            reference=self.keyring.pairwise(f"plugin:{plugin}", str(citizen_id)),
            assurance=self.assurance_of(citizen_id),
            attributes={name: value for name, value in found.items() if name in names},
        )
