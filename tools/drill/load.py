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

OTHERS_CALLERS, OTHERS_SECONDS = 12, 0.12
OWN_CALLERS, OWN_SECONDS = 24, 1.5
"""So many callers, each of whom begins a request so often: what is asked for never depends on how
quickly the last answer came, so the seconds before a misdeed and those of it bear the same load."""

_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it began, how long it took, and how it was answered (0: not at all).

    At other routes it begins when it was due: a caller who is kept waiting by one answer would else
    not send, and not feel, what citizens send meanwhile.
    """

    at: float
    seconds: float
    status: int


@dataclass
class Load:
    """Two kinds of callers, and what they have seen."""

    url: str
    tokens: Sequence[str]
    service: str
    others: list[Sample] = field(default_factory=list)
    own: list[Sample] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def token_of(self, number: int) -> str:
        """Return the token that one of the callers has now."""
        return self.tokens[number % len(self.tokens)]

    def forget(self) -> None:
        """Begin anew."""
        self.others, self.own = [], []


def between(samples: Sequence[Sample], start: float, end: float) -> list[Sample]:
    """Return the requests that began within a time."""
    return [sample for sample in list(samples) if start <= sample.at < end]


@contextmanager
def run_load(load: Load, *, others: int = OTHERS_CALLERS, own: int = OWN_CALLERS) -> Iterator[Load]:
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
    paths = itertools.cycle(OTHERS[number % len(OTHERS) :] + OTHERS[: number % len(OTHERS)])
    for due in _due(load, number, OTHERS_CALLERS, OTHERS_SECONDS):
        path = next(paths)
        headers = {"Authorization": f"Bearer {load.token_of(number)}"}
        seen = _timed(lambda path=path, sent=headers: _send(load.url, "GET", path, sent), due)
        load.others.append(seen)


def _call_own(load: Load, number: int) -> None:
    """Try to pay something that does not exist: 404 when the provider is well, and no money moves.

    That takes the whole way: token, key, the question to the provider, refusal.
    """
    item = {"service": load.service, "reference": "NO-SUCH-FEE"}
    body = json.dumps({"items": [item], "method": "card"}).encode()
    for _ in _due(load, number, OWN_CALLERS, OWN_SECONDS):
        headers = {
            "Authorization": f"Bearer {load.token_of(number)}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid4()),
        }
        seen = _timed(lambda sent=headers: _send(load.url, "POST", "/v1/payments", sent, body))
        load.own.append(seen)


def _due(load: Load, number: int, callers: int, seconds: float) -> Iterator[float]:
    """Yield the moments at which one of the callers is to send, each not before it has come."""
    due = time.monotonic() + seconds * number / callers
    while not load.is_over.wait(max(0.0, due - time.monotonic())):
        yield due
        due += seconds


def _timed(call: Callable[[], int], due: float | None = None) -> Sample:
    at = time.monotonic() if due is None else due
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
