"""What stands on the wire between the product and the outside: the place where blows fall.

Each process of the product has gates of its own, so that it is known who calls. A gate passes
calls on unchanged until one fits an armed blow; then the process is killed at exactly that moment
of the call, and the call reaches the other side or not as the moment says.
"""

import http.client
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import urlsplit

from proof import plan
from proof.values import Act, Blow, Moment, Place

_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
)
_PATIENCE_SECONDS = 40.0
_CALLS = (
    ("POST", r"/v1/payment_intents", plan.CREATE),
    ("GET", r"/v1/payment_intents/search", plan.SEARCH),
    ("GET", r"/v1/payment_intents/pi_\w+", plan.FETCH),
    ("POST", r"/v1/payment_intents/\w+/cancel", plan.CANCEL),
    ("POST", r"/v1/refunds", plan.REFUND),
    ("GET", r"/v1/refunds(/\w+)?", plan.REFUND_ASKED),
    ("POST", r"/billers/shiyan-(water|heat)/postings", plan.POSTING_KEYED),
    ("POST", r"/billers/shiyan-power/postings", plan.POSTING_ASKABLE),
    ("POST", r"/billers/shiyan-gas/postings", plan.POSTING_BLIND),
    ("GET", r"/billers/[\w-]+/postings/by-key/.+", plan.INQUIRY),
    ("GET", r"/billers/[\w-]+/bills/[^/]+", plan.QUOTE),
    ("POST", r"/v1/payments/webhooks/stripe", plan.WEBHOOK),
)


def operation_of(method: str, target: str) -> str | None:
    """Return the name of a call as plans know it."""
    path = target.partition("?")[0]
    for verb, pattern, name in _CALLS:
        if verb == method and re.fullmatch(pattern, path):
            return name
    return None


class Striker(Protocol):
    """Who carries out a blow; each call returns once the process is dead (or goes on)."""

    def may_strike(self, blow: Blow, caller: str) -> bool:
        """Say whether a blow can fall on this caller now."""

    def strike(self, blow: Blow, caller: str) -> None:
        """Do it."""

    def strike_before_commit(self, blow: Blow, caller: str, answer: Callable[[], None]) -> None:
        """Hand over the answer, and do it before anything that follows from it is committed."""


class Arms:
    """The blows that wait for their moment; the first that comes is taken and disarms the rest."""

    def __init__(self, may_strike: Callable[[Blow, str], bool]) -> None:
        self._may_strike = may_strike
        self._lock = threading.Lock()
        self._waiting: dict[Place, Blow] = {}
        self.sprung = threading.Event()

    def arm(self, blows: Mapping[Place, Blow]) -> None:
        """Wait for any one of these, each at its place."""
        with self._lock:
            self.sprung.clear()
            self._waiting = dict(blows)

    def disarm(self) -> bool:
        """Wait for none any more; say whether none had been taken."""
        with self._lock:
            self._waiting = {}
            return not self.sprung.is_set()

    def take(self, operation: str | None, moment: Moment, caller: str) -> Blow | None:
        """Return the blow that fits, for whoever asks first."""
        if operation is None or not self._waiting:
            return None
        with self._lock:
            blow = self._waiting.get(Place(operation, moment))
            if blow is None or not self._may_strike(blow, caller):
                return None
            self._waiting = {}
            self.sprung.set()
            return blow


Route = Callable[[], tuple[str, str]]
"""Which process of the product a call concerns, and the address that it goes to."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A listening gate; `url` is what its process is told instead of the other side's address."""

    url: str


@contextmanager
def open_gate(route: Route, *, arms: Arms, striker: Striker) -> Iterator[Gate]:
    """Stand between a process and another side until the block ends."""
    server = _Server(("127.0.0.1", 0), _Wire(route, arms, striker))
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="gate"
    )
    thread.start()
    try:
        yield Gate(f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class _Wire:
    """What a gate knows: where its calls go, and what may befall them."""

    route: Route
    arms: Arms
    striker: Striker


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def _pass(self) -> None:
        wire = self.server.wire
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        operation = operation_of(self.command, self.path)
        self.close_connection = True
        owner, target = wire.route()
        if self._is_struck(operation, Moment.BEFORE, owner):
            return
        netloc = urlsplit(target).netloc
        answer = _forward(netloc, self.command, self.path, dict(self.headers.items()), body)
        if self._is_struck(operation, Moment.ACTED, owner) or answer is None:
            return
        blow = wire.arms.take(operation, Moment.ANSWERED, owner)
        if blow is None:
            self._answer(answer)
        else:
            wire.striker.strike_before_commit(blow, owner, lambda: self._answer(answer))

    def _is_struck(self, operation: str | None, moment: Moment, owner: str) -> bool:
        """Strike if it is time; a caller that only stood still goes on with its call."""
        wire = self.server.wire
        blow = wire.arms.take(operation, moment, owner)
        if blow is not None:
            wire.striker.strike(blow, owner)
        return blow is not None and blow.act is not Act.FREEZE

    def _answer(self, answer: tuple[int, list[tuple[str, str]], bytes]) -> None:
        status, headers, content = answer
        with suppress(OSError):
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 - the base's names


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], wire: _Wire) -> None:
        self.wire = wire
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever called may be dead by now, which is the point."""


def _forward(
    netloc: str, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes] | None:
    """Return the other side's answer, or None when it hung up without one."""
    connection = http.client.HTTPConnection(netloc, timeout=_PATIENCE_SECONDS)
    sent = {name: value for name, value in headers.items() if name.lower() not in _HOP}
    try:
        connection.request(method, path, body=body or None, headers=sent)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
