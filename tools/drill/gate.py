"""Stands before a provider and, when told so, makes of it one that is slow, dead or lying."""

import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

MODES = ("hang", "crash", "trickle", "lie", "garbage", "flood")
"""What a provider can do: never answer, hang up, send a byte at a time, send another body than was
signed, send noise, send ten gigabytes."""

HEALTHY = "healthy"
FLOOD_BYTES = 10 * 10**9
_PIECE = 64 * 1024
_LONGEST = 30.0


@dataclass
class Gate:
    """A provider's public address; `mode` may be changed at any time."""

    upstream: str = ""
    mode: str = HEALTHY
    healed: threading.Event = field(default_factory=threading.Event)

    def turn(self, mode: str) -> None:
        """Behave like this from the next request on; whoever hangs is let go by healing."""
        self.mode = mode
        if mode == HEALTHY:
            self.healed.set()
        else:
            self.healed.clear()


@contextmanager
def open_gate(port: int, upstream: str = "") -> Iterator[Gate]:
    """Listen at a port of this machine and hand requests on to a provider's inner address."""
    gate = Gate(upstream)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while request := _read_message(self.request):
                    if not _answer(gate, self.request, request):
                        return

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield gate
        finally:
            gate.turn(HEALTHY)
            server.shutdown()
            thread.join()


def _answer(gate: Gate, client: socket.socket, request: bytes) -> bool:
    """Answer one request as the mode says; return whether the connection goes on."""
    mode = gate.mode
    if mode == HEALTHY:
        client.sendall(_ask(gate.upstream, request))
        return True
    _MISDEEDS[mode](gate, client, request)
    return False


def _hang(gate: Gate, _: socket.socket, __: bytes) -> None:
    gate.healed.wait(_LONGEST)


def _crash(_: Gate, client: socket.socket, __: bytes) -> None:
    # No lingering: the other side sees a reset, as of a process that has died.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.close()


def _trickle(gate: Gate, client: socket.socket, request: bytes) -> None:
    for byte in _ask(gate.upstream, request):
        client.sendall(bytes([byte]))
        if gate.healed.wait(0.2):
            return


def _lie(gate: Gate, client: socket.socket, request: bytes) -> None:
    head, _, body = _ask(gate.upstream, request).partition(b"\r\n\r\n")
    changed = body.translate(bytes.maketrans(b"123456789", b"234567891"))
    client.sendall(head + b"\r\n\r\n" + changed)


def _garbage(_: Gate, client: socket.socket, __: bytes) -> None:
    client.sendall(os.urandom(2048))


def _flood(gate: Gate, client: socket.socket, _: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {FLOOD_BYTES}"
    client.sendall(f"{head}\r\n\r\n".encode())
    piece, ends = b" " * _PIECE, time.monotonic() + _LONGEST
    while not gate.healed.is_set() and time.monotonic() < ends:
        client.sendall(piece)


_MISDEEDS: dict[str, Callable[[Gate, socket.socket, bytes], None]] = {
    "hang": _hang,
    "crash": _crash,
    "trickle": _trickle,
    "lie": _lie,
    "garbage": _garbage,
    "flood": _flood,
}


def _ask(upstream: str, request: bytes) -> bytes:
    """Return the whole answer of the provider, which hears a connection of its own."""
    parts = urlsplit(upstream)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as behind:
        behind.sendall(request)
        return _read_message(behind)


def _read_message(source: socket.socket) -> bytes:
    """Return a message with its body, or nothing when the other side has gone."""
    read = b""
    while b"\r\n\r\n" not in read:
        piece = source.recv(_PIECE)
        if not piece:
            return b""
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = source.recv(_PIECE)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body
