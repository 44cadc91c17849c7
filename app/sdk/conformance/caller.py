"""Calls a provider as the city does, and as somebody does who only pretends to be the city.

The signature of a request is made here by hand (RFC 9421, 2.5), so that each part of it can be
wrong by itself; answers are judged by the house's own reader (`app.core.signatures`).
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core import jose
from app.core.clock import now
from app.core.egress import NoAnswer, Reply
from app.core.ids import new_id, new_secret
from app.core.signatures import (
    COVERED,
    TO_PROVIDER,
    BadSignature,
    SentRequest,
    Signer,
    verify_response,
)
from app.sdk.conformance.badge import private_jwk
from app.sdk.conformance.duty import Broken, need
from app.sdk.provider import Citizen
from app.sdk.remote import (
    CONNECT_SECONDS,
    CONTEXT_TYPE,
    READ_SECONDS,
    TOLD_SECONDS,
    City,
    Sender,
)

_TARGET = ("@method", "@authority", "@path", "@query")


@dataclass(frozen=True, slots=True)
class Terms:
    """How a request is signed; each thing can be wrong."""

    tag: str = TO_PROVIDER
    key: Ed25519PrivateKey | None = field(default=None, repr=False)
    key_id: str | None = None
    age: timedelta = timedelta()
    authority: str | None = None
    uncovered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Statement:
    """What a citizen's context says; each thing can be wrong."""

    subject: str
    claims: Mapping[str, str] = field(default_factory=dict, repr=False)
    audience: str | None = None
    kind: str = CONTEXT_TYPE
    key: Ed25519PrivateKey | None = field(default=None, repr=False)
    age: timedelta = timedelta()

    @classmethod
    def of(cls, citizen: Citizen) -> "Statement":
        """Return what is true of a citizen."""
        return cls(citizen.reference, citizen.attributes)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Caller:
    """The city as a provider meets it."""

    base_url: str
    provider: str
    city: City
    key_of: Callable[[str], Ed25519PublicKey | None]
    sender: Sender

    def get(self, path: str, statement: Statement | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Return what a call that has to succeed answers; raise `Broken` for anything else."""
        prepared = self.prepare("GET", path, statement=statement)
        reply = self.send(prepared)
        self.believe(prepared, reply)
        need(reply.status == 200, f"GET {path} was answered with {said(reply)}")  # noqa: PLR2004
        return reply.json()

    def prepare(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        body: object | None = None,
        statement: Statement | None = None,
        terms: Terms | None = None,
    ) -> Prepared:
        """Return a request, signed on these terms."""
        url = self.base_url + path
        headers = {"Request-Id": str(new_id()), "Request-Deadline": _millis(8)}
        if method != "GET":
            headers["Idempotency-Key"] = key or new_secret(16)
        if statement is not None:
            headers["Citizen-Context"] = self._context(statement)
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        if content is not None:
            headers["Content-Digest"] = digest(content)
            headers["Content-Type"] = "application/json"
        signed = _sign(self.city.signer, method, url, headers, terms or Terms())
        return Prepared(method, url, {**headers, **signed}, content)

    def send(self, prepared: Prepared) -> Reply:
        """Return whatever is answered; raise `Broken` when that is no answer at all."""
        seconds = READ_SECONDS if prepared.method == "GET" else TOLD_SECONDS
        try:
            return self.sender.request(
                prepared.method,
                prepared.url,
                connect_seconds=CONNECT_SECONDS,
                total_seconds=seconds,
                content=prepared.body,
                headers=prepared.headers,
            )
        except NoAnswer as error:
            what = f"{prepared.method} {urlsplit(prepared.url).path}"
            raise Broken(f"{what} got no answer within {seconds:g} s: {error}") from error

    def believe(self, prepared: Prepared, reply: Reply) -> None:
        """Raise `Broken` unless the provider has signed this answer to this request."""
        sent = SentRequest(prepared.method, prepared.url, prepared.headers)
        try:
            verify_response(
                reply.status, reply.headers, reply.body, request=sent, key_of=self.key_of
            )
        except BadSignature as error:
            raise Broken(f"an answer of {reply.status} is not signed as agreed: {error}") from error

    def _context(self, statement: Statement) -> str:
        at = int((now() - statement.age).timestamp())
        claims = {
            "iss": self.city.issuer,
            "aud": statement.audience or f"provider:{self.provider}",
            "sub": statement.subject,
            "iat": at,
            "exp": at + 60,
            "jti": str(new_id()),
            "assurance": "verified",
            "claims": dict(statement.claims),
        }
        header = {"alg": "EdDSA", "typ": statement.kind, "kid": self.city.signer.key_id}
        return jose.sign(claims, header, private_jwk(statement.key or self.city.signer.key))


def said(reply: Reply) -> str:
    """Return an answer in a few words: its status, and its code if it has one."""
    try:
        body = json.loads(reply.body)
    except ValueError:
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    return f"{reply.status} {str(code)[:64]}" if code else str(reply.status)


def payable_path(reference: str) -> str:
    """Return the path of one payable: the reference as one segment."""
    return f"/payables/{quote(reference, safe='')}"


def digest(content: bytes) -> str:
    """Return the `Content-Digest` of a body (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def _millis(seconds: int) -> str:
    moment = now() + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sign(
    signer: Signer,
    method: str,
    url: str,
    headers: Mapping[str, str],
    terms: Terms,
) -> dict[str, str]:
    parts = urlsplit(url)
    values = {
        "@method": method,
        "@authority": terms.authority or parts.netloc.lower(),
        "@path": parts.path,
        "@query": f"?{parts.query}",
        **{name.lower(): value for name, value in headers.items()},
    }
    covered = [name for name in (*_TARGET, *COVERED) if name in values]
    covered = [name for name in covered if name not in terms.uncovered]
    at = int((now() - terms.age).timestamp())
    names = " ".join(f'"{name}"' for name in covered)
    parameters = (
        f"({names})"
        f';created={at};expires={at + 60};nonce="{new_secret(16)}"'
        f';keyid="{terms.key_id or signer.key_id}";alg="ed25519";tag="{terms.tag}"'
    )
    lines = [f'"{name}": {values[name]}' for name in covered]
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    signature = base64.b64encode((terms.key or signer.key).sign(base.encode())).decode()
    return {"Signature-Input": f"city={parameters}", "Signature": f"city=:{signature}:"}
