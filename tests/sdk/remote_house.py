"""A parking company in its own house, written from the wire contract alone: nothing of ours in it.

Signatures are made and checked by hand (RFC 9421, RFC 9530), so that both sides cannot be wrong in
the same way. What it does wrong, and in which calls, tests say by `fault`.
"""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

JSON, PROBLEM = "application/json", "application/problem+json"
NEEDED = {"@method", "@authority", "@path", "@query", "request-id", "request-deadline"}
KEY_ID = "parking-1"


@dataclass
class Call:
    """A request as it arrived, and what it said of the citizen."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    citizen: dict[str, Any] | None


@dataclass
class Fault:
    """What the company does wrong, in the next `times` calls of a method."""

    kind: str
    method: str = ""
    times: int = 1_000_000
    hits: int = 0


class Refused(Exception):
    """The company says no."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass
class Company:
    """What the company keeps: its tickets, and what it was told was paid."""

    service: str = "parking-fee"
    payee: str = "parking-company"
    city_key: Ed25519PublicKey | None = None
    name: str = "parking"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    paid: dict[str, str] = field(default_factory=dict)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, list[str]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    of_itself: dict[str, Any] = field(default_factory=dict)
    fault: Fault | None = None
    base: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    let_go: threading.Event = field(default_factory=threading.Event)
    sent: int = 0
    held: int = 0
    most_held: int = 0
    holds: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.of_itself = {
            "/.well-known/city-provider": {
                "contract": 1,
                "name": self.name,
                "health": "/health",
            },
            "/health": {"status": "ok"},
        }

    def issue(self, reference: str, amount: int = 500, **changes: object) -> str:
        """Write a ticket that anybody may pay who knows it."""
        self.tickets[reference] = {
            "reference": reference,
            "title": {"zh": f"停车费 {reference}", "en": f"Parking {reference}"},
            "amount": amount,
            "currency": "CNY",
            "payee": self.payee,
            "due_date": "2026-12-24",
            "version": "1",
            "service": self.service,
            "contestable": False,
            **changes,
        }
        return reference

    def count(self, method: str, path: str = "") -> int:
        """Return how often it was called so."""
        with self.lock:
            return sum(c.method == method and c.path.startswith(path) for c in self.calls)

    @contextmanager
    def failing(self, kind: str, method: str = "", times: int = 1_000_000) -> Iterator[Fault]:
        """Let it do something wrong for the enclosed lines."""
        self.fault = Fault(kind, method, times)
        try:
            yield self.fault
        finally:
            self.fault = None

    def answer(self, call: Call) -> tuple[int, object]:
        """Return what a request is answered."""
        if call.path in self.of_itself:
            return 200, self.of_itself[call.path]
        return self._act(call)

    def _act(self, call: Call) -> tuple[int, object]:
        _, *parts = call.path.split("/")
        with self.lock:
            if parts[0] == "payables":
                return 200, self._payables(parts[1:], call)
            if parts[0] == "fulfilments" and call.method == "PUT":
                return 200, self._fulfil(unquote(parts[1]), json.loads(call.body))
            if parts[0] == "fulfilments":
                if unquote(parts[1]) not in self.told:
                    raise Refused(404, "not-found")
                return 200, self.told[unquote(parts[1])]
            if parts[0] == "personal-data" and call.citizen is not None:
                seen = self.people.get(call.citizen["sub"], [])
                if call.method == "DELETE":
                    self.people.pop(call.citizen["sub"], None)
                    return 200, {}
                return 200, {"looked_at": seen}
            if parts[0] == "operations" and call.citizen is not None:
                return self._operate(call)
        raise Refused(404, "not-found")

    def _operate(self, call: Call) -> tuple[int, object]:
        if call.method == "GET":
            return 200, self.said or {"free": 7}
        said = json.loads(call.body or b"{}")
        if call.method == "DELETE" or "text" in said:
            return 200, {}
        wanted = said["places"]
        if wanted > 7:
            raise Refused(409, "no-space" if wanted < 50 else "we-hate-mondays")
        key = call.headers["idempotency-key"]
        return 200, {"number": self.places.setdefault(key, f"R-{len(self.places) + 1}")}

    def _payables(self, rest: list[str], call: Call) -> object:
        if call.citizen is None:
            raise Refused(403, "no-citizen")
        if not rest:
            unpaid = [t for name, t in self.tickets.items() if name not in self.paid]
            return {"items": unpaid}
        reference = unquote(rest[0])
        if reference not in self.tickets:
            raise Refused(404, "ticket-not-found")
        if reference in self.paid:
            raise Refused(409, "already-paid")
        self.people.setdefault(call.citizen["sub"], []).append(reference)
        return self.tickets[reference]

    def _fulfil(self, key: str, notice: dict[str, Any]) -> object:
        if key in self.told:
            return self.told[key]
        ticket = self.tickets.get(notice["reference"])
        if ticket is None:
            raise Refused(404, "ticket-not-found")
        if notice["reference"] in self.paid:
            raise Refused(409, "already-paid")
        if notice["amount"] != ticket["amount"]:
            raise Refused(422, "another-amount")
        self.paid[notice["reference"]] = key
        moment = datetime.now(UTC).isoformat()
        self.told[key] = {"reference": f"B-{len(self.told) + 1}", "at": moment}
        return self.told[key]


def digest(body: bytes) -> str:
    """Return the Content-Digest of a body (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def member(field_value: str, label: str) -> str:
    """Return one member of a dictionary field (RFC 8941)."""
    found = re.search(rf"(?:^|,\s*){label}=(.*?)(?:,\s*[a-z-]+=\(|$)", field_value)
    if found is None:
        raise Refused(401, "no-signature")
    return found.group(1)


def check_request(call: Call, key: Ed25519PublicKey) -> None:
    """Refuse a request that the city has not signed just now, all of it."""
    said = member(call.headers.get("signature-input", ""), "city")
    names = re.findall(r'"([^"]+)"', said[: said.index(")")])
    present = {"idempotency-key", "citizen-context", "content-digest", "content-type"}
    needed = NEEDED | (present & call.headers.keys())
    if not needed <= set(names) or 'tag="city-to-provider"' not in said:
        raise Refused(401, "not-all-is-signed")
    created = int(re.findall(r"created=(\d+)", said)[0])
    if abs(time.time() - created) > 60 or f"expires={created + 60}" not in said:
        raise Refused(401, "signature-too-old")
    lines = [f'"{name}": {_component(name, call)}' for name in names]
    lines.append(f'"@signature-params": {said}')
    raw = member(call.headers["signature"], "city").strip(":")
    try:
        key.verify(base64.b64decode(raw), "\n".join(lines).encode())
    except InvalidSignature as error:
        raise Refused(401, "wrong-signature") from error
    if call.body and call.headers.get("content-digest") != digest(call.body):
        raise Refused(401, "another-body")


def _component(name: str, call: Call) -> str:
    parts = urlsplit(call.path)
    derived = {
        "@method": call.method,
        "@authority": call.headers["host"],
        "@path": parts.path,
        "@query": f"?{parts.query}",
    }
    return derived[name] if name in derived else call.headers[name]


def read_context(token: str, key: Ed25519PublicKey, name: str) -> dict[str, Any]:
    """Return what the city says of a citizen, or refuse it."""
    head, payload, signature = token.split(".")
    key.verify(_decode(signature), f"{head}.{payload}".encode())
    header, claims = json.loads(_decode(head)), json.loads(_decode(payload))
    is_meant = claims["aud"] == f"provider:{name}" and header["typ"] == "citizen-context+jwt"
    if not is_meant or not claims["iat"] <= claims["exp"] <= claims["iat"] + 60:
        raise Refused(401, "no-citizen")
    return dict(claims)


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def sign_answer(
    key: Ed25519PrivateKey, status: int, media_type: str, body: bytes, request_signature: str
) -> dict[str, str]:
    """Return the headers of an answer to the request that was signed so."""
    said = (
        '("@status" "content-digest" "content-type" "signature";req;key="city")'
        f';created={int(time.time())};keyid="{KEY_ID}";alg="ed25519";tag="provider-to-city"'
    )
    lines = (
        f'"@status": {status}',
        f'"content-digest": {digest(body)}',
        f'"content-type": {media_type}',
        f'"signature";req;key="city": {request_signature}',
        f'"@signature-params": {said}',
    )
    made = base64.b64encode(key.sign("\n".join(lines).encode())).decode()
    return {
        "Content-Type": media_type,
        "Content-Digest": digest(body),
        "Signature-Input": f"provider={said}",
        "Signature": f"provider=:{made}:",
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    company: Company

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        company = self.company
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, self.path, headers, body, None)
        fault = company.fault
        if fault is not None and (fault.method not in {"", call.method} or fault.times <= 0):
            fault = None
        if fault is not None:
            fault.times -= 1
            fault.hits += 1
        try:
            key = company.city_key
            assert key is not None
            check_request(call, key)
            if "citizen-context" in headers:
                call.citizen = read_context(headers["citizen-context"], key, company.name)
            with company.lock:
                company.calls.append(call)
            if fault is not None and fault.kind in BEFORE:
                BEFORE[fault.kind](self)
                return
            status, content = company.answer(call)
            media_type = JSON
        except Refused as refused:
            status, media_type = refused.status, PROBLEM
            content = {"type": "about:blank", "status": status, "code": refused.code}
        answer = json.dumps(content).encode()
        signature = member(headers.get("signature", "city=::"), "city")
        signed = sign_answer(company.key, status, media_type, answer, signature)
        if fault is not None:
            AFTER[fault.kind](self, status, signed, answer)
            return
        self.send(status, signed, answer)

    do_GET = do_PUT = do_DELETE = do_POST = _serve  # noqa: N815 - the library's names

    def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def sign(self, status: int, media_type: str, body: bytes) -> dict[str, str]:
        signature = member(self.headers.get("Signature", ""), "city")
        return sign_answer(self.company.key, status, media_type, body, signature)

    def send_signed(self, status: int, media_type: str, body: bytes) -> None:
        self.send(status, self.sign(status, media_type, body), body)

    def hang_up(self) -> None:
        self.close_connection = True

    def hold(self) -> None:
        """Say nothing until the city hangs up, and count how many of it wait for that at once."""
        company = self.company
        with company.lock:
            company.held += 1
            company.most_held = max(company.most_held, company.held)
        company.holds.set()
        self.close_connection = True
        self.connection.settimeout(30)
        with suppress(OSError):
            self.connection.recv(1)
        with company.lock:
            company.held -= 1

    def stream(self, piece: bytes, pieces: int, pause: float) -> None:
        """Send an endless body piece by piece until nobody listens any more."""
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", str(10 * 1024**3))
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            for _ in range(pieces):
                self.wfile.write(piece)
                self.company.sent += len(piece)
                if pause and self.company.let_go.wait(pause):
                    return


def _problem(status: int) -> bytes:
    return json.dumps({"status": status, "code": "out-of-order"}).encode()


BEFORE: dict[str, Callable[[_Handler], object]] = {
    "unsigned 500": lambda h: h.send(500, {"Content-Type": JSON}, b"{}"),
    "unsigned 503": lambda h: h.send(503, {"Content-Type": PROBLEM}, _problem(503)),
    "unsigned 404": lambda h: h.send(404, {"Content-Type": PROBLEM}, _problem(404)),
    "unsigned page": lambda h: h.send(502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"),
    "signed 500": lambda h: h.send_signed(500, PROBLEM, _problem(500)),
    "signed 503": lambda h: h.send_signed(503, PROBLEM, _problem(503)),
    "signed 404 without code": lambda h: h.send_signed(404, JSON, b"{}"),
    "signed 202": lambda h: h.send_signed(202, JSON, b"{}"),
    "signed 422": lambda h: h.send_signed(422, PROBLEM, _problem(422)),
    "signed garbage": lambda h: h.send_signed(200, JSON, b"\x00{nonsense"),
    "signed nonsense": lambda h: h.send_signed(200, JSON, b'{"reference": 7}'),
    "signed page": lambda h: h.send_signed(200, "text/html", b"<h1>Welcome</h1>"),
    "redirect": lambda h: h.send(
        302, {**h.sign(302, JSON, b"{}"), "Location": f"{h.company.base}/elsewhere"}, b"{}"
    ),
    "hang up": _Handler.hang_up,
    "hang up late": lambda h: (h.company.let_go.wait(0.8), h.hang_up()),
    "hold": _Handler.hold,
    "hang": lambda h: (h.company.let_go.wait(30), h.hang_up()),
    "ten gigabytes": lambda h: h.stream(b" " * 65_536, 10 * 16_384, 0),
    "trickle": lambda h: h.stream(b" ", 60, 0.05),
}
"""What is done instead of acting."""


def _wrong_key(h: _Handler, status: int, headers: dict[str, str], body: bytes) -> None:
    signature = member(h.headers.get("Signature", ""), "city")
    key = Ed25519PrivateKey.generate()
    h.send(status, sign_answer(key, status, headers["Content-Type"], body, signature), body)


def _other_request(h: _Handler, status: int, headers: dict[str, str], body: bytes) -> None:
    other = f":{base64.b64encode(bytes(64)).decode()}:"
    h.send(status, sign_answer(h.company.key, status, headers["Content-Type"], body, other), body)


AFTER: dict[str, Callable[[_Handler, int, dict[str, str], bytes], object]] = {
    "lost answer": lambda h, *_: h.hang_up(),
    "no signature": lambda h, status, headers, body: h.send(
        status, {"Content-Type": headers["Content-Type"]}, body
    ),
    "wrong key": _wrong_key,
    "another request's": _other_request,
    "swapped body": lambda h, status, headers, body: h.send(
        status, headers, b" " + body.replace(b"500", b"501").replace(b"B-", b"C-")
    ),
    "swapped status": lambda h, status, headers, body: h.send(
        404 if status == 200 else 200, headers, body
    ),
}
"""What goes wrong after it has acted."""


@contextmanager
def open_company(company: Company) -> Iterator[Company]:
    """Let a company serve on a port of its own, in threads of its own."""
    handler = type("Handler", (_Handler,), {"company": company})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    company.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield company
    finally:
        company.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
