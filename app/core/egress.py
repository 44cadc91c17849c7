"""The one client for calls to other systems: deadlines, size limits, no redirects, no surprises.

https only, except exact loopback host:port pairs that the sandbox profile lists. Never called while
a transaction is open. (Refusing inward addresses after resolution comes with remote providers.)
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from app.core.clock import monotonic
from app.core.unit_of_work import forbid_open_transaction

MAX_ANSWER = 1024 * 1024
_CHUNK = 64 * 1024


class EgressRefused(RuntimeError):
    """The address is not one this installation may call: a wrong setting."""


class NoAnswer(Exception):
    """The other system did not give a usable answer.

    `may_have_acted` says whether the request can have reached it: then the outcome is unknown and
    must be asked for, never guessed.
    """

    def __init__(self, reason: str, *, may_have_acted: bool) -> None:
        super().__init__(reason)
        self.may_have_acted = may_have_acted


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers in lower case, and the bytes of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body as JSON; raise `NoAnswer` (it may have acted) for anything else."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise NoAnswer("the answer is not JSON", may_have_acted=True) from error


class Egress:
    """Calls other systems over HTTP; safe to share between threads."""

    def __init__(self, loopback: frozenset[str] = frozenset()) -> None:
        self._loopback = loopback
        self._pool = urllib3.PoolManager(num_pools=32, maxsize=8, retries=False)

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
        that is not allowed. A body over 1 MiB, a redirect or a broken answer counts as none.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            sent["Content-Type"] = "application/json"
        if form is not None:
            content = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        deadline = monotonic() + total_seconds
        timeout = urllib3.Timeout(connect=connect_seconds, total=total_seconds)
        return _read(self._send(method, url, content, sent, timeout), deadline)

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
        deadline = monotonic() + total_seconds
        timeout = urllib3.Timeout(connect=connect_seconds, total=total_seconds)
        answer = self._send("GET", url, None, dict(headers or {}), timeout)
        into.writelines(_pieces(answer, deadline, max_bytes))
        if answer.status != 200:  # noqa: PLR2004 - a part of a file, or a page about its absence
            raise NoAnswer(f"status {answer.status} instead of a file", may_have_acted=False)

    def _send(
        self,
        method: str,
        url: str,
        content: bytes | None,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse:
        self.check(url)
        forbid_open_transaction(urlsplit(url).netloc)
        try:
            return self._pool.request(
                method,
                url,
                body=content,
                headers=headers,
                redirect=False,
                preload_content=False,
                timeout=timeout,
            )
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise NoAnswer(type(error).__name__, may_have_acted=False) from error
        except HTTPError as error:
            raise NoAnswer(type(error).__name__, may_have_acted=True) from error

    def close(self) -> None:
        """Close every pooled connection."""
        self._pool.clear()

    def check(self, url: str) -> None:
        """Raise `EgressRefused` for an address that may not be called; nothing is sent."""
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.netloc in self._loopback:
            return
        if parts.scheme != "https" or not parts.hostname:
            raise EgressRefused(f"{parts.scheme}://{parts.netloc} may not be called")


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> Reply:
    """Read a bounded body; a server that trickles does not get more time than the deadline."""
    body = b"".join(_pieces(answer, deadline, MAX_ANSWER))
    if 300 <= answer.status < 400:  # noqa: PLR2004 - a redirect is never followed
        raise NoAnswer("the answer is a redirect", may_have_acted=True)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status, headers, body)


def _pieces(answer: urllib3.BaseHTTPResponse, deadline: float, max_bytes: int) -> Iterator[bytes]:
    size = 0
    is_whole = False
    try:
        for chunk in answer.stream(_CHUNK):
            size += len(chunk)
            if size > max_bytes or monotonic() > deadline:
                raise NoAnswer("the answer is too long or too slow", may_have_acted=True)
            yield chunk
        is_whole = True
    except HTTPError as error:
        raise NoAnswer(type(error).__name__, may_have_acted=True) from error
    finally:
        # What is left of an answer would be read as the beginning of the next one.
        answer.release_conn() if is_whole else answer.close()
