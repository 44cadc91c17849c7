"""What keeps one plug-in's trouble its own: a limit on calls in flight, and a breaker."""

import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.core.clock import monotonic
from app.core.logs import get_logger

log = get_logger("host")

WINDOW_CALLS = 20
WINDOW_SECONDS = 30.0
FEWEST_CALLS = 10
BAD_SHARE = 0.5
FIRST_WAIT = 10.0
LONGEST_WAIT = 60.0
_SPREAD = 0.2


class Full(Exception):
    """No place was free in time."""


class Open(Exception):
    """The breaker is open: the call was not made."""


class Bulkhead:
    """Lets a fixed number of calls be in flight; further ones wait as long as they may."""

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)

    @contextmanager
    def place(self, seconds: float) -> Iterator[None]:
        """Hold a place, or raise `Full` when none is free within `seconds`."""
        if not self._places.acquire(timeout=max(0.0, seconds)):
            raise Full
        try:
            yield
        finally:
            self._places.release()


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission for one call; a probe's outcome decides whether the breaker closes."""

    is_probe: bool


@dataclass
class Breaker:
    """Stops calling somebody who fails, and asks with one call at a time whether that is over.

    It opens when half of the last 20 calls of the last 30 seconds (and at least 10) went badly, for
    10 seconds; each probe that goes badly doubles the wait up to 60. Waits vary by a fifth, so that
    processes do not come back together. `pace` divides the waits.
    """

    name: str
    pace: float = 1.0
    clock: Callable[[], float] = monotonic
    _calls: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=WINDOW_CALLS))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _wait: float = FIRST_WAIT
    _retry_at: float | None = None

    def is_open(self) -> bool:
        """Say whether a call made now would be refused."""
        with self._lock:
            return self._retry_at is not None and self.clock() < self._retry_at

    def enter(self) -> Ticket:
        """Return the ticket of one call, or raise `Open`."""
        with self._lock:
            if self._retry_at is None:
                return Ticket(is_probe=False)
            if self.clock() < self._retry_at:
                raise Open
            # Should this probe never come back, another may go after the same wait.
            self._retry_at = self.clock() + self._spread()
            return Ticket(is_probe=True)

    def leave(self, ticket: Ticket, *, went_well: bool) -> None:
        """Report how a call went."""
        with self._lock:
            if ticket.is_probe:
                self._judge_probe(went_well=went_well)
            elif self._retry_at is None:
                self._judge_call(went_well=went_well)

    def _judge_probe(self, *, went_well: bool) -> None:
        if went_well:
            self._retry_at = None
            self._wait = FIRST_WAIT
            self._calls.clear()
            log.info("breaker.closed", plugin=self.name)
            return
        self._wait = min(LONGEST_WAIT, 2 * self._wait)
        self._open()

    def _judge_call(self, *, went_well: bool) -> None:
        moment = self.clock()
        self._calls.append((moment, went_well))
        recent = [well for at, well in self._calls if at >= moment - WINDOW_SECONDS]
        bad = recent.count(False)
        if len(recent) >= FEWEST_CALLS and bad >= BAD_SHARE * len(recent):
            self._open()

    def _open(self) -> None:
        self._retry_at = self.clock() + self._spread()
        log.warning("breaker.opened", plugin=self.name, seconds=round(self._wait / self.pace, 1))

    def _spread(self) -> float:
        # S311: jitter is no secret
        return self._wait * random.uniform(1 - _SPREAD, 1 + _SPREAD) / self.pace  # noqa: S311
