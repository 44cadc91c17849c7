"""What the house calls: fines to pay, news of payments, what time brings, the rights of persons."""

from collections.abc import Mapping, Sequence

from app.sdk import (
    Citizen,
    Fulfilment,
    Payable,
    PayableProvider,
    PaymentNotice,
    Periodic,
    PersonalData,
)
from plugins.traffic import service


class TrafficProvider(PayableProvider, Periodic, PersonalData):
    """Traffic violations of the vehicles and licences that citizens have linked.

    A stranger's fine is not found.
    """

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        """Return what is open for the citizen's vehicles and licence."""
        return service.list_payables(self.house, citizen.reference)

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        """Return what is owed right now, after asking the police."""
        return service.ask_payable(self.house, reference, citizen.reference)

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        """Tell the police, once."""
        return service.post_notice(self.house, notice)

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        """Return what the police booked under a key."""
        return service.find_posting(self.house, key)

    def attend(self) -> None:
        """Send what waits, send money back, end terms."""
        service.attend(self.house)

    def export(self, citizen: Citizen) -> Mapping[str, object]:
        """Return what the citizen has linked, filed and asked for."""
        return service.export_citizen(self.house, citizen.reference)

    def erase(self, citizen: Citizen) -> None:
        """Unlink everything, and forget what was filed and asked for."""
        service.erase_citizen(self.house, citizen.reference)
