"""The service that the city calls: who asks, what is asked, and an answer that we sign."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

from .books import Refused
from .city import Citizen, City, NoSuchCitizen
from .fees import CURRENCY, PAYEE, Fee, Fees, Notice
from .places import Places, Wish
from .signing import BadSignature, OwnKey, Request, Signed, sign_answer, verify_request

CONTRACT = 1
LONGEST_BODY = 64 * 1024
JSON, PROBLEM = "application/json", "application/problem+json"

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of the city's: the parts of the path, and the citizen if it is of one."""

    parts: tuple[str, ...]
    query: Mapping[str, str]
    key: str
    body: bytes
    citizen: Citizen | None


class Parking:
    """What we offer the city; the table at the end of the class is the contract.

    The first eight calls are the city's, the last two are the operations of our manifest.
    """

    def __init__(self, fees: Fees, places: Places, city: City, key: OwnKey, authority: str) -> None:
        self.fees, self.places = fees, places
        self.city, self.key, self.authority = city, key, authority

    def admit(self, request: Request, now: int) -> Signed:
        """Return what is known of a request that the city has made, or raise `BadSignature`."""
        signed = verify_request(request, self.city.key_of, self.authority, now)
        if not self.fees.claim_nonce(signed.nonce, signed.expires, now):
            raise BadSignature("this request came before")
        return signed

    def answer(self, request: Request, now: int) -> tuple[int, Answer]:
        """Do what is asked, and return a status and what to say."""
        try:
            return HTTPStatus.OK, self._do(request, now)
        except Refused as no:
            problem = {"type": "about:blank", "title": no.title, "status": no.status}
            return no.status, {**problem, "code": no.code}

    def _do(self, request: Request, now: int) -> Answer:
        if _is_too_late(request.headers.get("request-deadline"), now):
            # Nobody waits for us any more: we say that nothing has happened, and nothing has.
            raise Refused(503, "too-late", "The time for this request is over")
        for method, form, handle in self.CALLS:
            found = re.fullmatch(form, request.path)
            if method == request.method and found:
                return handle(self, self._read(request, found.groups(), now))
        raise Refused(404, "no-such-call", "The contract has no such call")

    def _read(self, request: Request, parts: tuple[str, ...], now: int) -> Call:
        return Call(
            parts=tuple(unquote(part) for part in parts),
            query=dict(parse_qsl(request.target.partition("?")[2])),
            key=request.headers.get("idempotency-key", ""),
            body=request.body,
            citizen=self._citizen(request, now),
        )

    def _citizen(self, request: Request, now: int) -> Citizen | None:
        token = request.headers.get("citizen-context")
        try:
            return None if token is None else self.city.read_citizen(token, now)
        except NoSuchCitizen:
            raise Refused(403, "citizen-context-refused", "We do not know for whom") from None

    def _discover(self, _: Call) -> Answer:
        return {"contract": CONTRACT, "name": self.city.name, "health": "/health"}

    def _health(self, _: Call) -> Answer:
        self.fees.check()
        return {"status": "ok"}

    def _list(self, call: Call) -> Answer:
        fees = self.fees.of_citizen(_of(call).reference)
        return {"items": [_payable(fee) for fee in fees]}

    def _get(self, call: Call) -> Answer:
        fee = self.fees.find(call.parts[0])
        self.fees.remember(_of(call).reference, fee.reference)
        return _payable(fee)

    def _fulfil(self, call: Call) -> Answer:
        return asdict(self.fees.book(_notice(call.parts[0], call.body)))

    def _find(self, call: Call) -> Answer:
        return asdict(self.fees.find_booking(call.parts[0]))

    def _export(self, call: Call) -> Answer:
        citizen = _of(call).reference
        return {
            "asked_for": self.fees.data_of(citizen),
            "reservations": self.places.data_of(citizen),
        }

    def _erase(self, call: Call) -> Answer:
        self.fees.forget(_of(call).reference)
        self.places.forget(_of(call).reference)
        return {}

    def _count_free(self, call: Call) -> Answer:
        _of(call)
        return {"free": self.places.count_free(call.parts[0], call.query.get("day"))}

    def _reserve(self, call: Call) -> Answer:
        return {"number": self.places.reserve(call.key, _wish(call))}

    CALLS: ClassVar[list[tuple[str, str, Callable[["Parking", Call], Answer]]]] = [
        ("GET", r"/\.well-known/city-provider", _discover),
        ("GET", r"/health", _health),
        ("GET", r"/payables", _list),
        ("GET", r"/payables/([^/]+)", _get),
        ("PUT", r"/fulfilments/([^/]+)", _fulfil),
        ("GET", r"/fulfilments/([^/]+)", _find),
        ("GET", r"/personal-data", _export),
        ("DELETE", r"/personal-data", _erase),
        ("GET", r"/operations/parking-fee/car-parks/([^/]+)", _count_free),
        ("POST", r"/operations/parking-fee/car-parks/([^/]+)/reservations", _reserve),
    ]


def serve(parking: Parking, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server at an address; whoever has it calls `serve_forever`."""

    class Handler(_Handler):
        service = parking

    return ThreadingHTTPServer((host, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    """One connection: requests are read whole, admitted, answered and signed."""

    service: ClassVar[Parking]
    protocol_version = "HTTP/1.1"
    timeout = 20

    def _handle(self) -> None:
        now = int(time.time())
        request = self._read()
        if request is None:
            return
        try:
            signed = self.service.admit(request, now)
        except BadSignature as refused:
            problem = {"type": "about:blank", "title": str(refused), "code": "bad-signature"}
            self._send(401, {"Content-Type": PROBLEM}, _bytes({**problem, "status": 401}))
            return
        status, said = self.service.answer(request, now)
        body = _bytes(said)
        kind = JSON if status == HTTPStatus.OK else PROBLEM
        headers = sign_answer(self.service.key, signed, status, kind, body, int(time.time()))
        self._send(status, headers, body)

    def _read(self) -> Request | None:
        """Return the request, or answer it and return None when it is of no form we take."""
        names = [name.lower() for name in self.headers]
        length = self.headers.get("content-length", "0")
        is_whole = "transfer-encoding" not in names and length.isascii() and length.isdigit()
        if not is_whole or len(set(names)) != len(names) or int(length) > LONGEST_BODY:
            self.close_connection = True
            self._send(400, {"Content-Type": PROBLEM}, _bytes({"code": "malformed"}))
            return None
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, self.path, headers, self.rfile.read(int(length)))

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet: addresses hold numbers of fees."""

    do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - the names that http.server calls


def _of(call: Call) -> Citizen:
    if call.citizen is None:
        raise Refused(403, "citizen-context-missing", "We do not know for whom")
    return call.citizen


def _payable(fee: Fee) -> Mapping[str, Any]:
    hours, minutes = divmod(fee.minutes, 60)
    return {
        "reference": fee.reference,
        "title": {
            "zh": f"停车费 {fee.plate} {hours}小时{minutes}分",
            "en": f"Parking fee {fee.plate}, {hours} h {minutes} min",
        },
        "amount": fee.amount,
        "currency": CURRENCY,
        "payee": PAYEE,
        "due_date": None,
        "version": str(fee.amount),
        "service": "parking-fee",
        "contestable": False,
    }


def _notice(key: str, body: bytes) -> Notice:
    try:
        said = json.loads(body)
        notice = Notice(**{field.name: said[field.name] for field in fields(Notice)})
        paid_at = datetime.fromisoformat(notice.paid_at)
    except (ValueError, KeyError, TypeError):
        raise Refused(422, "malformed-notice", "The notice is not of the contract's form") from None
    texts = (notice.key, notice.reference, notice.currency, notice.payee)
    is_sound = type(notice.amount) is int and all(type(text) is str for text in texts)
    if not is_sound or notice.key != key or paid_at.utcoffset() is None:
        raise Refused(422, "malformed-notice", "The notice is not of the contract's form")
    return notice


def _wish(call: Call) -> Wish:
    """Return what is wanted; the city lets nothing through that is not of the manifest's form."""
    said = json.loads(call.body)
    return Wish(_of(call).reference, call.parts[0], said["plate"], said["minutes"])


def _is_too_late(deadline: str | None, now: int) -> bool:
    try:
        return deadline is not None and datetime.fromisoformat(deadline).timestamp() < now
    except ValueError:
        return True


def _bytes(said: object) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()
