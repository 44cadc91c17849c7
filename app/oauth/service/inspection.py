"""What a client may ask about its own tokens, and how it gives them back (RFC 7662, RFC 7009)."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.crypto import digest
from app.core.tokens import TokenInvalid
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import InvalidRequest
from app.oauth.models import Client, Grant, GrantToken
from app.oauth.service.client_auth import authenticate_client
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.grants import end_grant
from app.oauth.service.minting import subject_of
from app.oauth.service.reading import read_grant, read_integrator
from app.oauth.service.standing import is_grant_live
from app.oauth.values import ProtocolCall, TokenState

_INACTIVE: dict[str, Any] = {"active": False}
_SHOWN = ("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "acr", "auth_time", "act")


def introspect(uow: UnitOfWork, deps: OAuthDeps, call: ProtocolCall) -> dict[str, Any]:
    """Say whether a token counts now, and for what. Somebody else's looks like none at all."""
    client = authenticate_client(uow, deps, call)
    token = call.form.get("token")
    if not token:
        raise InvalidRequest("token is missing.")
    found = _find_refresh(uow, client, token)
    if found is not None:
        row, grant = found
        if row.state not in {TokenState.CURRENT, TokenState.PARENT} or not is_grant_live(
            uow, grant
        ):
            return _INACTIVE
        return _of_refresh(deps, client, grant)
    return _of_access(uow, deps, client, token)


def revoke(uow: UnitOfWork, deps: OAuthDeps, call: ProtocolCall) -> None:
    """End what a token belongs to: the whole grant, since a client that gives one back is done.

    Nothing happens, and nothing is said, for tokens that are unknown or another client's.
    """
    client = authenticate_client(uow, deps, call)
    token = call.form.get("token")
    if not token:
        raise InvalidRequest("token is missing.")
    found = _find_refresh(uow, client, token)
    grant_id = found[1].id if found is not None else _grant_of(deps, client, token)
    if grant_id is None:
        return
    grant = uow.scalar(
        select(Grant)
        .where(Grant.id == grant_id, Grant.client_id == client.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if grant is not None:
        end_grant(uow, grant, "client")


def _find_refresh(uow: UnitOfWork, client: Client, token: str) -> tuple[GrantToken, Grant] | None:
    row = uow.execute(
        select(GrantToken, Grant)
        .join(Grant, Grant.id == GrantToken.grant_id)
        .where(GrantToken.digest == digest(token), Grant.client_id == client.id)
    ).one_or_none()
    return None if row is None else (row.GrantToken, row.Grant)


def _grant_of(deps: OAuthDeps, client: Client, token: str) -> UUID | None:
    try:
        claims = deps.tokens.verify(token)
    except TokenInvalid:
        return None
    return UUID(claims["sid"]) if claims.get("client_id") == str(client.id) else None


def _of_access(uow: UnitOfWork, deps: OAuthDeps, client: Client, token: str) -> dict[str, Any]:
    try:
        claims = deps.tokens.verify(token)
    except TokenInvalid:
        return _INACTIVE
    reader = {"grant": read_grant, "integrator": read_integrator}.get(claims["knd"])
    if reader is None or claims.get("client_id") != str(client.id):
        return _INACTIVE
    who = reader(uow, claims, deps)
    if who is None:
        return _INACTIVE
    answer: dict[str, Any] = {name: claims[name] for name in _SHOWN if name in claims}
    answer["active"] = True
    answer["scope"] = " ".join(sorted(who.scopes or ()))
    answer["token_type"] = "DPoP" if who.key_thumbprint else "Bearer"
    if who.key_thumbprint:
        answer["cnf"] = {"jkt": who.key_thumbprint}
    return answer


def _of_refresh(deps: OAuthDeps, client: Client, grant: Grant) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "active": True,
        "client_id": str(client.id),
        "iss": deps.issuer,
        "scope": " ".join(grant.scopes),
        "exp": int(grant.expires_at.timestamp()),
        "iat": int(grant.created_at.timestamp()),
    }
    if grant.citizen_id is not None:
        answer["sub"] = subject_of(deps, client, grant.citizen_id)
    if grant.key_thumbprint:
        answer["cnf"] = {"jkt": grant.key_thumbprint}
    return answer
