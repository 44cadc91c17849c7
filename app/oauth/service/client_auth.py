"""Who the calling client is, proven: by a signed assertion, a secret, or (public) by name alone."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

from app.core import jose
from app.core.clock import now
from app.core.replay import claim_once
from app.core.unit_of_work import UnitOfWork
from app.oauth.errors import InvalidClient, InvalidRequest
from app.oauth.events import ClientRefused
from app.oauth.gateway import KeysUnavailable
from app.oauth.models import Client
from app.oauth.service.clients import find_live, has_secret
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import AuthMethod, ProtocolCall

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST = timedelta(seconds=60)
AHEAD = timedelta(seconds=10)
_TYPES = (None, "JWT", "client-authentication+jwt")
_MEMBERS = ("alg", "kid", "typ")
_LONGEST_JTI = 256
_CHALLENGE = 'Basic realm="wudang"'


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a client shows of itself: its name, how it proves it, and the secret or assertion."""

    method: AuthMethod
    client_id: str
    secret: str = ""


def authenticate_client(uow: UnitOfWork, deps: OAuthDeps, call: ProtocolCall) -> Client:
    """Return the client that makes a call; raise `InvalidClient`.

    Raise `InvalidRequest` when it mixes several ways of proving itself.
    Closes phases: an assertion is used up even when the call is refused for another reason. The
    client's key set may be fetched, with no transaction open.
    """
    shown = _read(call)
    with uow.phase():
        client = find_live(uow, shown.client_id, is_sandbox=deps.is_sandbox)
        reason = _refuse_by_row(uow, client, shown)
    if client is not None and reason is None and shown.method is AuthMethod.KEY:
        reason = _refuse_assertion(uow, deps, client, shown.secret)
    if client is None or reason is not None:
        uow.record(
            ClientRefused(
                client_id=client.id if client else None,
                reason=reason or "unknown",
                result="refused",
            )
        )
        raise InvalidClient(challenge=_CHALLENGE)
    if shown.method is not AuthMethod.NONE:  # a name alone is anybody's
        call.proven(client.id)
    return client


def named_client(call: ProtocolCall) -> str:
    """Return whom a call says it is from, for counting; nothing of it is proven."""
    try:
        return _read(call).client_id[:100]
    except (InvalidClient, InvalidRequest):
        return ""


def _read(call: ProtocolCall) -> _Shown:
    """Return the one way in which a call proves its client."""
    form, shown = call.form, []
    if call.authorization is not None:
        shown.append(_basic(call.authorization))
    if "client_assertion" in form or "client_assertion_type" in form:
        shown.append(_assertion(form))
    if "client_secret" in form:
        name, secret = form.get("client_id", ""), form["client_secret"]
        shown.append(_Shown(AuthMethod.POST, name, secret))
    if len(shown) > 1:
        raise InvalidRequest("A client proves itself in one way.")
    if not shown:
        if not form.get("client_id"):
            raise InvalidClient("The client has to say who it is.", challenge=_CHALLENGE)
        return _Shown(AuthMethod.NONE, form["client_id"])
    if form.get("client_id", shown[0].client_id) != shown[0].client_id:
        raise InvalidClient("client_id is another client's.", challenge=_CHALLENGE)
    return shown[0]


def _basic(header: str) -> _Shown:
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidClient(challenge=_CHALLENGE) from error
    name, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise InvalidClient(challenge=_CHALLENGE)
    # RFC 6749, 2.3.1: both halves are form-encoded first.
    return _Shown(AuthMethod.BASIC, unquote_plus(name), unquote_plus(secret))


def _assertion(form: Mapping[str, str]) -> _Shown:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient("Another type of assertion is needed.", challenge=_CHALLENGE)
    token = form.get("client_assertion", "")
    try:
        name = jose.read_unverified(token).claims.get("sub")
    except jose.JoseInvalid as error:
        raise InvalidClient(f"The assertion: {error}.", challenge=_CHALLENGE) from error
    if not isinstance(name, str):
        raise InvalidClient("The assertion names nobody.", challenge=_CHALLENGE)
    return _Shown(AuthMethod.KEY, name, token)


def _refuse_by_row(uow: UnitOfWork, client: Client | None, shown: _Shown) -> str | None:
    if client is None:
        return "unknown"
    if client.auth_method != shown.method:
        return "method"
    if shown.method in {AuthMethod.BASIC, AuthMethod.POST}:
        return None if has_secret(uow, client.id, shown.secret) else "secret"
    return None


def _refuse_assertion(uow: UnitOfWork, deps: OAuthDeps, client: Client, token: str) -> str | None:
    """Return why an assertion does not prove its client, or None; use it up."""
    try:
        keys = _keys_of(deps, client, jose.read_unverified(token).header.get("kid"))
        claims = jose.verify(token, keys, types=_TYPES, members=_MEMBERS).claims
    except jose.JoseInvalid:
        return "signature"
    except KeysUnavailable:
        return "keys"
    reason = _refuse_claims(deps, str(client.id), claims)
    if reason is not None:
        return reason
    expires = datetime.fromtimestamp(claims["exp"], UTC)
    with uow.phase():
        is_first = claim_once(
            uow, "assertion", str(client.id), claims["jti"], forget_at=expires + LONGEST
        )
    return None if is_first else "replay"


def _keys_of(deps: OAuthDeps, client: Client, kid: object) -> Sequence[Mapping[str, Any]]:
    if client.jwks_uri is not None:
        return deps.keys.at(client.jwks_uri, kid if isinstance(kid, str) else None)
    return jose.check_public_keys(client.jwks)


def _refuse_claims(deps: OAuthDeps, client_id: str, claims: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the claims of an assertion (RFC 7523; FAPI 2.0, 5.3.2.1)."""
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        return "issuer"
    if claims.get("aud") != deps.issuer:  # the issuer as a string; a list could name others too
        return "audience"
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        return "jti"
    moment = now().timestamp()
    ahead = AHEAD.total_seconds()
    issued, expires = claims.get("iat"), claims.get("exp")
    for name in ("iat", "nbf"):
        value = claims.get(name)
        if value is not None and (type(value) is not int or value > moment + ahead):
            return name
    if type(expires) is not int or expires <= moment:
        return "exp"
    longest = LONGEST.total_seconds()
    latest = moment + longest if issued is None else min(issued + longest, moment + longest + ahead)
    return "exp" if expires > latest else None
