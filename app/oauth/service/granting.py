"""What a citizen's yes, or no, becomes: a grant and a code for it, or an error at the client's."""

from collections.abc import Collection
from uuid import UUID

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_secret
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import OAuthError
from app.oauth.events import AuthorizationGranted, AuthorizationRefused
from app.oauth.models import AuthorizationCode, Client, Grant
from app.oauth.service.addresses import add_to_query
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import (
    CODE_LIFETIME,
    AuthorizationRequest,
    BrowserSession,
    GrantStatus,
    GrantType,
)


def grant_code(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    request: AuthorizationRequest,
    scopes: tuple[str, ...],
    session: BrowserSession,
) -> str:
    """Open a grant and return the client's address with the code for it (RFC 6749, RFC 9207)."""
    grant = open_grant(uow, client, scopes, session, request)
    uow.flush()
    secret = new_secret()
    uow.add(
        AuthorizationCode(
            digest=digest(secret),
            client_id=client.id,
            grant_id=grant.id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            key_thumbprint=request.key_thumbprint,
            expires_at=now() + CODE_LIFETIME,
        )
    )
    return add_to_query(request.redirect_uri, code=secret, state=request.state, iss=deps.issuer)


def refusal_address(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    request: AuthorizationRequest,
    error: OAuthError,
    citizen_id: UUID | None = None,
) -> str:
    """Return the client's address with an error for it."""
    return error_address(uow, deps, client, request.redirect_uri, request.state, error, citizen_id)


def error_address(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    redirect_uri: str,
    state: str | None,
    error: OAuthError,
    citizen_id: UUID | None = None,
) -> str:
    """Return a registered address of a client with an error for it, and tell the trail."""
    uow.record(
        AuthorizationRefused(
            subject=citizen_id, client_id=client.id, error=error.error, result="refused"
        )
    )
    return add_to_query(
        redirect_uri,
        error=error.error,
        error_description=error.detail or None,
        state=state,
        iss=deps.issuer,
    )


def open_grant(
    uow: UnitOfWork,
    client: Client,
    scopes: tuple[str, ...],
    session: BrowserSession,
    request: AuthorizationRequest | None,
) -> Grant:
    """Open a grant that lasts as long as its code; redeeming that gives it its own time."""
    moment = now()
    grant = Grant(
        status=GrantStatus.ACTIVE,
        client_id=client.id,
        citizen_id=session.citizen_id,
        session_id=session.session_id,
        is_offline=is_offline(client, scopes),
        scopes=list(scopes),
        id_token_claims=list(request.id_token_claims) if request else [],
        details=list(request.details) if request else [],
        amr=list(session.amr),
        acr=session.assurance,
        auth_time=session.authenticated_at,
        nonce=request.nonce if request else None,
        key_thumbprint=request.key_thumbprint if request else None,
        created_at=moment,
        expires_at=moment + CODE_LIFETIME,
    )
    uow.open_record(grant, cause="citizen")
    uow.record(
        AuthorizationGranted(
            subject=session.citizen_id,
            client_id=client.id,
            grant_id=grant.id,
            scopes=" ".join(scopes),
        )
    )
    return grant


def is_offline(client: Client, scopes: Collection[str]) -> bool:
    """Say whether a grant goes on when its citizen logs out."""
    return "offline_access" in scopes and GrantType.REFRESH in client.grant_types
