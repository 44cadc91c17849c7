"""What the house calls: bills to pay, news of payments, and the rights of persons."""

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
from plugins.utilities import service


class UtilitiesProvider(PayableProvider, PersonalData, Periodic):
    """Bills of the city's water, power, gas and heating companies.

    A bill belongs to whoever has linked its account; a stranger's bill is not found.
    """

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        """Return the open bills of the citizen's accounts."""
        return service.list_payables(self.house, citizen.reference)

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        """Return what the biller says is owed right now."""
        return service.ask_payable(self.house, reference, citizen.reference)

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        """Tell the biller, once."""
        return service.post_notice(self.house, notice)

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        """Return what the biller booked under a key."""
        return service.find_posting(self.house, key)

    def export(self, citizen: Citizen) -> Mapping[str, object]:
        """Return the citizen's accounts and bills."""
        return service.export_citizen(self.house, citizen.reference)

    def erase(self, citizen: Citizen) -> None:
        """Unlink every account and forget the names."""
        service.erase_citizen(self.house, citizen.reference)

    def attend(self) -> None:
        """Send money back, ask how meters were loaded, and remind citizens of what is due."""
        service.send_money_back(self.house)
        service.ask_meters(self.house)
        service.remind(self.house)
