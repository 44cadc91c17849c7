"""The one client for calls to other systems: nothing inward, deadlines, size limits, no surprises.

A name is looked up once for each connection; if any of its addresses leads inward there is none,
else the connection goes to an address that was looked at, with the name for TLS. https only,
except exact loopback pairs of host and port that the sandbox profile lists. No redirects, no
proxies of the environment, no cookies, no compression. Never called while a transaction is open.
"""

import http.client
import io
import json
import re
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, BinaryIO
from urllib.parse import urlencode

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from app.core import strict_json
from app.core.clock import monotonic
from app.core.logs import get_logger
from app.core.names import Ask, Names, ask_system
from app.core.networks import is_inward, is_loopback
from app.core.unit_of_work import forbid_open_transaction

log = get_logger("egress")

MAX_ANSWER = 1024 * 1024
MAX_HEAD = 32 * 1024
_CHUNK = 64 * 1024
_PLACES = 100
_CONNECTIONS = 8
_ADDRESSES = 4
_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65_535
_LONGEST_NAME = 253

# RFC 3986, with nothing in it that two readers could take for different things: no user, no
# fragment, no zone, no character that somebody might mend.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<authority>(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?)"
    r"(?P<path>/(?:[a-z0-9._~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?"
    r"(?P<query>\?(?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?",
    re.IGNORECASE | re.ASCII,
)
# A name whose last part could be a number is no name (2130706433, 0x7f000001, 127.1).
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")


class NoAnswer(Exception):
    """The other system did not give a usable answer.

    `may_have_acted` says whether the request can have reached it: then the outcome is unknown and
    must be asked for, never guessed.
    """

    def __init__(self, reason: str, *, may_have_acted: bool) -> None:
        super().__init__(reason)
        self.may_have_acted = may_have_acted


class EgressRefused(NoAnswer):
    """The address is not one this installation may call; nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, may_have_acted=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers in lower case, and the bytes of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body as strict JSON; raise `NoAnswer` (it may have acted) for anything else.

        A member that stands twice, NaN, another encoding and more than 20 levels are refused.
        """
        try:
            return strict_json.parse(self.body)
        except strict_json.NotStrictJson as error:
            raise NoAnswer("the answer is not JSON", may_have_acted=True) from error


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a URL leads: the parts that count, each read once and by nobody else."""

    scheme: str
    host: str
    port: int
    authority: str
    target: str

    @property
    def pair(self) -> str:
        return f"{self.host}:{self.port}"


def check_address(url: str, loopback: frozenset[str] = frozenset()) -> None:
    """Raise `EgressRefused` for an address that can never be called, whatever its name leads to.

    For whoever writes an address down; a name's own addresses are looked at with each connection.
    """
    _allowed(url, loopback, frozenset())


class Egress:
    """Calls other systems over HTTP; safe to share between threads.

    `loopback` are pairs of host and port that plain http may go to, and only on this machine.
    `inward` are pairs that may lead inward, over https all the same: systems of the city's own,
    never places that somebody else has named. `ask` looks a name up (in tests).
    """

    def __init__(
        self,
        loopback: frozenset[str] = frozenset(),
        *,
        inward: frozenset[str] = frozenset(),
        ask: Ask = ask_system,
    ) -> None:
        self._loopback = loopback
        self._inward = inward
        self._names = Names(ask)
        self._tls = ssl.create_default_context()
        self._pools: OrderedDict[tuple[str, str, int], urllib3.HTTPConnectionPool] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, url: str) -> None:
        """Raise `EgressRefused` for an address that this client can never call."""
        _allowed(url, self._loopback, self._inward)

    def request(
        self,
        method: str,
        url: str,
        *,
        connect_seconds: float,
        total_seconds: float,
        body: object | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request, JSON (or a form) in and JSON out; return whatever status comes back.

        `content` is sent as it is, for whoever has signed it; `headers` then name its type.
        Raise `NoAnswer` when none comes within `total_seconds`, and `EgressRefused` for an address
        that is not allowed. A body over 1 MiB, a head over 32 KiB, a redirect, a compressed or a
        broken answer counts as none.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            sent["Content-Type"] = "application/json"
        if form is not None:
            content = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        timeout = urllib3.Timeout(connect=connect_seconds, total=total_seconds)
        return _read(self._send(method, url, content, sent, timeout))

    def download(
        self,
        url: str,
        into: BinaryIO,
        *,
        connect_seconds: float,
        total_seconds: float,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Write a file of another system into an open one, piece by piece, in bounded memory.

        Raise `NoAnswer` for any status but 200, for a file over `max_bytes` and for one that does
        not come to its end in time.
        """
        timeout = urllib3.Timeout(connect=connect_seconds, total=total_seconds)
        answer = self._send("GET", url, None, dict(headers or {}), timeout)
        into.writelines(_pieces(answer, max_bytes))
        if answer.status != 200:  # noqa: PLR2004 - a part of a file, or a page about its absence
            raise NoAnswer(f"status {answer.status} instead of a file", may_have_acted=False)

    def close(self) -> None:
        """Close every pooled connection."""
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()
        self._names.close()

    def _send(
        self,
        method: str,
        url: str,
        content: bytes | None,
        headers: dict[str, str],
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse:
        place = _allowed(url, self._loopback, self._inward)
        forbid_open_transaction(place.authority)
        try:
            return self._pool(place).urlopen(
                method,
                place.target,
                body=content,
                headers={"Accept-Encoding": "identity", **headers},
                redirect=False,
                preload_content=False,
                decode_content=False,
                timeout=timeout,
            )
        except HTTPError as error:  # what happens before anything is sent is told by `_connect`
            raise NoAnswer(type(error).__name__, may_have_acted=True) from error

    def _pool(self, place: _Place) -> urllib3.HTTPConnectionPool:
        key = place.scheme, place.host, place.port
        with self._lock:
            pool = self._pools.get(key) or self._make_pool(place)
            self._pools[key] = pool
            self._pools.move_to_end(key)
            if len(self._pools) > _PLACES:
                self._pools.popitem(last=False)  # closes once the last answer from it is read
        return pool

    def _make_pool(self, place: _Place) -> urllib3.HTTPConnectionPool:
        host = place.host.strip("[]")
        connect = partial(self._connect, place)
        if place.scheme == "http":
            return _PlainPool(
                host, place.port, maxsize=_CONNECTIONS, retries=False, connect=connect
            )
        return _TlsPool(
            host,
            place.port,
            maxsize=_CONNECTIONS,
            retries=False,
            ssl_context=self._tls,
            connect=connect,
        )

    def _connect(self, place: _Place, seconds: float) -> socket.socket:
        """Return a connection to an address that was looked at; TLS has what is left of the time.

        Raise `NoAnswer` that cannot have acted.
        """
        ends = monotonic() + seconds
        fault: OSError = TimeoutError()
        try:
            for address in self._addresses(place, seconds)[:_ADDRESSES]:
                left = ends - monotonic()
                if left <= 0:
                    break
                try:
                    made = socket.create_connection((address, place.port), timeout=left)
                except OSError as error:
                    fault = error
                    continue
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.settimeout(max(ends - monotonic(), 0.001))
                return made
        except OSError as error:
            fault = error
        raise NoAnswer(f"no connection: {type(fault).__name__}", may_have_acted=False) from fault

    def _addresses(self, place: _Place, seconds: float) -> tuple[str, ...]:
        """Look a place up, once, and refuse all of it if any of it is not where it should be."""
        literal = _literal(place.host)
        found = (literal,) if literal is not None else self._names.find(place.host, seconds)
        if place.scheme == "http":
            may_call = all(is_loopback(address) for address in found)
        else:
            may_call = place.pair in self._inward or not any(map(is_inward, found))
        if not (found and may_call):
            log.warning("egress.led_inward", place=place.authority)
            raise EgressRefused(f"{place.host} leads where nothing may be called")
        return found


def _allowed(url: str, loopback: frozenset[str], inward: frozenset[str]) -> _Place:
    """Return where an address leads, or raise `EgressRefused`."""
    place = _place(url)
    if place.scheme == "http":
        if place.authority not in loopback:
            raise EgressRefused(f"http://{place.authority} may not be called")
        return place
    literal = _literal(place.host)
    if literal is not None and is_inward(literal) and place.pair not in inward:
        raise EgressRefused(f"https://{place.authority} may not be called")
    return place


def _place(url: str) -> _Place:
    found = _URL.fullmatch(url)
    if found is None:
        raise EgressRefused("this is no address of a kind that may be called")
    scheme, host = found["scheme"].lower(), found["host"].lower()
    port = int(found["port"] or _PORTS[scheme])
    is_name = len(host) <= _LONGEST_NAME and _NAME.fullmatch(host) is not None
    if not (is_name or _literal(host)) or not 0 < port <= _LAST_PORT:
        raise EgressRefused("this is no name and no port that may be called")
    target = (found["path"] or "/") + (found["query"] or "")
    return _Place(scheme, host, port, found["authority"].lower(), target)


def _literal(host: str) -> str | None:
    """Return the address that a host is written as, in the one form that each has."""
    try:
        return str(IPv6Address(host[1:-1]) if host.startswith("[") else IPv4Address(host))
    except AddressValueError:
        return None


def _read(answer: urllib3.BaseHTTPResponse) -> Reply:
    """Read a bounded body; a redirect is never followed."""
    body = b"".join(_pieces(answer, MAX_ANSWER))
    if 300 <= answer.status < 400:  # noqa: PLR2004
        raise NoAnswer("the answer is a redirect", may_have_acted=True)
    headers = {name.lower(): answer.headers[name] for name in answer.headers}
    return Reply(answer.status, headers, body)


def _pieces(answer: urllib3.BaseHTTPResponse, max_bytes: int) -> Iterator[bytes]:
    size = 0
    is_whole = False
    try:
        if answer.status < 200 or answer.headers.get("Content-Encoding", "identity") != "identity":  # noqa: PLR2004 - another answer follows
            raise NoAnswer("not an answer to what was asked", may_have_acted=True)
        for chunk in answer.stream(_CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise NoAnswer("the answer is too long", may_have_acted=True)
            yield chunk
        is_whole = True
    except HTTPError as error:
        raise NoAnswer(type(error).__name__, may_have_acted=True) from error
    finally:
        # What is left of an answer would be read as the beginning of the next one.
        answer.release_conn() if is_whole else answer.close()


class _Timed(io.RawIOBase):
    """A socket that is read until a moment; its own time-out would begin anew with each byte."""

    def __init__(self, sock: socket.socket) -> None:
        self._ends = monotonic() + (sock.gettimeout() or 0.0)
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:  # noqa: ANN401 - whatever holds bytes
        left = self._ends - monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Lines(io.BufferedReader):
    """An answer as it is read; the lines of its head have a limit together, any other its own."""

    def __init__(self, raw: _Timed) -> None:
        super().__init__(raw)
        self.left = MAX_HEAD
        self.is_head = True

    def readline(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002 - there is one limit
        line = super().readline(self.left + 1)
        if len(line) > self.left:
            raise http.client.LineTooLong("head of the answer")
        if self.is_head:
            self.left -= len(line)
        return line


class _Response(http.client.HTTPResponse):
    """An answer that has to come in time as a whole, with a head that has an end."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = self._lines = _Lines(_Timed(sock))

    def begin(self) -> None:
        super().begin()
        self._lines.is_head, self._lines.left = False, MAX_HEAD


class _Connection(HTTPConnection):
    """A connection that does not look its host up: that has been done, and looked at."""

    response_class = _Response

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - the library's own
        connect: Callable[[float], socket.socket],
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **options)
        self._connect = connect

    def _new_conn(self) -> socket.socket:
        return self._connect(float(self.timeout or 0))


class _TlsConnection(_Connection, HTTPSConnection):
    """The same with TLS: server name and certificate are the host's, whatever its address."""

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, HTTPError) as error:  # a certificate, too, fails before anything is sent
            raise NoAnswer(f"no TLS: {type(error).__name__}", may_have_acted=False) from error


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
