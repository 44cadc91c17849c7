"""The tokens of a grant: access token (RFC 9068), ID token, refresh token, logout token."""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_id, new_secret
from app.core.unit_of_work import UnitOfWork
from app.oauth.models import Client, Grant, GrantToken
from app.oauth.service.claims import show_claims
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import (
    ACCESS_LIFETIME,
    GRANT_LIFETIME,
    ID_TOKEN_LIFETIME,
    GrantType,
    TokenState,
)

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_LIFETIME = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tokens an answer has, and the scopes of its access token if they are fewer."""

    refresh: bool = True
    id_token: bool = True
    scopes: tuple[str, ...] | None = None


def subject_of(deps: OAuthDeps, client: Client, citizen_id: UUID) -> str:
    """Return the name under which one sector of clients knows a citizen (OpenID Core 8.1)."""
    return deps.keyring.pairwise(f"oauth:{client.sector}", str(citizen_id))


def session_name(deps: OAuthDeps, client: Client, session_id: UUID) -> str:
    """Return the name under which a client knows a session (`sid`)."""
    return deps.keyring.pairwise(f"oauth-session:{client.id}", str(session_id))


def begin_lifetime(grant: Grant, client: Client) -> None:
    """Let a grant live as long as its tokens can: 90 days where it can be refreshed."""
    lasts = GRANT_LIFETIME if can_refresh(client) else ACCESS_LIFETIME
    grant.expires_at = now() + lasts


def can_refresh(client: Client) -> bool:
    """Say whether a client gets refresh tokens."""
    return GrantType.REFRESH in client.grant_types


def answer_with_tokens(
    uow: UnitOfWork, deps: OAuthDeps, client: Client, grant: Grant, wanted: Wanted
) -> dict[str, Any]:
    """Return the answer of the token endpoint for a locked, living grant."""
    scopes = wanted.scopes if wanted.scopes is not None else tuple(grant.scopes)
    access_token = make_access_token(deps, client, grant, scopes)
    answer: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "DPoP" if grant.key_thumbprint else "Bearer",
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        "scope": " ".join(scopes),
    }
    if grant.details:
        answer["authorization_details"] = grant.details
    if wanted.refresh:
        answer["refresh_token"] = add_refresh_token(uow, grant, parent_id=None)
    if wanted.id_token and "openid" in grant.scopes:
        answer["id_token"] = make_id_token(uow, deps, client, grant, access_token)
    return answer


def make_access_token(
    deps: OAuthDeps, client: Client, grant: Grant, scopes: Collection[str]
) -> str:
    """Return a signed access token of a grant; `sid` names the grant."""
    more: dict[str, Any] = {"scope": " ".join(scopes)}
    if grant.key_thumbprint:
        more["cnf"] = {"jkt": grant.key_thumbprint}
    if grant.auth_time is not None:
        more["auth_time"] = _seconds(grant.auth_time)
    if grant.details:
        more["authorization_details"] = grant.details
    if grant.actor_id is not None:
        more["act"] = {"sub": subject_of(deps, client, grant.actor_id)}
        more["mandate"] = str(grant.mandate_id)
    is_own = grant.citizen_id is None
    return deps.tokens.issue(
        subject=client.id
        if grant.citizen_id is None
        else subject_of(deps, client, grant.citizen_id),
        session_id=grant.id,
        kind="integrator" if is_own else "grant",
        assurance=grant.acr,
        lifetime=ACCESS_LIFETIME,
        client_id=str(client.id),
        **more,
    )


def make_id_token(
    uow: UnitOfWork, deps: OAuthDeps, client: Client, grant: Grant, access_token: str
) -> str:
    """Return the ID token of a grant (OpenID Connect Core 2), made for one client."""
    if grant.citizen_id is None:
        raise ValueError("a client has no ID token for itself")
    moment = now()
    claims: dict[str, Any] = {
        "iss": deps.issuer,
        "sub": subject_of(deps, client, grant.citizen_id),
        "aud": str(client.id),
        "azp": str(client.id),
        "iat": _seconds(moment),
        "exp": _seconds(moment + ID_TOKEN_LIFETIME),
        "jti": str(new_id()),
        "acr": grant.acr,
        "amr": grant.amr,
        "at_hash": _half_hash(access_token),
    }
    claims |= show_claims(
        uow,
        deps,
        client,
        grant.citizen_id,
        grant.scopes,
        names=grant.id_token_claims,
        with_level=True,
    )
    if grant.auth_time is not None:
        claims["auth_time"] = _seconds(grant.auth_time)
    if grant.session_id is not None:
        claims["sid"] = session_name(deps, client, grant.session_id)
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    return deps.tokens.sign(claims, typ="JWT")


def make_logout_token(deps: OAuthDeps, client: Client, grant: Grant) -> str:
    """Return a logout token (OpenID Connect Back-Channel Logout 2.4)."""
    if grant.citizen_id is None:
        raise ValueError("nobody has logged in")
    moment = now()
    claims: dict[str, Any] = {
        "iss": deps.issuer,
        "aud": str(client.id),
        "iat": _seconds(moment),
        "exp": _seconds(moment + _LOGOUT_LIFETIME),
        "jti": str(new_id()),
        "events": {LOGOUT_EVENT: {}},
        "sub": subject_of(deps, client, grant.citizen_id),
    }
    if grant.session_id is not None:
        claims["sid"] = session_name(deps, client, grant.session_id)
    return deps.tokens.sign(claims, typ="logout+jwt")


def add_refresh_token(uow: UnitOfWork, grant: Grant, *, parent_id: UUID | None) -> str:
    """Add the current refresh token of a locked grant and return it; it is kept as a digest."""
    secret = new_secret()
    uow.add(
        GrantToken(
            grant_id=grant.id,
            parent_id=parent_id,
            digest=digest(secret),
            state=TokenState.CURRENT,
        )
    )
    return secret


def _half_hash(token: str) -> str:
    half = sha256(token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).decode().rstrip("=")


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
