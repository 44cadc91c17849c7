"""Clients of a sandbox, made in one step by whoever wants one."""

from collections.abc import Sequence

from app.core import jose
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import SandboxOnly
from app.oauth.service.clients import create_client
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import (
    LOOPBACK_REDIRECT,
    OWN_LOG,
    SCOPES,
    ClientStatus,
    GrantedScope,
    GrantType,
    NewClient,
    SandboxClient,
)


def make_sandbox_client(
    uow: UnitOfWork,
    deps: OAuthDeps,
    *,
    name: str,
    scopes: Sequence[str] = (),
    redirect_uris: Sequence[str] = (),
    cause: str,
) -> SandboxClient:
    """Make a key and the client that it proves, in state `sandbox`, and return both.

    It does FAPI 2.0, calls in its own name and reads its own log; with a scope that citizens
    grant, it may ask them, too. The private key is kept nowhere. Raise `SandboxOnly`, and what
    `create_client` raises: a description is held to the same rules.
    """
    if not deps.is_sandbox:
        raise SandboxOnly("The city's staff registers clients here (POST /v1/oauth/clients).")
    wanted = sorted({*scopes, OWN_LOG})
    asks_citizens = bool(redirect_uris) or any(scope in SCOPES for scope in wanted)
    if asks_citizens and not redirect_uris:
        redirect_uris = [LOOPBACK_REDIRECT]
    key = jose.new_key()
    made = create_client(
        uow,
        NewClient(
            name=name,
            grant_types=(
                GrantType.CLIENT,
                *((GrantType.CODE, GrantType.REFRESH) if asks_citizens else ()),
            ),
            redirect_uris=tuple(redirect_uris),
            jwks={"keys": [jose.public_half(key)]},
            scopes=tuple(GrantedScope(scope) for scope in wanted),
        ),
        cause=cause,
        status=ClientStatus.SANDBOX,
    )
    return SandboxClient(
        client_id=made.id,
        name=made.name,
        issuer=deps.issuer,
        token_endpoint=deps.address_of("/oauth/token"),
        scopes=tuple(wanted),
        redirect_uris=tuple(made.redirect_uris),
        private_key=key,
    )
