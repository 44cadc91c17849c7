"""A proxy between the product and one outside system, which can do something at a given call."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Trap:
    """What happens at the first call that fits: `before` it is passed on or `after` it acted.

    The caller gets no answer.
    """

    moment: Literal["before", "after"]
    fits: Callable[[str, str, bytes], bool]
    act: Callable[[], None]
    sprung: threading.Event = field(default_factory=threading.Event)


class Gatekeeper:
    """The proxy; `url` is what the product is told instead of the system's own address."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.url = ""
        self._traps: list[Trap] = []
        self._lock = threading.Lock()

    @contextmanager
    def trap(self, trap: Trap) -> Iterator[threading.Event]:
        """Set a trap for the enclosed lines; the event says that it was sprung."""
        self._traps.append(trap)
        try:
            yield trap.sprung
        finally:
            self._traps.remove(trap)

    def spring(self, moment: str, method: str, path: str, body: bytes) -> bool:
        """Act if a trap of this moment fits, once each; say whether one did."""
        with self._lock:
            for trap in self._traps:
                if (
                    trap.moment == moment
                    and not trap.sprung.is_set()
                    and trap.fits(method, path, body)
                ):
                    trap.act()
                    trap.sprung.set()
                    return True
        return False


@contextmanager
def guard(target: str) -> Iterator[Gatekeeper]:
    """Stand before a system until the block ends."""
    keeper = Gatekeeper(target)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(keeper))
    server.daemon_threads = True
    keeper.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield keeper
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(keeper: Gatekeeper) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if keeper.spring("before", self.command, self.path, body):
                return
            status, headers, content = self._forward(body)
            if keeper.spring("after", self.command, self.path, body):
                return
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(urlsplit(keeper.target).netloc, timeout=30)
            headers = {n: v for n, v in self.headers.items() if n.lower() not in _HOP}
            try:
                connection.request(self.command, self.path, body=body or None, headers=headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()

        do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 - the base's names

    return Handler
