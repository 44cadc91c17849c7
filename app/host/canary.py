"""Shows a provider that is being tried to some citizens only, and always to the same ones."""

from collections.abc import Sequence
from hashlib import sha256

from app.sdk.provider import Citizen, Fulfilment, Payable, PayableProvider, PaymentNotice
from app.sdk.registry import Closed


def is_in_share(reference: str, percent: int) -> bool:
    """Say whether a citizen is among so many in a hundred.

    A pairwise reference never changes, and means nothing elsewhere: a citizen stays in when the
    share grows, and other canaries have other citizens.
    """
    digest = sha256(f"canary|{reference}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 100 < percent


class CanaryPayable(PayableProvider):
    """A provider on trial: to citizens outside its share there is nothing to pay.

    What was paid is told and asked for whoever has paid it; a share that shrinks loses nothing.
    """

    def __init__(self, provider: PayableProvider, percent: int, trial: Closed) -> None:
        """Take the provider; like a guard this has no house of its own."""
        self._provider = provider
        self._percent = percent
        self._trial = trial

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        """Return what a citizen of the share owes, and nothing of anybody else."""
        if not is_in_share(citizen.reference, self._percent):
            return ()
        return self._provider.list_payables(citizen)

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        """Return what is owed. Raise `ServiceUnavailable` for citizens outside the share."""
        if not is_in_share(citizen.reference, self._percent):
            raise self._trial.refusal()
        return self._provider.get_payable(reference, citizen)

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        """Return the biller's confirmation."""
        return self._provider.fulfil(notice)

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        """Return what the biller has under this key."""
        return self._provider.find_fulfilment(key)
