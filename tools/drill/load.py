"""What citizens do meanwhile: some use the provider, everybody else does something else."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import uuid4

OTHERS = ("/v1/services?q=shuifei", "/v1/me", "/v1/payments")
"""Routes that have nothing to do with the provider."""

_PAUSE = 0.03
_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it began, how long it took, and how it was answered (0: not at all)."""

    at: float
    seconds: float
    status: int


@dataclass
class Load:
    """Two kinds of callers, and what they have seen since they were last asked."""

    url: str
    tokens: Sequence[str]
    service: str
    others: list[Sample] = field(default_factory=list)
    own: list[Sample] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def take(self) -> tuple[list[Sample], list[Sample]]:
        """Return what was seen of other routes and of the provider's own, and begin anew."""
        seen = self.others, self.own
        self.others, self.own = [], []
        return seen


@contextmanager
def run_load(load: Load, *, others: int = 3, own: int = 8) -> Iterator[Load]:
    """Let callers call for as long as a `with` lasts."""
    threads = [
        threading.Thread(target=_call_others, args=(load, number)) for number in range(others)
    ]
    threads += [threading.Thread(target=_call_own, args=(load, number)) for number in range(own)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.is_over.set()
        for thread in threads:
            thread.join()


def _call_others(load: Load, number: int) -> None:
    headers = {"Authorization": f"Bearer {load.tokens[number % len(load.tokens)]}"}
    for path in itertools.cycle(OTHERS):
        if load.is_over.wait(_PAUSE):
            return
        load.others.append(_timed(lambda path=path: _send(load.url, "GET", path, headers)))


def _call_own(load: Load, number: int) -> None:
    """Try to pay something that does not exist: 404 when the provider is well, and no money moves.

    That takes the whole way: token, key, the question to the provider, refusal.
    """
    token = load.tokens[number % len(load.tokens)]
    item = {"service": load.service, "reference": "NO-SUCH-FEE"}
    body = json.dumps({"items": [item], "method": "card"}).encode()
    while not load.is_over.wait(_PAUSE):
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid4()),
        }
        seen = _timed(lambda sent=headers: _send(load.url, "POST", "/v1/payments", sent, body))
        load.own.append(seen)


def _timed(call: Callable[[], int]) -> Sample:
    at = time.monotonic()
    try:
        status = call()
    except (OSError, http.client.HTTPException):
        status = 0
    return Sample(at, time.monotonic() - at, status)


def _send(
    url: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
