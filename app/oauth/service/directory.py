"""What other rooms may know of clients: that there is one, that it may act, whom it calls whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.core.unit_of_work import UnitOfWork
from app.oauth.models import Client
from app.oauth.service.clients import is_usable
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.minting import subject_of


@dataclass(frozen=True, slots=True)
class ClientDirectory:
    """The clients as others see them."""

    deps: OAuthDeps

    def exists(self, uow: UnitOfWork, client_id: UUID) -> bool:
        """Say whether there is such a client, in whatever state."""
        return uow.get(Client, client_id) is not None

    def is_live(self, uow: UnitOfWork, client_id: UUID) -> bool:
        """Say whether a client may act in this installation now."""
        client = uow.get(Client, client_id, populate_existing=True)
        return client is not None and is_usable(client.status, is_sandbox=self.deps.is_sandbox)

    def title_of(self, uow: UnitOfWork, client_id: UUID) -> Mapping[str, str]:
        """Return how citizens read a client's name."""
        client = uow.get_one(Client, client_id)
        return {"zh": client.name, "en": client.name_en or client.name}

    def subject_of(self, uow: UnitOfWork, client_id: UUID, citizen_id: UUID) -> str:
        """Return the name under which a client knows a citizen: `sub` of its own ID tokens."""
        return subject_of(self.deps, uow.get_one(Client, client_id), citizen_id)
