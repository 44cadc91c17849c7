"""What the room works with, as the factory made it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Protocol
from uuid import UUID

from app.core.crypto import Keyring
from app.core.unit_of_work import UnitOfWork
from app.webhooks.gateway import Courier

SENDERS = 2
"""How many of a worker's threads may be sending at once; payments need the others."""


class Clients(Protocol):
    """What the room asks about clients (`app.oauth.service.ClientDirectory`)."""

    def exists(self, uow: UnitOfWork, client_id: UUID) -> bool:
        """Say whether there is such a client."""

    def is_live(self, uow: UnitOfWork, client_id: UUID) -> bool:
        """Say whether a client may act now."""

    def subject_of(self, uow: UnitOfWork, client_id: UUID, citizen_id: UUID) -> str:
        """Return the name under which a client knows a citizen."""


@dataclass(frozen=True, slots=True)
class WebhooksDeps:
    """Keys, the way out, the clients, which services there are; `pace` divides waits.

    `owners_of` returns the clients that provide services themselves, by the providers' names.
    """

    keyring: Keyring
    courier: Courier
    clients: Clients
    service_exists: Callable[[str], bool]
    owners_of: Callable[[UnitOfWork, Collection[str]], Mapping[str, UUID]]
    pace: int
    senders: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(SENDERS))
