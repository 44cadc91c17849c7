"""What the house calls: what time brings, and the rights of persons."""

from collections.abc import Mapping

from app.sdk import Citizen, House, Periodic, PersonalData, Provider
from plugins.jobs import service
from plugins.jobs.values.applications import read_undo_term


class JobsProvider(Provider, PersonalData, Periodic):
    """Vacancies of verified employers."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        read_undo_term(house.settings)  # a wrong one puts the plug-in aside now, not at an undoing

    def export(self, citizen: Citizen) -> Mapping[str, object]:
        """Return what the plug-in keeps about the citizen."""
        return service.export_citizen(self.house, citizen.reference)

    def erase(self, citizen: Citizen) -> None:
        """Forget the citizen."""
        service.erase_citizen(self.house, citizen.reference)

    def attend(self) -> None:
        """Do what is due."""
        for see_to in service.ATTENDED:
            see_to(self.house)
