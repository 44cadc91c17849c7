"""The time a caller still has: set where a call begins, read where it waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.core.clock import monotonic

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
_request: ContextVar[object | None] = ContextVar("request_served", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give the enclosed work at most `seconds`, and never more than its caller has."""
    outer = _deadline.get()
    mine = monotonic() + seconds
    token = _deadline.set(mine if outer is None else min(mine, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def serving(seconds: float) -> Iterator[None]:
    """Serve one request within `seconds`: a thread of the server waits for the enclosed work."""
    token = _request.set(object())
    try:
        with within(seconds):
            yield
    finally:
        _request.reset(token)


def request_served() -> object | None:
    """Return what stands for the request whose thread waits for this work; None in a worker.

    It is the same one in every thread that works for the request (`core/fanout.py`).
    """
    return _request.get()


def remaining(most: float) -> float:
    """Return the seconds left, at most `most`, at least zero."""
    end = _deadline.get()
    return most if end is None else max(0.0, min(most, end - monotonic()))
