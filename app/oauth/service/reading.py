"""Whom a token of a client speaks for: read from the grant, the client and the citizen's rows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.clock import now
from app.core.tokens import LEVELS, Mandated, Principal
from app.core.unit_of_work import UnitOfWork
from app.oauth.models import Client, Grant
from app.oauth.service.clients import is_usable, live_scopes
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.minting import subject_of
from app.oauth.service.standing import is_grant_live, level_of
from app.oauth.values import GrantStatus


def read_grant(uow: UnitOfWork, claims: Mapping[str, Any], deps: OAuthDeps) -> Principal | None:
    """Return the citizen a client's token speaks for, limited to what holds now.

    None once the grant, the client, the session behind it, the citizen's account, or (acting) the
    mandate or the delegate's own grant is over.
    """
    found = _find(uow, claims, deps)
    if found is None:
        return None
    grant, client, scopes = found
    if grant.citizen_id is None:
        return None
    if claims["sub"] != subject_of(deps, client, grant.citizen_id):
        return None
    level = level_of(uow, grant)
    if level is None:
        return None
    mandated = None
    if grant.actor_id is not None:
        acting = _acting(uow, deps, grant)
        if acting is None:
            return None
        mandated, delegates = acting
        level = min((level, delegates), key=LEVELS.index)
    return Principal(
        kind="citizen",
        id=grant.citizen_id,
        session_id=grant.id,
        assurance=level,
        client_id=str(client.id),
        scopes=scopes,
        delegate_id=grant.actor_id,
        mandate=mandated,
        key_thumbprint=grant.key_thumbprint,
    )


def read_integrator(
    uow: UnitOfWork, claims: Mapping[str, Any], deps: OAuthDeps
) -> Principal | None:
    """Return the client that a token in its own name speaks for, with what it may do now."""
    found = _find(uow, claims, deps)
    if found is None:
        return None
    grant, client, scopes = found
    if grant.citizen_id is not None:
        return None
    return Principal(
        kind="integrator",
        id=client.id,
        session_id=grant.id,
        assurance="public",
        permissions=scopes,
        client_id=str(client.id),
        scopes=scopes,
        key_thumbprint=grant.key_thumbprint,
    )


def _find(
    uow: UnitOfWork, claims: Mapping[str, Any], deps: OAuthDeps
) -> tuple[Grant, Client, frozenset[str]] | None:
    """Return a living grant, its client, and the scopes that token, grant and client agree on."""
    row = uow.execute(
        select(Grant, Client)
        .join(Client, Client.id == Grant.client_id)
        .where(
            Grant.id == UUID(claims["sid"]),
            Grant.status == GrantStatus.ACTIVE,
            Grant.expires_at > now(),
        )
    ).one_or_none()
    if row is None or str(row.Client.id) != claims.get("client_id"):
        return None
    if _key_of(claims) != row.Grant.key_thumbprint:
        return None
    if not is_usable(row.Client.status, is_sandbox=deps.is_sandbox):
        return None
    asked = frozenset(str(claims.get("scope", "")).split(" "))
    scopes = asked & set(row.Grant.scopes) & live_scopes(uow, row.Client.id)
    return row.Grant, row.Client, scopes


def _key_of(claims: Mapping[str, Any]) -> object:
    """Return the thumbprint of the key that a token says it is bound to."""
    named = claims.get("cnf")
    return named.get("jkt") if isinstance(named, dict) else named


def _acting(uow: UnitOfWork, deps: OAuthDeps, grant: Grant) -> tuple[Mandated, str] | None:
    """Return what a mandate covers now and the delegate's level, while their own grant stands."""
    own = uow.get(Grant, grant.parent_id) if grant.parent_id else None
    if own is None or grant.actor_id is None or grant.mandate_id is None:
        return None
    level = level_of(uow, own)
    if level is None or not is_grant_live(uow, own):
        return None
    acting = deps.mandate_of(uow, grant.actor_id, grant.mandate_id)
    if acting is None or acting.giver_id != grant.citizen_id:
        return None
    return acting.mandated, level
