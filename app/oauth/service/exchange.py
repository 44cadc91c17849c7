"""Acting for somebody else through a client (RFC 8693): a mandate and the delegate's own token.

`subject_token` names the mandate, whose giver becomes the subject; `actor_token` is the delegate's
access token at the same client. The token that comes of it says both (`sub`, `act.sub`), and counts
only as long as the mandate and the delegate's own grant do.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.core.clock import now
from app.core.errors import STEP_UP_SECONDS
from app.core.tokens import TokenInvalid
from app.core.unit_of_work import UnitOfWork
from app.identity import service as identity
from app.oauth.errors import InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget
from app.oauth.models import Client, Grant
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.minting import Wanted, answer_with_tokens
from app.oauth.service.standing import is_grant_live
from app.oauth.values import (
    ACCESS_LIFETIME,
    ACCESS_TOKEN_TYPE,
    CLAIMS,
    MANDATE_TOKEN_TYPE,
    SCOPES,
    GrantStatus,
    ProtocolCall,
)

# What says who somebody is belongs to them alone; a delegate brings only what can be done.
_PERSONAL = frozenset({*CLAIMS.values(), "offline_access"})
_TWO = "mfa"
ACTING_SCOPES = frozenset(SCOPES) - _PERSONAL


def exchange_token(
    uow: UnitOfWork, deps: OAuthDeps, client: Client, call: ProtocolCall, thumbprint: str | None
) -> tuple[dict[str, Any], Grant]:
    """Return a token with which a client acts for a mandate's giver, in the delegate's name.

    Whoever begins to act has logged in with two factors within five minutes, as in the city's own
    apps. Raise `InvalidGrant` when they have not, or their token or the mandate does not hold.
    """
    form = call.form
    if form.get("subject_token_type") != MANDATE_TOKEN_TYPE:
        raise InvalidRequest(f"subject_token_type is {MANDATE_TOKEN_TYPE}.")
    if form.get("actor_token_type") != ACCESS_TOKEN_TYPE:
        raise InvalidRequest(f"actor_token_type is {ACCESS_TOKEN_TYPE}.")
    if form.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
        raise InvalidTarget("Only access tokens are given out.")
    if "resource" in form or "audience" in form:
        raise InvalidTarget("Tokens are for this API only.")
    own = _delegates_grant(uow, deps, client, form.get("actor_token", ""))
    if own.key_thumbprint is not None and own.key_thumbprint != thumbprint:
        raise InvalidGrant("The actor token is bound to another key.")
    if not _is_fresh(own):
        raise InvalidGrant("The delegate has to log in with two factors first (max_age=300).")
    acting = _acting(uow, deps, own, form.get("subject_token", ""))
    scopes = _scopes(own, form.get("scope"))
    assurance = identity.assurance_of(uow, acting.giver_id)
    if assurance is None:
        raise InvalidGrant("The mandate does not hold.")
    moment = now()
    grant = Grant(
        status=GrantStatus.ACTIVE,
        client_id=client.id,
        citizen_id=acting.giver_id,
        actor_id=own.citizen_id,
        mandate_id=acting.mandated.id,
        parent_id=own.id,
        session_id=None,
        scopes=list(scopes),
        id_token_claims=[],
        details=[],
        amr=own.amr,
        acr=assurance,
        auth_time=own.auth_time,
        key_thumbprint=thumbprint,
        created_at=moment,
        expires_at=moment + ACCESS_LIFETIME,
    )
    uow.open_record(grant, cause="token-exchange")
    uow.flush()
    answer = answer_with_tokens(uow, deps, client, grant, Wanted(refresh=False, id_token=False))
    return {**answer, "issued_token_type": ACCESS_TOKEN_TYPE}, grant


def _delegates_grant(uow: UnitOfWork, deps: OAuthDeps, client: Client, token: str) -> Grant:
    try:
        claims = deps.tokens.verify(token)
    except TokenInvalid as error:
        raise InvalidGrant("The actor token does not hold.") from error
    grant = uow.get(Grant, UUID(claims["sid"])) if claims["knd"] == "grant" else None
    if (
        grant is None
        or grant.client_id != client.id
        or grant.mandate_id is not None
        or grant.citizen_id is None
        or not is_grant_live(uow, grant)
    ):
        raise InvalidGrant("The actor token does not hold.")
    return grant


def _is_fresh(own: Grant) -> bool:
    age = now() - own.auth_time if own.auth_time is not None else None
    return _TWO in own.amr and age is not None and age <= timedelta(seconds=STEP_UP_SECONDS)


def _acting(uow: UnitOfWork, deps: OAuthDeps, own: Grant, mandate: str) -> Any:  # noqa: ANN401
    try:
        mandate_id = UUID(mandate)
    except ValueError as error:
        raise InvalidGrant("The mandate does not hold.") from error
    acting = None
    if own.citizen_id is not None:
        acting = deps.mandate_of(uow, own.citizen_id, mandate_id)
    if acting is None:
        raise InvalidGrant("The mandate does not hold.")
    return acting


def _scopes(own: Grant, scope: str | None) -> tuple[str, ...]:
    """Return what the acting token may: never more than the delegate's own, nothing personal."""
    possible = tuple(name for name in own.scopes if name in ACTING_SCOPES)
    asked = set(possible) if scope is None else set(scope.split(" ")) - {""}
    if not asked or not asked <= set(possible):
        raise InvalidScope("More than the delegate's own token may do.")
    return tuple(name for name in possible if name in asked)
