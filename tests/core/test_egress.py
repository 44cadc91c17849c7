"""The one client for foreign calls: what is signed is sent as it is, a file goes to a file."""

import contextlib
import gzip
import io
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.core.egress import MAX_ANSWER, MAX_HEAD, Egress, EgressRefused, NoAnswer, Reply

BIG = MAX_ANSWER * 3
BOMB = gzip.compress(bytes(20 * MAX_ANSWER))
LIMITS = {"connect_seconds": 20.0, "total_seconds": 20.0}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with what the path names."""
        if self.path == "/asked":
            self._send(200, json.dumps(dict(self.headers)).encode(), **{"Set-Cookie": "a=b"})
        elif self.path == "/moved":
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
    yield from _serve(ThreadingHTTPServer(("127.0.0.1", 0), _Answers))


def _serve(server: socketserver.ThreadingTCPServer) -> Iterator[str]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
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


# What a server sends, to the byte, and why it is no answer.
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
NO_ANSWERS = {
    "a head without end": HEAD + b"X: " + b"x" * MAX_HEAD + b"\r\n\r\n{}",
    "many short lines": HEAD
    + b"X: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" * 700
    + b"\r\n{}",
    "heads before the head": b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + HEAD + b"\r\n{}",
    "hints, and then the answer": b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + HEAD + b"\r\n{}",
    "a protocol that was not asked for": b"HTTP/1.1 101 Switching Protocols\r\n\r\n{}",
    "what was compressed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "
    + str(len(BOMB)).encode()
    + b"\r\n\r\n"
    + BOMB,
    "a chunk whose length has no end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"
    + b"x" * MAX_HEAD
    + b"\r\n1\r\n0\r\n\r\n",
    "more than it may be": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"100000\r\n%s\r\n" % (b"x" * MAX_ANSWER) * 2
    + b"0\r\n\r\n",
    "less than was announced": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}",
    "another language": b"SSH-2.0-OpenSSH_9.9\r\n",
    "silence": b"",
}


@pytest.fixture
def says(request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve exactly these bytes to whoever asks, then hang up."""

    class Says(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(request.param)

    yield from _serve(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Says))


@pytest.mark.parametrize("says", NO_ANSWERS.values(), ids=list(NO_ANSWERS), indirect=True)
def test_what_is_no_answer_is_none(says: str) -> None:
    egress = Egress(frozenset({says.removeprefix("http://")}))
    with pytest.raises(NoAnswer) as refused:
        egress.request("GET", says, **LIMITS)
    egress.close()
    assert refused.value.may_have_acted


@pytest.mark.parametrize(
    "says", [HEAD + b"X: " + b"x" * (MAX_HEAD - len(HEAD) - 7) + b"\r\n\r\n{}"], indirect=True
)
def test_a_head_may_be_as_long_as_it_may_be(says: str) -> None:
    egress = Egress(frozenset({says.removeprefix("http://")}))
    assert egress.request("GET", says, **LIMITS).json() == {}
    egress.close()


@pytest.mark.parametrize(
    "says",
    [b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX: 1\r\nx: 2\r\nContent-Length: 0\r\n\r\n"],
    indirect=True,
)
def test_a_field_that_stands_twice_is_read_as_one(says: str) -> None:
    egress = Egress(frozenset({says.removeprefix("http://")}))
    assert egress.request("GET", says, **LIMITS).headers["x"] == "1, 2"
    egress.close()


@pytest.mark.parametrize("part", ["head", "body"])
def test_whoever_trickles_gets_no_more_time(part: str) -> None:
    """Each byte comes in time; the answer would be whole after some twenty seconds."""
    sent = HEAD + b"X: " + b"x" * 400 + b"\r\n\r\n{}"
    if part != "head":
        sent = b"HTTP/1.1 200 OK\r\nContent-Length: 402\r\n\r\n" + b"x" * 402

    class Trickles(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            at_once = 0 if part == "head" else len(sent) - 402
            self.request.sendall(sent[:at_once])
            with contextlib.suppress(OSError):
                for byte in sent[at_once:]:
                    self.request.sendall(bytes([byte]))
                    threading.Event().wait(0.05)

    with contextlib.contextmanager(_serve)(
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Trickles)
    ) as url:
        egress = Egress(frozenset({url.removeprefix("http://")}))
        with pytest.raises(NoAnswer):
            egress.request("GET", url, connect_seconds=0.3, total_seconds=0.3)
        egress.close()


def test_no_cookie_is_kept_and_nothing_compressed_is_asked_for(egress: Egress, url: str) -> None:
    for _ in range(2):
        asked = egress.request("GET", f"{url}/asked", **LIMITS).json()
        assert asked["Accept-Encoding"] == "identity"
        assert "Cookie" not in asked


def test_an_answer_that_was_not_read_to_its_end_is_not_the_next_ones_beginning(
    egress: Egress, url: str
) -> None:
    for _ in range(3):
        with pytest.raises(NoAnswer):
            egress.request("GET", f"{url}/file", **LIMITS)
        reply = egress.request("POST", url, content=b"a", headers={"Content-Type": "b"}, **LIMITS)
        assert reply.body == b"b|a"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"[" * 21 + b"]" * 21,
        b'{"a": 1}x',
        b'{"a": "\\ud800"}',
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"[1e999]",
        b"",
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(body: bytes) -> None:
    with pytest.raises(NoAnswer):
        Reply(200, {}, body).json()


def test_a_long_list_is_read() -> None:
    items = [{"reference": str(number)} for number in range(5_000)]
    assert Reply(200, {}, json.dumps({"items": items}).encode()).json() == {"items": items}


def test_a_name_whose_servers_are_silent_is_no_answer() -> None:
    may_speak = threading.Event()

    def silent(name: str) -> tuple[str, ...]:
        may_speak.wait(60)
        raise OSError(name)

    egress = Egress(ask=silent)
    with pytest.raises(NoAnswer) as refused:
        egress.request("GET", "https://silent.example/", connect_seconds=0.05, total_seconds=0.1)
    may_speak.set()
    egress.close()
    assert not refused.value.may_have_acted


@pytest.mark.parametrize("address", ["http://example.org/f", "ftp://example.org/f", "https:///f"])
def test_an_address_that_may_not_be_called_is_not_fetched_from(
    egress: Egress, address: str
) -> None:
    with pytest.raises(EgressRefused) as refused:
        egress.download(address, io.BytesIO(), max_bytes=1, **LIMITS)
    assert not refused.value.may_have_acted
