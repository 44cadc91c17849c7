"""What a client may ask of a citizen: each parameter read once, strictly; unknown ones ignored.

RFC 6749, RFC 7636 (S256 only), OpenID Connect Core 3.1.2.1, RFC 9126, RFC 9396, RFC 9449.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from app.core import jose
from app.core.tokens import LEVELS
from app.oauth.errors import (
    InvalidAuthorizationDetails,
    InvalidRequest,
    InvalidScope,
    RegistrationNotSupported,
    RequestNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from app.oauth.models import Client
from app.oauth.service.addresses import is_same_redirect
from app.oauth.service.deps import OAuthDeps
from app.oauth.values import CLAIMS, SCOPES, AuthorizationRequest, GrantType, Profile

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VISIBLE = re.compile(r"[ -~]*")
_LONGEST = {
    "acr_values": 200,
    "state": 1_000,
    "nonce": 255,
    "login_hint": 100,
    "ui_locales": 100,
    "scope": 1_000,
}
_LONGEST_JSON = 4_000
_LONGEST_DETAILS = 1_500  # they stand in the access token, which has an end of its own
_MOST_SECONDS = 10**8
_HINT_MEMBERS = ("alg", "kid", "typ")
_MOST_DETAILS = 5
_DETAILS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "payment": (frozenset({"payee", "amount"}), frozenset({"currency", "order"})),
    "application": (frozenset({"item_code"}), frozenset({"case_id"})),
}
"""Types of authorization details (RFC 9396): the members that each needs, and may have."""


def trusted_redirect(client: Client, parameters: Mapping[str, str]) -> str:
    """Return the registered address to which this client's answer, or error, may be sent.

    Raise `InvalidRequest`, which must not be redirected anywhere.
    """
    asked = parameters.get("redirect_uri")
    if asked is None:
        raise InvalidRequest("redirect_uri is missing.")
    if not any(is_same_redirect(asked, registered) for registered in client.redirect_uris):
        raise InvalidRequest("redirect_uri is not registered for this client.")
    return asked


def read_request(
    deps: OAuthDeps, client: Client, allowed: Collection[str], parameters: Mapping[str, str]
) -> AuthorizationRequest:
    """Return what a client asks for, validated; raise an `OAuthError` that says what is wrong.

    `allowed` are the scopes that the client was granted. The redirect address was trusted before.
    """
    _check_kind(client, parameters)
    for name, longest in _LONGEST.items():
        value = parameters.get(name, "")
        if len(value) > longest or (name != "login_hint" and not _VISIBLE.fullmatch(value)):
            raise InvalidRequest(f"{name} is too long, or has characters that are not allowed.")
    id_token, levels, subject = _read_claims(parameters.get("claims"))
    # A level that is wished for is asked for as well: a step-up (RFC 9470) is no mere wish.
    wished = [name for name in parameters.get("acr_values", "").split(" ") if name in LEVELS]
    thumbprint = parameters.get("dpop_jkt")
    if thumbprint is not None and not _CHALLENGE.fullmatch(thumbprint):
        raise InvalidRequest("dpop_jkt is not a thumbprint.")
    return AuthorizationRequest(
        redirect_uri=parameters["redirect_uri"],
        scopes=read_scopes(parameters.get("scope", ""), allowed),
        code_challenge=_read_challenge(parameters),
        state=parameters.get("state"),
        nonce=parameters.get("nonce"),
        prompt=_read_prompt(parameters.get("prompt", "")),
        max_age=_read_age(parameters.get("max_age")),
        level=min(levels or wished, key=LEVELS.index, default=None),
        login_hint=parameters.get("login_hint"),
        subject_hint=_read_hint(deps, client, parameters.get("id_token_hint"), subject),
        ui_locales=parameters.get("ui_locales"),
        id_token_claims=id_token,
        key_thumbprint=thumbprint,
        details=_read_details(parameters.get("authorization_details")),
    )


def read_scopes(text: str, allowed: Collection[str]) -> tuple[str, ...]:
    """Return the scopes that a citizen is asked for, in the order of the catalogue."""
    asked = set(text.split(" ")) - {""}
    if not asked:
        raise InvalidScope("scope is missing.")
    if not asked <= set(allowed) & set(SCOPES):
        raise InvalidScope("A scope is unknown, or was not granted to this client.")
    return tuple(name for name in SCOPES if name in asked)


def _check_kind(client: Client, parameters: Mapping[str, str]) -> None:
    if "request" in parameters:
        raise RequestNotSupported("Push the parameters instead of signing them.")
    if "registration" in parameters:
        raise RegistrationNotSupported("Clients are registered by staff.")
    if GrantType.CODE not in client.grant_types:
        raise UnauthorizedClient("The client may not ask citizens.")
    if "response_type" not in parameters:
        raise InvalidRequest("response_type is missing.")
    if parameters["response_type"] != "code":
        raise UnsupportedResponseType("Only code.")
    if parameters.get("response_mode", "query") != "query":
        raise InvalidRequest("response_mode can only be query.")


def _read_challenge(parameters: Mapping[str, str]) -> str:
    challenge = parameters.get("code_challenge", "")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge is missing or is no SHA-256.")
    if parameters.get("code_challenge_method") != "S256":
        raise InvalidRequest("code_challenge_method can only be S256.")
    return challenge


def _read_prompt(text: str) -> tuple[str, ...]:
    asked = set(text.split(" ")) - {""}
    if not asked <= PROMPTS or ("none" in asked and len(asked) > 1):
        raise InvalidRequest("prompt is unknown, or contradicts itself.")
    return tuple(sorted(asked))


def _read_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > _MOST_SECONDS:
        raise InvalidRequest("max_age is not a number of seconds.")
    return int(text)


def _read_claims(text: str | None) -> tuple[tuple[str, ...], list[str], str | None]:
    """Return the claims for the ID token, the levels of which one is needed, and who is meant.

    No levels: any will do. Userinfo shows whatever the scopes open.
    """
    if text is None:
        return (), [], None
    value = _json(text)
    if not isinstance(value, dict):
        raise InvalidRequest("claims is not a JSON object.")
    for place in ("id_token", "userinfo"):
        inner = value.get(place) or {}
        if not isinstance(inner, dict) or not all(
            one is None or isinstance(one, dict) for one in inner.values()
        ):
            raise InvalidRequest("claims is not what OpenID Connect Core 5.5 describes.")
    asked = value.get("id_token") or {}
    subject = (asked.get("sub") or {}).get("value")
    if subject is not None and not isinstance(subject, str):
        raise InvalidRequest("claims asks for a subject that is no text.")
    return tuple(name for name in CLAIMS if name in asked), _levels(asked.get("acr")), subject


def _levels(acr: Mapping[str, Any] | None) -> list[str]:
    """Return the levels of which one is essential; a level that is only wished for binds nobody."""
    if not acr or acr.get("essential") is not True:
        return []
    wanted = [acr["value"]] if "value" in acr else acr.get("values", [])
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise InvalidRequest("claims asks for an acr that is no text.")
    known = [one for one in wanted if one in LEVELS]
    if wanted and not known:
        raise InvalidRequest("No level of that name is given here.")
    return known


def _read_hint(
    deps: OAuthDeps, client: Client, hint: str | None, subject: str | None
) -> str | None:
    """Return the pairwise name of the citizen who is meant, from a hint or a claim."""
    if hint is None:
        return subject
    named = read_id_token_hint(deps, hint)
    if named.get("aud") != str(client.id):
        raise InvalidRequest("id_token_hint was given to another client.")
    if subject is not None and subject != named.get("sub"):
        raise InvalidRequest("id_token_hint and claims mean different citizens.")
    return str(named.get("sub"))


def read_id_token_hint(deps: OAuthDeps, hint: str) -> Mapping[str, Any]:
    """Return the claims of an ID token that we issued, even one that is over."""
    keys = deps.tokens.jwks()["keys"]
    try:
        claims = jose.verify(hint, keys, types=["JWT"], members=_HINT_MEMBERS).claims
    except jose.JoseInvalid as error:
        raise InvalidRequest("id_token_hint is not one of ours.") from error
    if claims.get("iss") != deps.issuer:
        raise InvalidRequest("id_token_hint is not one of ours.")
    return claims


def _read_details(text: str | None) -> tuple[Mapping[str, Any], ...]:
    if text is None:
        return ()
    value = _json(text)
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_DETAILS:
        raise InvalidAuthorizationDetails("A list of one to five objects is needed.")
    if len(json.dumps(value)) > _LONGEST_DETAILS:
        raise InvalidAuthorizationDetails("The details are too long.")
    return tuple(_read_detail(one) for one in value)


def _read_detail(one: object) -> Mapping[str, Any]:
    kind = one.get("type") if isinstance(one, dict) else None
    if not isinstance(one, dict) or not isinstance(kind, str) or kind not in _DETAILS:
        raise InvalidAuthorizationDetails("The type is payment or application.")
    needed, optional = _DETAILS[kind]
    names = set(one) - {"type"}
    if not needed <= names or not names <= needed | optional:
        raise InvalidAuthorizationDetails(f"A {kind} has {', '.join(sorted(needed))}.")
    for name in names:
        is_amount = name == "amount"
        if type(one[name]) is not (int if is_amount else str):
            raise InvalidAuthorizationDetails(f"{name} is of another kind.")
        if is_amount and not 0 < one[name] <= 10**10:
            raise InvalidAuthorizationDetails("amount is in fen, above zero.")
        if not is_amount and not 1 <= len(one[name]) <= 100:  # noqa: PLR2004 - characters
            raise InvalidAuthorizationDetails(f"{name} is too long.")
    return one


def needs_push(client: Client) -> bool:
    """Say whether a client has to push its requests."""
    return client.profile == Profile.FAPI


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON value
    if len(text) > _LONGEST_JSON:
        raise InvalidRequest("A JSON parameter is too long.")
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("A JSON parameter cannot be read.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a member stands twice")
    return value
