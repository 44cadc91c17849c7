"""What the house calls: what time brings, and the rights of persons."""

from collections.abc import Mapping

from app.sdk import Citizen, House, Periodic, PersonalData, Provider
from plugins.permits import service


class PermitsProvider(Provider, Periodic, PersonalData):
    """Bundles of permits: one application, many departments."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        service.load_bundles()  # a broken one puts the plug-in aside at the start

    def attend(self) -> None:
        """Do what is due, topic by topic."""
        for attend in service.ATTENDED:
            attend(self.house)

    def export(self, citizen: Citizen) -> Mapping[str, object]:
        """Return what the citizen has asked for, and what came of it."""
        return service.export_citizen(self.house, citizen.reference)

    def erase(self, citizen: Citizen) -> None:
        """Withdraw what is open, and forget whose applications were and what they said."""
        service.erase_citizen(self.house, citizen.reference)
