"""What the room works with, as the factory made it."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from app.consent.service import ConsentDeps
from app.core.crypto import Keyring
from app.core.dpop import Nonces
from app.core.tokens import Mandated, Tokens
from app.core.unit_of_work import UnitOfWork
from app.oauth.gateway import ClientKeys, LogoutNotices
from app.sdk.registry import Registry


@dataclass(frozen=True, slots=True)
class Acting:
    """A mandate that holds now: whose affairs, and what may be done in them."""

    giver_id: UUID
    mandated: Mandated


MandateOf = Callable[[UnitOfWork, UUID, UUID], Acting | None]
"""Finds a mandate (third argument) that somebody (second) holds now; None when they hold none."""


def no_mandates(uow: UnitOfWork, delegate_id: UUID, mandate_id: UUID) -> None:
    """Find nothing: what a house without delegation knows of mandates."""
    del uow, delegate_id, mandate_id


@dataclass(frozen=True, slots=True)
class OAuthDeps:
    """Keys, tokens, the clients' addresses, the services with pages, and who may act for whom."""

    keyring: Keyring
    tokens: Tokens
    keys: ClientKeys
    notices: LogoutNotices
    nonces: Nonces
    consents: ConsentDeps
    registry: Registry
    is_sandbox: bool
    mandate_of: MandateOf = no_mandates

    @property
    def issuer(self) -> str:
        """Return the issuer identifier (RFC 8414): the public address of this installation."""
        return self.tokens.issuer

    def address_of(self, path: str) -> str:
        """Return the public address of a path."""
        return f"{self.issuer}{path}"
