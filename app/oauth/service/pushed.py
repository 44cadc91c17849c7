"""Pushed authorization requests (RFC 9126): 90 seconds, one use, one client."""

from sqlalchemy import select, update

from app.core.clock import now
from app.core.crypto import digest
from app.core.ids import new_id, new_secret
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import InvalidRequest, InvalidRequestUri
from app.oauth.models import Client, PushedRequest
from app.oauth.service.client_auth import authenticate_client
from app.oauth.service.clients import live_scopes
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.possession import prove_possession
from app.oauth.service.requests import read_request, trusted_redirect
from app.oauth.service.sealing import open_request, seal_request
from app.oauth.values import (
    PUSHED_LIFETIME,
    REQUEST_URI,
    AuthorizationRequest,
    ProtocolCall,
    Pushed,
)


def push_request(uow: UnitOfWork, deps: OAuthDeps, call: ProtocolCall) -> Pushed:
    """Validate and keep a request of an authenticated client.

    A DPoP proof binds the later code to its key. Raise an `OAuthError` for whatever could not be
    answered at the authorization endpoint either.
    """
    client = authenticate_client(uow, deps, call)
    if "request_uri" in call.form:
        raise InvalidRequest("request_uri cannot be pushed.")
    parameters = dict(call.form)
    proof = prove_possession(uow, deps, client, call)
    if proof is not None:
        if parameters.get("dpop_jkt", proof.thumbprint) != proof.thumbprint:
            raise InvalidRequest("dpop_jkt is not the key of the proof.")
        parameters["dpop_jkt"] = proof.thumbprint
    trusted_redirect(client, parameters)
    with uow.phase():
        allowed = live_scopes(uow, client.id)
        request = read_request(deps, client, allowed, parameters)
        secret = new_secret()
        row = PushedRequest(
            id=new_id(),
            client_id=client.id,
            digest=digest(secret),
            expires_at=now() + PUSHED_LIFETIME,
        )
        row.request_sealed = seal_request(deps, "pushed_requests", row.id, request)
        uow.add(row)
    return Pushed(f"{REQUEST_URI}{secret}", int(PUSHED_LIFETIME.total_seconds()))


def take_pushed(
    uow: UnitOfWork, deps: OAuthDeps, client: Client, request_uri: str
) -> AuthorizationRequest:
    """Use up a pushed request and return it; raise `InvalidRequestUri` if it is not good."""
    found = uow.scalar(
        update(PushedRequest)
        .where(
            PushedRequest.digest == digest(request_uri.removeprefix(REQUEST_URI)),
            PushedRequest.client_id == client.id,
            PushedRequest.used_at.is_(None),
            PushedRequest.expires_at > now(),
        )
        .values(used_at=now())
        .returning(PushedRequest.id)
    )
    if found is None:
        raise InvalidRequestUri("The pushed request is unknown, used or over.")
    row = uow.scalars(select(PushedRequest).where(PushedRequest.id == found)).one()
    return open_request(deps, "pushed_requests", row.id, row.request_sealed)


def is_pushed(request_uri: str) -> bool:
    """Say whether a request_uri has the form of those that `push_request` gives out."""
    return request_uri.startswith(REQUEST_URI)
