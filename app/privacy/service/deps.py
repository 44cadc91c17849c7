"""What the room works with, as the factory made it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.consent.service import ConsentDeps
from app.core.crypto import Keyring
from app.core.unit_of_work import UnitOfWork
from app.identity.service import IdentityDeps
from app.privacy.values import TableEntry
from app.sdk.provider import Citizen, PersonalData

CountOpen = Callable[[UnitOfWork, UUID], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class PrivacyDeps:
    """The inventory, the plug-ins that keep personal data, and who may object to a closing.

    `plugins` holds None for one that is declared and not there now: its part cannot be had, and
    its erasure not be confirmed; they come and go while the house runs. Each of `obligations`
    counts what is open by kind.
    """

    keyring: Keyring
    identity: IdentityDeps
    consent: ConsentDeps
    read_inventory: Callable[[], Sequence[TableEntry]]
    read_plugins: Callable[[], Mapping[str, PersonalData | None]]
    obligations: Sequence[CountOpen]

    @property
    def inventory(self) -> Sequence[TableEntry]:
        """Return the inventory of the house's tables, or raise `InventoryInvalid`."""
        return self.read_inventory()

    @property
    def plugins(self) -> Mapping[str, PersonalData | None]:
        """Return who keeps personal data now."""
        return self.read_plugins()

    def citizen_of(self, plugin: str, citizen_id: UUID) -> Citizen:
        """Return a citizen as a plug-in knows them: its reference and nothing else."""
        return Citizen(reference=self.keyring.pairwise(f"plugin:{plugin}", str(citizen_id)))
