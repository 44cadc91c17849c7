"""The one client for foreign calls: what is signed is sent as it is, a file goes to a file."""

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.core.egress import MAX_ANSWER, Egress, EgressRefused, NoAnswer

BIG = MAX_ANSWER * 3
LIMITS = {"connect_seconds": 2.0, "total_seconds": 20.0}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with what the path names."""
        if self.path == "/moved":
            self._send(302, b"", Location="/file")
        elif self.path == "/gone":
            self._send(404, b"no such file")
        elif self.path == "/cut":
            self._send(200, b"x" * 1000, length=2000)
            self.close_connection = True
        else:
            self._send(200, b"x" * BIG)

    def do_POST(self) -> None:
        """Return the body and its type."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(200, self.headers["Content-Type"].encode() + b"|" + body)

    def _send(self, status: int, body: bytes, *, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the answers above on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def egress(url: str) -> Iterator[Egress]:
    """Return a client that may call there."""
    made = Egress(frozenset({url.removeprefix("http://")}))
    yield made
    made.close()


def test_what_was_signed_is_sent_to_the_byte(egress: Egress, url: str) -> None:
    content = '{"b": 1,  "a": "武当"}'.encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    reply = egress.request("POST", url, content=content, headers=headers, **LIMITS)
    assert reply.body == b"application/json; charset=utf-8|" + content


def test_a_large_file_is_written_where_an_answer_would_be_refused(egress: Egress, url: str) -> None:
    into = io.BytesIO()
    egress.download(f"{url}/file", into, max_bytes=BIG, **LIMITS)
    assert len(into.getvalue()) == BIG
    with pytest.raises(NoAnswer):
        egress.request("GET", f"{url}/file", **LIMITS)


@pytest.mark.parametrize(
    ("path", "most"), [("/file", BIG - 1), ("/gone", BIG), ("/moved", BIG), ("/cut", BIG)]
)
def test_a_file_that_is_not_there_to_its_end_is_none(
    egress: Egress, url: str, path: str, most: int
) -> None:
    with pytest.raises(NoAnswer):
        egress.download(url + path, io.BytesIO(), max_bytes=most, **LIMITS)
    # The connection was not left with half an answer in it.
    again = io.BytesIO()
    egress.download(f"{url}/file", again, max_bytes=BIG, **LIMITS)
    assert len(again.getvalue()) == BIG


@pytest.mark.parametrize("address", ["http://example.org/f", "ftp://example.org/f", "https:///f"])
def test_an_address_that_may_not_be_called_is_not_fetched_from(
    egress: Egress, address: str
) -> None:
    with pytest.raises(EgressRefused):
        egress.download(address, io.BytesIO(), max_bytes=1, **LIMITS)
