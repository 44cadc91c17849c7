"""What a client is shown of a citizen: by scope, consent and level (OpenID Connect Core 5.3)."""

from typing import Any

from app.core.errors import InsufficientScope
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.oauth.models import Client, Grant
from app.oauth.service.claims import show_claims
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.minting import subject_of


def describe_subject(uow: UnitOfWork, deps: OAuthDeps, who: Principal) -> dict[str, Any]:
    """Return the citizen's pairwise name, and what the scopes of this token open of them.

    Each disclosure is recorded. Raise `InsufficientScope` for tokens that no client holds,
    or that act for somebody else: who somebody is, only they themselves can show.
    """
    grant = uow.get(Grant, who.session_id) if who.scopes is not None else None
    if grant is None or grant.citizen_id != who.id or who.mandate is not None:
        raise InsufficientScope("This is for clients to which a citizen has logged in.")
    client = uow.get_one(Client, grant.client_id)
    claims = show_claims(uow, deps, client, who.id, who.scopes or frozenset())
    return {"sub": subject_of(deps, client, who.id), **claims}
