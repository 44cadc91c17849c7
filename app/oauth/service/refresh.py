"""Refresh tokens of clients: stable where a key or a secret binds them, rotated where nothing does.

A public client's tokens rotate by the rule of first-party sessions: a parent may be shown again
until its child was used; whatever is older means that somebody has a copy, and the grant ends.
"""

from typing import Any

from sqlalchemy import select, update

from app.core.crypto import digest
from app.core.dpop import Proof
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import InvalidGrant, InvalidScope, OAuthError
from app.oauth.events import CodeReused
from app.oauth.models import Client, Grant, GrantToken
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.grants import end_grant
from app.oauth.service.minting import Wanted, add_refresh_token, answer_with_tokens
from app.oauth.service.standing import is_grant_live
from app.oauth.values import AuthMethod, TokenState


def redeem_refresh(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    secret: str,
    scope: str | None,
    proof: Proof | None,
) -> tuple[dict[str, Any] | OAuthError, Grant | None]:
    """Return a fresh access token for a refresh token, or what is wrong with it.

    The caller commits either way: a copied token ends its grant although it is refused.
    """
    grant = uow.scalar(
        select(Grant)
        .join(GrantToken, GrantToken.grant_id == Grant.id)
        .where(GrantToken.digest == digest(secret), Grant.client_id == client.id)
        .with_for_update(of=Grant)
    )
    if grant is None or not is_grant_live(uow, grant) or not _is_bound(grant, proof):
        return _refusal(), None
    scopes = _narrow(grant, scope)
    if scopes is None:
        return InvalidScope("More than was granted."), None
    # Read after the lock: a parallel call may have changed it while this one waited.
    token = uow.scalars(select(GrantToken).where(GrantToken.digest == digest(secret))).one()
    wanted = Wanted(refresh=False, scopes=scopes)
    if grant.key_thumbprint is not None or client.auth_method != AuthMethod.NONE:
        return answer_with_tokens(uow, deps, client, grant, wanted), grant
    if not _rotate(uow, token):
        end_grant(uow, grant, "refresh-token-reused")
        uow.record(_reused(grant))
        return _refusal(), None
    answer = answer_with_tokens(uow, deps, client, grant, wanted)
    answer["refresh_token"] = add_refresh_token(uow, grant, parent_id=token.id)
    return answer, grant


def _refusal() -> InvalidGrant:
    return InvalidGrant("The refresh token is unknown, over, or another client's.")


def _reused(grant: Grant) -> CodeReused:
    return CodeReused(
        subject=grant.citizen_id, client_id=grant.client_id, grant_id=grant.id, result="refused"
    )


def _is_bound(grant: Grant, proof: Proof | None) -> bool:
    """Say whether the key that a grant is bound to, if it is, was proven."""
    if grant.key_thumbprint is None:
        return True
    return proof is not None and proof.thumbprint == grant.key_thumbprint


def _narrow(grant: Grant, scope: str | None) -> tuple[str, ...] | None:
    """Return the scopes of a refreshed token: the granted ones or some of them; None for more."""
    if scope is None:
        return tuple(grant.scopes)
    asked = set(scope.split(" ")) - {""}
    if not asked or not asked <= set(grant.scopes):
        return None
    return tuple(name for name in grant.scopes if name in asked)


def _rotate(uow: UnitOfWork, token: GrantToken) -> bool:
    """Make place for a new current token under `token`; False when the grant must end."""
    if token.state == TokenState.CURRENT:
        _change(uow, token, TokenState.PARENT, TokenState.SPENT)
        _change(uow, token, TokenState.CURRENT, TokenState.PARENT)
        return True
    if token.state == TokenState.PARENT:
        _change(uow, token, TokenState.CURRENT, TokenState.VOID)
        return True
    return False


def _change(uow: UnitOfWork, token: GrantToken, before: TokenState, after: TokenState) -> None:
    uow.execute(
        update(GrantToken)
        .where(GrantToken.grant_id == token.grant_id, GrantToken.state == before)
        .values(state=after)
    )
