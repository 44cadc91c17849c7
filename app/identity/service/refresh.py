"""Refresh tokens: rotated, safe against a lost answer, and deadly when one is stolen.

A session is a family of tokens. Redeeming one makes a child, and the rule is:

* the *current* token has no child yet. Redeeming it makes it the *parent*, its child becomes
  current, and the parent before it is *spent*: its child has now been used.
* a *parent* may be redeemed again, because the answer with its child may have been lost. The child
  it had is *void*, a new one is current. Twenty parallel calls leave one living branch.
* a *spent* or *void* token that appears was copied, or its child was: the family ends at once,
  with every access token of it.

"Used" means redeemed here. An access token that came with a child does not count: it would cost a
write on each request, and a thief who redeems the parent is found out all the same when the honest
owner next redeems the child.
"""

from uuid import UUID

from sqlalchemy import select, update

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_secret
from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.identity.errors import RefreshTokenInvalid
from app.identity.models import AuthSession, Citizen, RefreshToken
from app.identity.service.deps import IdentityDeps
from app.identity.service.evidence import level_now
from app.identity.service.sessions import finish_session, is_live
from app.identity.values import CitizenStatus, SignedIn, TokenState

log = get_logger("identity")


def refresh_session(uow: UnitOfWork, deps: IdentityDeps, secret: str) -> SignedIn:
    """Exchange a refresh token for the next one and a fresh access token.

    Raise `RefreshTokenInvalid` for a token that is unknown, over, or copied (which ends the
    session). Safe to repeat with the same token until its child has been used.
    """
    with uow.phase():  # the end of a family is kept although the answer is a refusal
        signed_in = _redeem(uow, deps, digest(secret))
    if signed_in is None:
        raise RefreshTokenInvalid
    return signed_in


def issue_tokens(
    uow: UnitOfWork,
    deps: IdentityDeps,
    session: AuthSession,
    assurance: str,
    *,
    parent_id: UUID | None,
) -> SignedIn:
    """Add the current refresh token of a locked session, and return it with an access token."""
    secret = new_secret()
    uow.add(
        RefreshToken(
            session_id=session.id,
            parent_id=parent_id,
            digest=digest(secret),
            state=TokenState.CURRENT,
        )
    )
    access_token = deps.tokens.issue(
        subject=session.citizen_id,
        session_id=session.id,
        kind="citizen",
        assurance=assurance,
        lifetime=deps.sessions.access,
    )
    return SignedIn(
        access_token=access_token,
        expires_in=int(deps.sessions.access.total_seconds()),
        refresh_token=secret,
        session_id=session.id,
        citizen_id=session.citizen_id,
        assurance=assurance,
    )


def _redeem(uow: UnitOfWork, deps: IdentityDeps, token_digest: bytes) -> SignedIn | None:
    session = uow.scalar(
        select(AuthSession)
        .join(RefreshToken, RefreshToken.session_id == AuthSession.id)
        .join(Citizen, Citizen.id == AuthSession.citizen_id)
        .where(
            RefreshToken.digest == token_digest,
            is_live(now()),
            Citizen.status == CitizenStatus.ACTIVE,
        )
        .with_for_update(of=AuthSession)
    )
    if session is None:
        return None
    # Read after the lock: a parallel call may have changed it while this one waited.
    token = uow.scalars(select(RefreshToken).where(RefreshToken.digest == token_digest)).one()
    if not _rotate(uow, token):
        log.warning("refresh.reused", session_id=str(session.id), state=token.state)
        finish_session(uow, session, "refresh-token-reused")
        return None
    moment = now()
    session.last_seen_at = moment
    session.idle_until = min(moment + deps.sessions.idle, session.absolute_until)
    assurance = level_now(uow, uow.get_one(Citizen, session.citizen_id))
    return issue_tokens(uow, deps, session, assurance, parent_id=token.id)


def _rotate(uow: UnitOfWork, token: RefreshToken) -> bool:
    """Make place for a new current token under `token`; False when the family must end."""
    if token.state == TokenState.CURRENT:
        _change(uow, token.session_id, TokenState.PARENT, TokenState.SPENT)
        _change(uow, token.session_id, TokenState.CURRENT, TokenState.PARENT)
        return True
    if token.state == TokenState.PARENT:
        _change(uow, token.session_id, TokenState.CURRENT, TokenState.VOID)
        return True
    return False


def _change(uow: UnitOfWork, session_id: UUID, before: TokenState, after: TokenState) -> None:
    uow.execute(
        update(RefreshToken)
        .where(RefreshToken.session_id == session_id, RefreshToken.state == before)
        .values(state=after)
    )
