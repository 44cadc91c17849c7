"""What the house calls: fees to pay, news of payments, what time brings, the rights of persons."""

from collections.abc import Mapping, Sequence

from app.sdk import (
    Citizen,
    Fulfilment,
    House,
    Payable,
    PayableProvider,
    PaymentNotice,
    Periodic,
    PersonalData,
)
from plugins.permits import service


class PermitsProvider(PayableProvider, Periodic, PersonalData):
    """Bundles of permits: one application, many departments, and what they cost."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        # What is broken puts the plug-in aside at the start.
        service.load_bundles()
        service.find_fee_terms()

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        """Return the fees that the citizen owes now."""
        return service.list_payables(self.house, citizen)

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        """Return a fee that the citizen owes; somebody else's is not found."""
        return service.get_payable(self.house, reference, citizen)

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        """Book the money, once; what came too late is refused, and goes back."""
        return service.take_payment(self.house, notice)

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        """Return what was booked under a key."""
        return service.find_payment(self.house, key)

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
