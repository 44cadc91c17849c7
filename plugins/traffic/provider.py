"""What the house calls: the rights of persons."""

from collections.abc import Mapping

from app.sdk import Citizen, PersonalData, Provider
from plugins.traffic import service


class TrafficProvider(Provider, PersonalData):
    """Traffic violations of the vehicles and licences that citizens have linked."""

    def export(self, citizen: Citizen) -> Mapping[str, object]:
        """Return what the citizen has linked, filed and asked for."""
        return service.export_citizen(self.house, citizen.reference)

    def erase(self, citizen: Citizen) -> None:
        """Unlink everything, and forget what was filed and asked for."""
        service.erase_citizen(self.house, citizen.reference)
