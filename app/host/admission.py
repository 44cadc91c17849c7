"""The door by which a plug-in lets somebody without an account pay one thing."""

from dataclasses import dataclass

from app.core.crypto import Keyring
from app.core.tokens import Tokens
from app.core.unit_of_work import UnitOfWork
from app.guests import service as guests
from app.host.letters import sector_of
from app.sdk.provider import Guest


@dataclass(frozen=True, slots=True)
class Admission:
    """What one plug-in admits guests with (`app.sdk.provider.AdmitGuest`)."""

    plugin: str
    payable_ids: frozenset[str]
    keyring: Keyring
    tokens: Tokens

    def admit(self, uow: UnitOfWork, service: str, reference: str) -> Guest:
        """Return a guest who may pay this payable for half an hour."""
        if service not in self.payable_ids:
            raise ValueError(f"{service!r} is no payable service of {self.plugin}")
        made = guests.admit_guest(uow, self.tokens, self.plugin, service, reference)
        name = self.keyring.pairwise(sector_of(self.plugin), str(made.id))
        return Guest(made.token, made.expires_at, name)
