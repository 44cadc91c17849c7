"""A server of a client's: publishes its keys, and hears that somebody has logged out."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Listener:
    """What a client's server answers and hears."""

    url: str = ""
    keys: Any = field(default_factory=lambda: {"keys": []})
    status: int = 200
    fetched: int = 0
    heard: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Return the host and port."""
        return self.url.removeprefix("http://")


@contextmanager
def listen() -> Iterator[Listener]:
    """Serve one client on loopback."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listener.fetched += 1
            self._answer(json.dumps(listener.keys).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            listener.heard += parse_qs(body)["logout_token"]
            self._answer(b"{}")

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, body: bytes) -> None:
            self.send_response(listener.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
