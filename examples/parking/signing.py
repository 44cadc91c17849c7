"""HTTP message signatures (RFC 9421) with Ed25519, as the city's contract wants them.

Nothing here knows of parking. `verify_request` and `sign_answer` are for calls that the city makes
to us, `sign_call` is for calls that we make to the city.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FROM_CITY, TO_CITY, CALL = "city-to-provider", "provider-to-city", "provider-call"
LONGEST_LIFE = 60
CLOCKS_DIFFER_BY = 10

# What must be covered when it is there, in the order in which we cover it ourselves.
_FIELDS = (
    "request-id",
    "request-deadline",
    "idempotency-key",
    "citizen-context",
    "content-digest",
    "content-type",
)
_DERIVED = ("@method", "@authority", "@path", "@query")

_INPUT = re.compile(r'city=(\(("[a-z@-]+"(?: "[a-z@-]+")*)\)((?:;[a-z]+=(?:"[^"\\]*"|[0-9]+))*))')
_PARAMETER = re.compile(r';([a-z]+)=("[^"\\]*"|[0-9]+)')
_SIGNATURE = re.compile(r"city=:([A-Za-z0-9+/]+={0,2}):")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]+={0,2}):")

KeyOf = Callable[[str], Ed25519PublicKey | None]


class BadSignature(Exception):
    """The request was not signed by the city for us, now, and as it arrived; it has no effect."""


@dataclass(frozen=True)
class Request:
    """A request as it arrived: the target unchanged, the names of headers in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Return the path without the query, still percent-encoded."""
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Signed:
    """What is known of a request whose signature holds."""

    nonce: str
    expires: int
    signature: str


@dataclass(frozen=True)
class OwnKey:
    """Our private key and the name under which the city knows its public half."""

    private: Ed25519PrivateKey
    id: str


def verify_request(request: Request, key_of: KeyOf, authority: str, now: int) -> Signed:
    """Return what the signature says, or raise `BadSignature`.

    Whether the nonce was seen before is for the caller to find out: that needs a memory.
    """
    covered, parameters, raw = _read_input(request.headers.get("signature-input", ""))
    wanted = {*_DERIVED, *(field for field in _FIELDS if field in request.headers)}
    if not wanted <= set(covered) or len(set(covered)) != len(covered):
        raise BadSignature("something is not covered")
    if parameters.get("tag") != FROM_CITY or parameters.get("alg", "ed25519") != "ed25519":
        raise BadSignature("this signature is for something else")
    created, expires = _moment(parameters, "created"), _moment(parameters, "expires")
    if not created - CLOCKS_DIFFER_BY <= now <= expires or expires - created > LONGEST_LIFE:
        raise BadSignature("it is too late, or too early")
    if request.headers.get("host", "").lower() != authority:
        raise BadSignature("the request was meant for somebody else")
    _check_digest(request)

    key = key_of(parameters.get("keyid", ""))
    signature = _read(_SIGNATURE, request.headers.get("signature", ""))
    if key is None:
        raise BadSignature("we do not know this key")
    lines = [(f'"{name}"', _value(request, name)) for name in covered]
    try:
        key.verify(base64.b64decode(signature, validate=True), _base(lines, raw))
    except (InvalidSignature, UnicodeEncodeError, binascii.Error):
        raise BadSignature("the signature does not hold") from None
    nonce = parameters.get("nonce", "")
    if not nonce:
        raise BadSignature("a nonce is missing")
    return Signed(nonce, expires, f":{signature}:")


def sign_answer(
    key: OwnKey, asked: Signed, status: int, content_type: str, body: bytes, now: int
) -> dict[str, str]:
    """Return the headers of an answer that nobody can change or give to another request."""
    digest = content_digest(body)
    lines = [
        ('"@status"', str(status)),
        ('"content-digest"', digest),
        ('"content-type"', content_type),
        ('"signature";req;key="city"', asked.signature),
    ]
    signed = _sign(key, lines, f';created={now};keyid="{key.id}";alg="ed25519";tag="{TO_CITY}"')
    return {"Content-Digest": digest, "Content-Type": content_type, **signed}


def sign_call(
    key: OwnKey, method: str, url: str, headers: Mapping[str, str], body: bytes, now: int
) -> dict[str, str]:
    """Return all headers of a call that we make to the city."""
    _, _, rest = url.partition("://")
    host, _, target = rest.partition("/")
    sent = {name.lower(): value for name, value in headers.items()}
    sent |= {"host": host, "content-digest": content_digest(body)}
    request = Request(method, f"/{target}", sent, body)
    names = [*_DERIVED, *(field for field in _FIELDS if field in sent)]
    lines = [(f'"{name}"', _value(request, name)) for name in names]
    nonce = secrets.token_urlsafe(16)
    parameters = f';created={now};expires={now + LONGEST_LIFE};nonce="{nonce}"'
    parameters += f';keyid="{key.id}";alg="ed25519";tag="{CALL}"'
    return {**sent, **_sign(key, lines, parameters)}


def content_digest(body: bytes) -> str:
    """Return the `Content-Digest` of a body (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _sign(key: OwnKey, lines: list[tuple[str, str]], parameters: str) -> dict[str, str]:
    raw = f"({' '.join(name for name, _ in lines)}){parameters}"
    signature = base64.b64encode(key.private.sign(_base(lines, raw))).decode()
    return {"Signature-Input": f"provider={raw}", "Signature": f"provider=:{signature}:"}


def _base(lines: list[tuple[str, str]], parameters: str) -> bytes:
    """Return what is signed: one line for each component, and what the signature says of itself."""
    every = [*lines, ('"@signature-params"', parameters)]
    return "\n".join(f"{name}: {value}" for name, value in every).encode("ascii")


def _value(request: Request, name: str) -> str:
    if name == "@method":
        return request.method
    if name == "@authority":
        return request.headers["host"].lower()
    if name == "@path":
        return request.path
    if name == "@query":
        return "?" + request.target.partition("?")[2]
    if name not in request.headers:
        raise BadSignature(f"{name} is covered and not there")
    return request.headers[name].strip()


def _read_input(text: str) -> tuple[list[str], dict[str, str], str]:
    """Return the names that are covered, the parameters, and both as they were written."""
    found = _INPUT.fullmatch(text)
    if found is None:
        raise BadSignature("there is no signature of the city's")
    raw, names, written = found.groups()
    parameters = dict(_PARAMETER.findall(written))
    return (
        [name.strip('"') for name in names.split(" ")],
        {name: value.strip('"') for name, value in parameters.items()},
        raw,
    )


def _read(form: re.Pattern[str], text: str) -> str:
    found = form.fullmatch(text)
    if found is None:
        raise BadSignature("a header is not of the form that was agreed")
    return found[1]


def _moment(parameters: Mapping[str, str], name: str) -> int:
    try:
        return int(parameters[name])
    except (KeyError, ValueError):
        raise BadSignature(f"{name} is missing") from None


def _check_digest(request: Request) -> None:
    told = request.headers.get("content-digest")
    if told is None and not request.body:
        return
    if told is None or "content-type" not in request.headers:
        raise BadSignature("a body without a digest and a type")
    _read(_DIGEST, told)
    if told != content_digest(request.body):
        raise BadSignature("this is not the body that was signed")
