"""What a client is shown of a citizen: what scope, consent and level all open, and is recorded."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from app.core.crypto import mask_name
from app.core.tokens import LEVELS
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.oauth.models import Client
from app.oauth.service.consents import LEVEL, disclose, find_live
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import SCOPES

_ATTRIBUTES = {
    "phone_number": "phone",
    "phone_number_verified": "phone",
    "nickname": "name",
    "name": "name",
    "resident_id": "resident_id",
}


def show_claims(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    citizen_id: UUID,
    scopes: Collection[str],
    *,
    names: Collection[str] | None = None,
    with_level: bool = False,
) -> Mapping[str, Any]:
    """Return the claims that are open to a client now, once their disclosure is recorded.

    With `names`, only those of them. `with_level` says that the caller shows the level besides.
    """
    live = find_live(uow, citizen_id, client.id)
    if live is None:
        return {}
    opened = {
        claim: scope.level
        for name, scope in SCOPES.items()
        if name in scopes
        for claim in scope.claims
        if _ATTRIBUTES.get(claim) in live.attributes and (names is None or claim in names)
    }
    wanted = {_ATTRIBUTES[claim] for claim in opened}
    known = identity.attributes_of(uow, deps.keyring, citizen_id, wanted)
    level = LEVELS.index(known.assurance)
    shown = {
        claim: _shown(claim, known.values[_ATTRIBUTES[claim]])
        for claim, needed in opened.items()
        if level >= LEVELS.index(needed) and _ATTRIBUTES[claim] in known.values
    }
    attributes = {_ATTRIBUTES[claim] for claim in shown} | ({LEVEL} if with_level else set())
    disclose(uow, deps, client, citizen_id, live, frozenset(attributes))
    return shown


def _shown(claim: str, value: str) -> object:
    if claim == "phone_number_verified":
        return True
    return mask_name(value) if claim == "nickname" else value
