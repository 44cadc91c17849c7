"""The authorization endpoint: from a client's request to a question, a code, or an error."""

from collections.abc import Mapping

from app.core.clock import now
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import (
    ConsentRequired,
    InteractionRequired,
    InvalidRequest,
    LoginRequired,
    OAuthError,
    RequestUriNotSupported,
    UnmetAuthentication,
)
from app.oauth.events import AuthorizationRefused
from app.oauth.models import Client
from app.oauth.service.clients import find_live, live_scopes
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.entries import is_at_home, take_hint
from app.oauth.service.granting import error_address, grant_code, refusal_address
from app.oauth.service.interactions import next_step, open_interaction
from app.oauth.service.pushed import is_pushed, take_pushed
from app.oauth.service.requests import needs_push, read_request, trusted_redirect
from app.oauth.values import AuthorizationRequest, BrowserSession, Kind, Step

_SILENT: Mapping[Step, type[OAuthError]] = {
    Step.LOG_IN: LoginRequired,
    Step.CONSENT: ConsentRequired,
    Step.RAISE_LEVEL: UnmetAuthentication,
}


def begin_authorization(
    uow: UnitOfWork,
    deps: OAuthDeps,
    parameters: Mapping[str, str],
    browser_secret: str,
    session: BrowserSession | None,
) -> str:
    """Return the address to send the browser to (by 303): a page of ours, or the client's.

    The client gets its code at once when nothing has to be asked, and its error when nothing may
    be. Whoever came in from the city's app need not log in. Raise an `OAuthError` when there is no
    address that may be trusted with an error.
    """
    try:
        client, request = _read(uow, deps, parameters)
    except OAuthError as error:
        uow.record(AuthorizationRefused(client_id=None, error=error.error, result="refused"))
        raise
    if isinstance(request, str):
        return request
    request, entered = take_hint(uow, client, request, browser_secret)
    who = entered or session
    step = next_step(uow, deps, client, request, now(), who)
    if step is None and entered and not is_at_home(uow, entered, browser_secret, session):
        step = Step.CONSENT
    if "none" in request.prompt and step is not None:
        citizen_id = who.citizen_id if who else None
        silent = _SILENT.get(step, InteractionRequired)()
        return refusal_address(uow, deps, client, request, silent, citizen_id)
    if step is None and who is not None:
        return grant_code(uow, deps, client, request, request.scopes, who)
    row = open_interaction(uow, deps, Kind.AUTHORIZE, client, request, browser_secret)
    row.entry_id = entered.entry_id if entered else None
    return deps.address_of(f"/oauth/interaction/{row.id}")


def _read(
    uow: UnitOfWork, deps: OAuthDeps, parameters: Mapping[str, str]
) -> tuple[Client, AuthorizationRequest | str]:
    """Return the client and what it asks for, or the address with the error of its request."""
    client = find_live(uow, parameters.get("client_id", ""), is_sandbox=deps.is_sandbox)
    if client is None:
        raise InvalidRequest("client_id is missing, or names no client that may ask.")
    request_uri = parameters.get("request_uri", "")
    if is_pushed(request_uri):
        return client, take_pushed(uow, deps, client, request_uri)
    redirect_uri = trusted_redirect(client, parameters)
    try:
        if "request_uri" in parameters:
            raise RequestUriNotSupported("Only what was pushed here.")
        if needs_push(client):
            raise InvalidRequest("This client has to push its requests.")
        return client, read_request(deps, client, live_scopes(uow, client.id), parameters)
    except OAuthError as error:
        state = parameters.get("state")
        return client, error_address(uow, deps, client, redirect_uri, state, error)
