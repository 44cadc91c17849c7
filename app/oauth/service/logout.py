"""Logging out: at the wish of a client (RP-Initiated Logout 1.0), and telling every other one."""

from collections.abc import Mapping
from typing import Any

from app.core.logs import get_logger
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import InvalidRequest
from app.oauth.events import LogoutDue
from app.oauth.models import Client, Grant
from app.oauth.service.addresses import add_to_query
from app.oauth.service.clients import find_live
from app.oauth.service.deps import OAuthDeps
from app.oauth.service.interactions import (
    LOGOUT_DONE,
    LogoutWish,
    log_out_browser,
    open_interaction,
)
from app.oauth.service.minting import make_logout_token, session_name, subject_of
from app.oauth.service.requests import read_id_token_hint
from app.oauth.values import BrowserSession, Kind

_LONGEST_STATE = 1_000
log = get_logger("oauth")


def begin_logout(
    uow: UnitOfWork,
    deps: OAuthDeps,
    parameters: Mapping[str, str],
    browser_secret: str,
    session: BrowserSession | None,
) -> str:
    """Return the address to send the browser to (by 303).

    At once when the client shows an ID token of this very session; otherwise the citizen is asked,
    so that no page can log anybody out. The client's address has to be a registered one, letter by
    letter; raise `InvalidRequest` for any other.
    """
    hint = parameters.get("id_token_hint")
    claims = read_id_token_hint(deps, hint) if hint is not None else None
    client = _client(uow, deps, parameters, claims)
    wish = _wish(deps, client, parameters)
    if session is None:
        return add_to_query(wish.url, state=wish.state)
    if client is not None and claims is not None and _is_theirs(deps, client, claims, session):
        log_out_browser(uow, client, session)
        return add_to_query(wish.url, state=wish.state)
    row = open_interaction(uow, deps, Kind.LOGOUT, client, wish, browser_secret)
    return deps.address_of(f"/oauth/interaction/{row.id}")


def send_logout(uow: UnitOfWork, deps: OAuthDeps, event: LogoutDue) -> None:
    """Tell a client that a citizen has logged out. May run twice: its token has a name."""
    with uow.phase():
        grant = uow.get(Grant, event.grant_id)
        client = uow.get(Client, grant.client_id) if grant is not None else None
    if grant is None or client is None or client.backchannel_logout_uri is None:
        return
    token = make_logout_token(deps, client, grant)
    if not deps.notices.send(client.backchannel_logout_uri, token):
        log.warning("logout.refused", client_id=str(client.id))


def _client(
    uow: UnitOfWork,
    deps: OAuthDeps,
    parameters: Mapping[str, str],
    claims: Mapping[str, Any] | None,
) -> Client | None:
    named = parameters.get("client_id")
    if claims is not None and named is not None and named != claims.get("aud"):
        raise InvalidRequest("id_token_hint was given to another client.")
    if claims is not None:
        named = str(claims.get("aud"))
    if named is None:
        return None
    client = find_live(uow, named, is_sandbox=deps.is_sandbox)
    if client is None:
        raise InvalidRequest("client_id names no client.")
    return client


def _wish(deps: OAuthDeps, client: Client | None, parameters: Mapping[str, str]) -> LogoutWish:
    url = parameters.get("post_logout_redirect_uri")
    if url is None:
        return LogoutWish(deps.address_of(LOGOUT_DONE))
    if client is None or url not in client.post_logout_uris:
        raise InvalidRequest("post_logout_redirect_uri is not registered for this client.")
    state = parameters.get("state")
    if state is not None and len(state) > _LONGEST_STATE:
        raise InvalidRequest("state is too long.")
    return LogoutWish(url, state)


def _is_theirs(
    deps: OAuthDeps, client: Client, claims: Mapping[str, Any], session: BrowserSession
) -> bool:
    return claims.get("sub") == subject_of(deps, client, session.citizen_id) and claims.get(
        "sid"
    ) == session_name(deps, client, session.session_id)
