"""Signed HTTP messages (RFC 9421, Ed25519) with the digest of their content (RFC 9530), both ways.

A request's signature covers method, authority, path, query, and each of `COVERED` that stands in
it; an answer's covers its status, its content and the signature of the request that it answers. So
nothing of a message can be exchanged, and no answer be given twice. The only
`http_message_signatures`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from app.core.clock import now
from app.core.ids import new_secret

TO_PROVIDER = "city-to-provider"
TO_CITY = "provider-to-city"
PROVIDER_CALL = "provider-call"
"""What a signature is for (`tag`): one that was made for another purpose is worth nothing here."""

COVERED = (
    "request-id",
    "request-deadline",
    "idempotency-key",
    "citizen-context",
    "content-digest",
    "content-type",
)
"""The fields of a request that are refused where they stand without being signed."""

LIFETIME = timedelta(seconds=60)
AHEAD = timedelta(seconds=10)
"""How far the other side's clock may be before ours."""
NONCE_KEPT = timedelta(minutes=5)
"""How long a nonce is remembered: longer than any signature that carries it can be good."""

_TARGET = ("@method", "@authority", "@path", "@query")
_LABELS = {TO_PROVIDER: "city", TO_CITY: "provider", PROVIDER_CALL: "provider"}
_REQUEST_SIGNATURE = f'"signature";req;key="{_LABELS[TO_PROVIDER]}"'
_SHORTEST_NONCE, _LONGEST_NONCE = 16, 128
_LONGEST_KEY_ID = 256
_LONGEST_FIELD = 8_192

KeyOf = Callable[[str], Ed25519PublicKey | None]


class BadSignature(ValueError):
    """The message cannot be believed; the message says why, for the other side's developer."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, and the name under which others find its public half."""

    key: Ed25519PrivateKey = field(repr=False)
    key_id: str


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it went over the wire, signature included: what an answer has to be bound to."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that holds.

    `nonce` (of requests, else empty) is to be claimed by whoever acts on the message:
    `claim_once(uow, tag, key_id, nonce, forget_at=now() + NONCE_KEPT)`.
    """

    key_id: str
    created: datetime
    nonce: str


def sign_request(
    signer: Signer, method: str, url: str, headers: Mapping[str, str], body: bytes | None, tag: str
) -> dict[str, str]:
    """Return the headers to add to a request, so that its receiver can believe it for a minute.

    `url` is the address as it is sent. Every header that is in `COVERED` is signed; with a body
    there has to be a `Content-Type`. Each call draws a nonce: a request that is sent again is
    signed again.
    """
    message = _Request(method, url, dict(headers))
    return _sign(
        message,
        signer,
        covered=(*_TARGET, *_present(headers)),
        body=body or None,
        tag=tag,
        expires=now() + LIFETIME,
        nonce=new_secret(16),
    )


def verify_request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    key_of: KeyOf,
    tag: str,
) -> Signature:
    """Return the signature of a request that was made for this purpose just now.

    `url` is the address as the public knows it. Raise `BadSignature`; whatever `key_of` raises goes
    through. The caller has to claim the nonce before it acts.
    """
    message = _Request(method, url, dict(headers))
    covered = (*_TARGET, *_present(headers))
    if body and "content-type" not in covered:
        raise BadSignature("there is content without a Content-Type")
    found = _verify(
        message, key_of, tag, covered=covered, body=body, parameters=("expires", "nonce")
    )
    if not _SHORTEST_NONCE <= len(found.nonce) <= _LONGEST_NONCE:
        raise BadSignature(f"a nonce has {_SHORTEST_NONCE} to {_LONGEST_NONCE} characters")
    return found


def sign_response(
    signer: Signer,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    request: SentRequest,
    tag: str = TO_CITY,
) -> dict[str, str]:
    """Return the headers to add to an answer, which bind it to the request as it was received."""
    message = _Response(status, dict(headers), _as_received(request))
    covered = ["@status", _REQUEST_SIGNATURE]
    if "content-type" in _present(headers):
        covered.append("content-type")
    return _sign(message, signer, covered=tuple(covered), body=body, tag=tag)


def verify_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    request: SentRequest,
    key_of: KeyOf,
    tag: str = TO_CITY,
) -> Signature:
    """Return the signature of an answer to exactly this request, or raise `BadSignature`.

    Content is needed in no answer, its digest in each, its type wherever there is any.
    """
    message = _Response(status, dict(headers), _as_received(request))
    covered = ["@status", _REQUEST_SIGNATURE, "content-digest"]
    if body or "content-type" in _present(headers):
        covered.append("content-type")
    return _verify(message, key_of, tag, covered=tuple(covered), body=body)


@dataclass(slots=True)
class _Request:
    """A request as the library wants it: signing adds to its headers."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass(slots=True)
class _Response:
    """An answer as the library wants it."""

    status_code: int
    headers: dict[str, str]
    request: _Request


class _Keys(HTTPSignatureKeyResolver):
    """Asks for one key at a time, and remembers whether the answer came."""

    def __init__(self, key_of: KeyOf) -> None:
        self._key_of = key_of
        self.is_asking = False

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        if len(key_id) > _LONGEST_KEY_ID:
            return None
        self.is_asking = True
        key = self._key_of(key_id)
        self.is_asking = False
        return key


class _Verifier(HTTPMessageVerifier):
    """Reads the time from the one clock, and wants every parameter that was agreed upon."""

    def __init__(self, keys: _Keys, parameters: tuple[str, ...]) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=keys)
        self._parameters = ("created", "keyid", "alg", "tag", *parameters)

    def validate_created_and_expires(
        self,
        sig_input: Any,  # noqa: ANN401 - the library's inner list, which it does not type
        max_age: timedelta | None = None,  # noqa: ARG002 - we have our own
    ) -> None:
        """Refuse what was not made within the last minute (RFC 9421, 3.2)."""
        said = sig_input.params
        missing = [name for name in self._parameters if name not in said]
        if missing:
            raise InvalidSignature(f"without {', '.join(missing)}")
        moment = now().timestamp()
        if said["created"] > moment + AHEAD.total_seconds():
            raise InvalidSignature("made in the future")
        longest = said["created"] + LIFETIME.total_seconds()
        ends = said.get("expires", longest)
        if not said["created"] < ends <= longest:
            raise InvalidSignature(f"good for longer than {LIFETIME.seconds} s, or never")
        if moment >= ends:
            raise InvalidSignature("over")


def _own(signer: Signer) -> MappingKeyResolver:
    return MappingKeyResolver(public_keys={}, private_keys={signer.key_id: signer.key})


def _as_received(request: SentRequest) -> _Request:
    return _Request(request.method, request.url, dict(request.headers))


def _present(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return those of `COVERED` that stand in a message."""
    names = {name.lower() for name in headers}
    return tuple(name for name in COVERED if name in names)


def _sign(
    message: _Request | _Response,
    signer: Signer,
    *,
    covered: tuple[str, ...],
    body: bytes | None,
    tag: str,
    expires: datetime | None = None,
    nonce: str | None = None,
) -> dict[str, str]:
    if body and "content-type" not in covered:
        raise ValueError("content without a Content-Type cannot be signed")
    before = set(message.headers)
    made = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=_own(signer))
    made.sign(
        message,
        key_id=signer.key_id,
        created=now(),
        expires=expires,
        nonce=nonce,
        label=_LABELS[tag],
        tag=tag,
        covered_component_ids=covered,
        body=body,
    )
    return {name: value for name, value in message.headers.items() if name not in before}


def _verify(
    message: _Request | _Response,
    key_of: KeyOf,
    tag: str,
    *,
    covered: tuple[str, ...],
    body: bytes | None,
    parameters: tuple[str, ...] = (),
) -> Signature:
    keys = _Keys(key_of)
    if any(
        len(value) > _LONGEST_FIELD
        for name, value in message.headers.items()
        if name.lower() in {"signature", "signature-input", "content-digest"}
    ):
        raise BadSignature("a field that is too long")
    try:
        found = _Verifier(keys, parameters).verify(
            message, expect_tag=tag, require_components=covered, body=body or b""
        )
    except HTTPMessageSignaturesException as error:
        if keys.is_asking and error.__cause__ is not None:
            raise error.__cause__ from None  # not theirs: our own search for the key has failed
        raise BadSignature(f"the signature does not hold: {error}"[:300]) from error
    if len(found) != 1:
        raise BadSignature("more than one signature for the same purpose")
    said = found[0].parameters
    created = datetime.fromtimestamp(int(said["created"]), UTC)
    return Signature(str(said["keyid"]), created, str(said.get("nonce", "")))
