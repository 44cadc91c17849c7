"""A provider in its own house, called over signed HTTP: the promises of a plug-in, by contract 1.

Each request is signed (RFC 9421), carries its deadline and, where a citizen is concerned, a signed
statement of a minute about them instead of their token. Of an answer nothing is believed, not even
its status, before its signature holds: for these very bytes, and as the answer to this very
request. Reads may be tried twice; what may have acted is never sent again from here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any, Protocol
from urllib.parse import quote

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.core import jose
from app.core.clock import monotonic, now
from app.core.deadline import remaining
from app.core.egress import NoAnswer, Reply
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Unavailable
from app.core.ids import new_id
from app.core.logs import get_logger
from app.core.signatures import (
    TO_PROVIDER,
    BadSignature,
    SentRequest,
    Signer,
    sign_request,
    verify_response,
)
from app.core.unit_of_work import request_in_hand
from app.sdk.operations import Operation, OperationCall, OperationOutcomeUnknown
from app.sdk.provider import (
    Citizen,
    Fulfilment,
    OutcomeUnknown,
    Payable,
    PayableProvider,
    PaymentNotice,
    PersonalData,
)
from app.sdk.wire import CONTRACT, NotOfTheContract, dump, load

CONNECT_SECONDS = 0.3
READ_SECONDS = 2.0
TOLD_SECONDS = 8.0
"""How long telling, inquiring, exporting and erasing may take."""
RETRY_WITHIN = 0.7
"""A read that failed sooner than this is tried a second time."""

DISCOVERY = "/.well-known/city-provider"
HEALTH = "/health"
"""Where a provider says who it is, and how it is."""

CONTEXT_TYPE = "citizen-context+jwt"
CONTEXT_LIFETIME = timedelta(seconds=60)

_JSON, _PROBLEM = "application/json", "application/problem+json"
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_CODE = 64
_DONE, _CANNOT_TELL, _ABSENT, _DOWN = 200, 202, 404, 503
_KINDS: Mapping[int, type[DomainError]] = {
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    503: Unavailable,
}
_FOR_GOOD = (404, 409, 422)

log = get_logger("host")


class AlreadyPaid(Conflict):
    """The provider says that this was paid."""

    code = "already-paid"
    title_zh = "该账单已支付"
    title_en = "The bill is already paid"


class Sender(Protocol):
    """Sends the bytes of one request (`app.core.egress.Egress`)."""

    def request(
        self,
        method: str,
        url: str,
        *,
        connect_seconds: float,
        total_seconds: float,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return whatever answer comes, or raise `NoAnswer`."""


@dataclass(frozen=True, slots=True)
class City:
    """Who calls, as providers know us: our address and our key."""

    issuer: str
    signer: Signer
    _jwk: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, pem: str, issuer: str) -> "City":
        """Return the city of an Ed25519 key (PEM); its id is the RFC 7638 thumbprint."""
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("requests to providers are signed with an Ed25519 key")
        jwk = jose.as_jwk(pem.encode(), "EdDSA")
        return cls(issuer, Signer(key, jose.thumbprint(jose.public_half(jwk))), jwk)

    @property
    def public_jwk(self) -> dict[str, Any]:
        """Return the key that others check our requests, statements and badges with (RFC 7517)."""
        own = {**jose.public_half(self._jwk), "kid": self.signer.key_id}
        return {**own, "use": "sig", "alg": "EdDSA"}

    def context(self, provider: str, citizen: Citizen) -> str:
        """Return what a provider is told about a citizen: a signed statement good for a minute.

        It names the citizen as this provider alone knows them.
        """
        moment = now()
        claims = {
            "iss": self.issuer,
            "aud": f"provider:{provider}",
            "sub": citizen.reference,
            "iat": int(moment.timestamp()),
            "exp": int((moment + CONTEXT_LIFETIME).timestamp()),
            "jti": str(new_id()),
            "assurance": citizen.assurance,
            "claims": dict(citizen.attributes),
        }
        header = {"alg": "EdDSA", "typ": CONTEXT_TYPE, "kid": self.signer.key_id}
        return jose.sign(claims, header, self._jwk)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that the provider has surely given to this request; `body` is its JSON."""

    status: int
    media_type: str
    body: object

    def content(self) -> object:
        """Return the body of a 200, or raise the refusal, or `NotOfTheContract`."""
        if self.status == _DONE and self.media_type == _JSON:
            return self.body
        raise self.refusal() or NotOfTheContract(f"status {self.status}")

    def refusal(self) -> DomainError | None:
        """Return what a problem document means to the house; None when it is none we know."""
        said = self.body.get("code") if isinstance(self.body, dict) else None
        if self.media_type != _PROBLEM or not isinstance(said, str):
            return None
        is_code = len(said) <= _LONGEST_CODE and _CODE.fullmatch(said)
        kind = _KINDS.get(self.status)
        if kind is Conflict and said == AlreadyPaid.code:
            return AlreadyPaid()
        if kind is None:
            return None
        return kind(provider_code=said) if is_code else kind()


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one provider: signs, sends, and lets through only what is signed."""

    provider: str
    base_url: str
    key_of: Callable[[str], Ed25519PublicKey | None]
    city: City
    sender: Sender

    def read(self, path: str, seconds: float, citizen: Citizen | None = None) -> Answer:
        """Return the answer to a `GET`; one that failed at once is tried a second time.

        Raise `NoAnswer`, `BadSignature` or `NotOfTheContract`.
        """
        started = monotonic()
        try:
            return self.send("GET", path, seconds, citizen=citizen)
        except (NoAnswer, BadSignature, NotOfTheContract):
            used = monotonic() - started
            if used > RETRY_WITHIN:
                raise
        return self.send("GET", path, seconds - used, citizen=citizen)

    def send(
        self,
        method: str,
        path: str,
        seconds: float,
        *,
        citizen: Citizen | None = None,
        key: str | None = None,
        body: object | None = None,
    ) -> Answer:
        """Send one request once. Raise as `read` does; a refused address surely did not act."""
        seconds = remaining(seconds)
        if seconds <= 0:
            raise NoAnswer("no time is left", may_have_acted=False)
        url = self.base_url.rstrip("/") + path
        content = None if body is None else orjson.dumps(body)
        headers = self._headers(seconds, citizen, key, content)
        headers |= sign_request(self.city.signer, method, url, headers, content, TO_PROVIDER)
        reply = self.sender.request(
            method,
            url,
            connect_seconds=min(CONNECT_SECONDS, seconds),
            total_seconds=seconds,
            content=content,
            headers=headers,
        )
        verify_response(
            reply.status,
            reply.headers,
            reply.body,
            request=SentRequest(method, url, headers),
            key_of=self.key_of,
        )
        media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(reply.status, media_type, reply.json())

    def _headers(
        self, seconds: float, citizen: Citizen | None, key: str | None, content: bytes | None
    ) -> dict[str, str]:
        deadline = (now() + timedelta(seconds=seconds)).astimezone(UTC)
        headers = {
            "Request-Id": request_in_hand() or str(new_id()),
            "Request-Deadline": deadline.isoformat(timespec="milliseconds"),
        }
        if key is not None:
            headers["Idempotency-Key"] = key
        if citizen is not None:
            headers["Citizen-Context"] = self.city.context(self.provider, citizen)
        if content is not None:
            headers["Content-Type"] = _JSON
        return headers


class NotItself(Exception):
    """Somebody answers who says to be another provider, or speaks another contract."""


class NotWell(Exception):
    """The provider answers, and does not say that it is well."""


def ask_health(line: Line) -> None:
    """Ask a provider who it is and how it is, by contract 1.

    Raise `NotItself` or `NotWell`, and as `Line.read` does.
    """
    said = line.read(DISCOVERY, READ_SECONDS).content()
    if not isinstance(said, dict) or (said.get("contract"), said.get("name")) != (
        CONTRACT,
        line.provider,
    ):
        raise NotItself
    health = line.read(HEALTH, READ_SECONDS)
    body = health.body if health.status == _DONE else None
    if not isinstance(body, dict) or body.get("status") != "ok":
        raise NotWell


class RemotePayable(PayableProvider):
    """A payable provider at the other end of a line."""

    def __init__(self, line: Line) -> None:
        """Take the line; a provider in its own house is given no house of ours."""
        self._line = line

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        """Return what the citizen owes. Raise `Unavailable` for whatever is not an answer."""
        with self._reading("list_payables"):
            content = self._line.read("/payables", READ_SECONDS, citizen).content()
            items = content.get("items") if isinstance(content, dict) else None
            if not isinstance(items, list):
                raise NotOfTheContract("items")
            return [load(Payable, item) for item in items]

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        """Return what is owed for a reference, the provider's refusal, or raise `Unavailable`."""
        with self._reading("get_payable"):
            path = f"/payables/{_segment(reference)}"
            return load(Payable, self._line.read(path, READ_SECONDS, citizen).content())

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        """Tell the provider, once. `OutcomeUnknown` is whatever it may have acted upon.

        A refusal for good and "surely nothing happened" count when they are signed, and only then.
        """
        path = f"/fulfilments/{_segment(notice.key)}"
        try:
            answer = self._line.send("PUT", path, TOLD_SECONDS, key=notice.key, body=dump(notice))
            if answer.status in (*_FOR_GOOD, _DOWN):
                raise answer.refusal() or NotOfTheContract("a refusal without a code")
            return load(Fulfilment, _done(answer))
        except NoAnswer as error:
            self._tell("fulfil", error)
            if error.may_have_acted:
                raise OutcomeUnknown(str(error)) from error
            raise Unavailable from error
        except (BadSignature, NotOfTheContract) as error:
            self._tell("fulfil", error)
            raise OutcomeUnknown(str(error)) from error

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        """Return what the provider has under a key; None only when it says so, with a code."""
        with self._reading("find_fulfilment"):
            answer = self._line.read(f"/fulfilments/{_segment(key)}", TOLD_SECONDS)
            if answer.status == _CANNOT_TELL:
                raise OutcomeUnknown("the provider cannot tell")
            refusal = answer.refusal()
            if answer.status == _ABSENT and refusal is not None:
                return None
            if isinstance(refusal, Unavailable):
                raise refusal
            return load(Fulfilment, _done(answer))

    @contextmanager
    def _reading(self, call: str) -> Iterator[None]:
        try:
            yield
        except (NoAnswer, BadSignature, NotOfTheContract) as error:
            self._tell(call, error)
            raise Unavailable from error

    def _tell(self, call: str, error: Exception) -> None:
        kind, why = type(error).__name__, str(error)
        log.warning("provider.failed", plugin=self._line.provider, call=call, error=kind, why=why)


class RemoteKeeper(RemotePayable, PersonalData):
    """A remote provider that keeps personal data, and gives and erases it."""

    def export(self, citizen: Citizen) -> Mapping[str, object]:
        """Return everything that the provider keeps about a citizen, or raise `Unavailable`."""
        with self._reading("export"):
            content = self._line.read("/personal-data", TOLD_SECONDS, citizen).content()
            if not isinstance(content, dict):
                raise NotOfTheContract("an object was promised")
            return content

    def erase(self, citizen: Citizen) -> None:
        """Have the provider forget a citizen; raise `Unavailable` unless it surely has."""
        with self._reading("erase"):
            _done(
                self._line.send(
                    "DELETE", "/personal-data", TOLD_SECONDS, citizen=citizen, key=str(new_id())
                )
            )


class RemoteOperator:
    """Carries out the operations of a provider at the other end of a line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def operate(
        self, operation: Operation, call: OperationCall, citizen: Citizen
    ) -> Mapping[str, Any]:
        """Return the answer; nothing of one that is not of the declared form is passed on."""
        try:
            if operation.is_safe:
                answer = self._line.read(call.target, READ_SECONDS, citizen)
            else:
                answer = self._line.send(
                    operation.method,
                    call.target,
                    TOLD_SECONDS,
                    citizen=citizen,
                    key=call.key,
                    body=call.body,
                )
            return self._result(operation, answer)
        except NoAnswer as error:
            self._tell(operation, error)
            if operation.is_safe or not error.may_have_acted:
                raise Unavailable from error
            raise OperationOutcomeUnknown from error
        except (BadSignature, NotOfTheContract) as error:
            self._tell(operation, error)
            if operation.is_safe:
                raise Unavailable from error
            raise OperationOutcomeUnknown from error

    def _result(self, operation: Operation, answer: Answer) -> Mapping[str, Any]:
        if answer.media_type == _PROBLEM:
            raise self._refusal(operation, answer)
        body = _done(answer)
        if not isinstance(body, dict):
            raise NotOfTheContract("an object was promised")
        if len(orjson.dumps(body)) > operation.most_answered:
            raise NotOfTheContract("larger than declared")
        faults = operation.answer.faults(body)
        if faults:
            raise NotOfTheContract(f"not of the declared form at {len(faults)} places")
        return body

    def _refusal(self, operation: Operation, answer: Answer) -> DomainError:
        """Return the declared refusal that an answer is; of its own words none is passed on."""
        said = answer.body.get("code") if isinstance(answer.body, dict) else None
        for declared in operation.refusals:
            if (declared.code, declared.status) == (said, answer.status):
                return declared.refusal(self._line.provider)
        if answer.status == _DOWN and answer.refusal() is not None:
            return Unavailable()
        raise NotOfTheContract(f"a refusal of {answer.status} that is not declared")

    def _tell(self, operation: Operation, error: Exception) -> None:
        log.warning(
            "provider.failed",
            plugin=self._line.provider,
            call=f"operation {operation.id}",
            error=type(error).__name__,
            why=str(error),
        )


def _done(answer: Answer) -> object:
    """Return the body of a 200; whatever else it is has no meaning here."""
    if answer.status != _DONE or answer.media_type != _JSON:
        raise NotOfTheContract(f"status {answer.status}")
    return answer.body


def _segment(text: str) -> str:
    """Return a text as one segment of a path.

    A client or a proxy would take `.` and `..` for steps in the path, however they are written.
    """
    if text in {"", ".", ".."}:
        raise NotFound
    return quote(text, safe="")
