"""Integrators' servers on loopback: they keep what they hear, and answer as they are told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Heard:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """One address of a server; `answers` are given one after the other, then 204 for ever.

    None hangs up without an answer; a place instead of a status sends the caller there (302). Each
    takes so many `seconds`.
    """

    url: str
    heard: list[Heard] = field(default_factory=list)
    answers: list[int | str | None] = field(default_factory=list)
    text: bytes = b""
    seconds: float = 0.0

    @property
    def ids(self) -> list[str]:
        """Return the `webhook-id` of everything that was heard, in its order."""
        return [one.headers["webhook-id"] for one in self.heard]


@dataclass
class Place:
    """A server with any number of addresses; `lost` is what came to none of them."""

    place: str = ""
    receivers: dict[str, Receiver] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receiver(self) -> Receiver:
        """Return an address that nobody has called."""
        path = f"/events/{len(self.receivers) + 1}"
        self.receivers[path] = made = Receiver(f"http://{self.place}{path}")
        return made


@contextmanager
def receive() -> Iterator[Place]:
    """Serve integrators on loopback."""
    place = Place()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            with place.lock:
                receiver = place.receivers.get(self.path)
                if receiver is None:
                    place.lost.append(self.path)
                    return
                receiver.heard.append(Heard(self.path, named, body))
                answer = receiver.answers.pop(0) if receiver.answers else 204
            time.sleep(receiver.seconds)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(302 if isinstance(answer, str) else answer)
            if isinstance(answer, str):
                self.send_header("Location", answer)
            text = b"" if answer == 204 else receiver.text
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            place.lost.append(self.path)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    place.place = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        server.server_close()
