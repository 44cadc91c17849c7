"""The token endpoint: five grants behind one client authentication and one proof of possession."""

from collections.abc import Sequence
from typing import Any

from app.core.clock import now
from app.core.dpop import Proof
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import (
    InvalidRequest,
    InvalidScope,
    OAuthError,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from app.oauth.events import ClientTokenIssued, ClientTokenRefused
from app.oauth.models import Client, Grant
from app.oauth.service.client_auth import authenticate_client
from app.oauth.service.clients import live_scopes
from app.oauth.service.codes import Redemption, redeem_code, refuse_code
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.device import redeem_device
from app.oauth.service.exchange import exchange_token
from app.oauth.service.minting import Wanted, answer_with_tokens, begin_lifetime, can_refresh
from app.oauth.service.possession import needs_possession, prove_possession
from app.oauth.service.refresh import redeem_refresh
from app.oauth.service.standing import is_grant_live
from app.oauth.values import ACCESS_LIFETIME, SCOPES, GrantStatus, GrantType, ProtocolCall

_Outcome = tuple[dict[str, Any] | OAuthError, Grant | None]


def issue_token(uow: UnitOfWork, deps: OAuthDeps, call: ProtocolCall) -> dict[str, Any]:
    """Return the answer of the token endpoint (RFC 6749, 5.1), or raise what is wrong.

    What a refusal has to leave behind (a used code's grant that ends, a device's impatience) is
    committed before it is raised.
    """
    client = authenticate_client(uow, deps, call)
    try:
        kind = _grant_type(client, call)
        proof = prove_possession(uow, deps, client, call, is_needed=needs_possession(client))
        with uow.phase():
            outcome, grant = _redeem(uow, deps, client, kind, call, proof)
            if grant is not None and not isinstance(outcome, OAuthError):
                uow.record(
                    ClientTokenIssued(
                        subject=grant.citizen_id,
                        client_id=client.id,
                        grant_id=grant.id,
                        grant_type=kind,
                    )
                )
        if isinstance(outcome, OAuthError):
            raise outcome
    except OAuthError as error:
        uow.record(ClientTokenRefused(client_id=client.id, error=error.error, result="refused"))
        raise
    return outcome


def _grant_type(client: Client, call: ProtocolCall) -> GrantType:
    name = call.form.get("grant_type")
    if name is None:
        raise InvalidRequest("grant_type is missing.")
    try:
        kind = GrantType(name)
    except ValueError as error:
        raise UnsupportedGrantType("There is no such grant.") from error
    if kind not in client.grant_types:
        raise UnauthorizedClient("The client may not use this grant.")
    return kind


def _redeem(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    kind: GrantType,
    call: ProtocolCall,
    proof: Proof | None,
) -> _Outcome:
    form = call.form
    if kind is GrantType.CODE:
        if not form.get("code") or not form.get("code_verifier"):
            raise InvalidRequest("code and code_verifier are needed.")
        shown = Redemption(form["code"], form.get("redirect_uri"), form["code_verifier"], proof)
        answer, grant = redeem_code(uow, deps, client, shown)
        return (refuse_code() if answer is None else answer), grant
    if kind is GrantType.REFRESH:
        if not form.get("refresh_token"):
            raise InvalidRequest("refresh_token is missing.")
        secret, scope = form["refresh_token"], form.get("scope")
        return redeem_refresh(uow, deps, client, secret, scope, proof)
    thumbprint = proof.thumbprint if proof else None
    if kind is GrantType.DEVICE:
        if not form.get("device_code"):
            raise InvalidRequest("device_code is missing.")
        return _device(uow, deps, client, form["device_code"], thumbprint)
    if kind is GrantType.EXCHANGE:
        return exchange_token(uow, deps, client, call, thumbprint)
    return _own_name(uow, deps, client, form.get("scope"), thumbprint)


def _device(
    uow: UnitOfWork,
    deps: OAuthDeps,
    client: Client,
    device_code: str,
    thumbprint: str | None,
) -> _Outcome:
    grant = redeem_device(uow, client, device_code)
    if isinstance(grant, OAuthError):
        return grant, None
    if not is_grant_live(uow, grant):
        return refuse_code(), grant
    grant.key_thumbprint = thumbprint
    begin_lifetime(grant, client)
    wanted = Wanted(refresh=can_refresh(client))
    return answer_with_tokens(uow, deps, client, grant, wanted), grant


def _own_name(
    uow: UnitOfWork, deps: OAuthDeps, client: Client, scope: str | None, thumbprint: str | None
) -> _Outcome:
    """Give a client a token for itself: for what it was granted, and nothing of any citizen."""
    moment = now()
    grant = Grant(
        status=GrantStatus.ACTIVE,
        client_id=client.id,
        scopes=list(_own_scopes(live_scopes(uow, client.id), scope)),
        id_token_claims=[],
        details=[],
        amr=[],
        acr="public",
        key_thumbprint=thumbprint,
        created_at=moment,
        expires_at=moment + ACCESS_LIFETIME,
    )
    uow.open_record(grant, cause="client-credentials")
    uow.flush()
    wanted = Wanted(refresh=False, id_token=False)
    return answer_with_tokens(uow, deps, client, grant, wanted), grant


def _own_scopes(live: frozenset[str], scope: str | None) -> Sequence[str]:
    own = live - set(SCOPES)
    asked = set(own) if scope is None else set(scope.split(" ")) - {""}
    if not asked <= own or (scope is not None and not asked):
        raise InvalidScope("A scope is unknown, or was not granted to this client.")
    return sorted(asked)
