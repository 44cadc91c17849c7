"""What the room works with, as the factory made it."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.core.crypto import Keyring
from app.core.unit_of_work import UnitOfWork
from app.payments.gateway import Gateways
from app.payments.service import PaymentDeps
from app.reconciliation.errors import SourceUnknown
from app.reconciliation.values import Side, Source, Tariffs

BANKS = frozenset({"main"})
"""The city's accounts at banks: one, into which the gateways pay out."""


@dataclass(frozen=True, slots=True)
class ReconciliationDeps:
    """What payments work with, the keys, what gateways may keep, and who works on differences."""

    payments: PaymentDeps
    keyring: Keyring
    tariffs: Tariffs
    may_own: Callable[[UnitOfWork, UUID], bool]

    @property
    def gateways(self) -> Gateways:
        """Return the gateways of this installation."""
        return self.payments.gateways

    def source(self, text: str) -> Source:
        """Return a source that this installation knows, or raise `SourceUnknown`."""
        source = Source.parse(text)
        known = {
            Side.GATEWAY: frozenset(self.gateways.names),
            Side.BILLER: frozenset(self.payments.registry.payees),
            Side.BANK: BANKS,
        }
        if source.name not in known[source.side]:
            raise SourceUnknown
        return source
