"""What keeps one plug-in's trouble its own: a limit on calls in flight, and a breaker."""

import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.core.clock import monotonic
from app.core.deadline import remaining
from app.core.logs import get_logger

log = get_logger("host")

WINDOW_CALLS = 20
WINDOW_SECONDS = 30.0
FEWEST_CALLS = 10
BAD_SHARE = 0.5
FIRST_WAIT = 10.0
LONGEST_WAIT = 20.0
"""With its spread less than the 30 seconds within which one who is well again is served."""
SLOW_SECONDS = 1.5
PATIENCE = 0.1
"""Half of what a call waits for its lane (`http/shedding.py`): whoever waits there outlasts it."""
_NEWEST = 0.25
"""What the newest stay counts in how long they usually are."""
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


@dataclass(slots=True)
class _Stay:
    """A request that holds a seat, since when, and how many calls of it are under way."""

    since: float
    calls: int = 0


class Seats:
    """Lets a fixed number of requests be at a provider, each with as many calls as it makes.

    The others wait while the queue moves, and no longer: not once nobody has come or gone for
    `patience`, for then all are with somebody who hangs, and not while it is known to be
    `hopeless`. Each of them is a thread that the rest of the city misses. As many as there are
    seats wait for longer where requests usually take longer: for twice as long as they do, up to
    what counts as slow.
    """

    def __init__(
        self,
        seats: int,
        patience: float = PATIENCE,
        *,
        hopeless: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._seats = seats
        self._patience = patience
        self._hopeless = hopeless
        self._clock = clock
        self._taken: dict[object, _Stay] = {}
        self._patient: set[object] = set()
        self._usual = 0.0
        self._moved = clock()
        self._freed = threading.Condition()

    @contextmanager
    def seat(self, request: object, seconds: float) -> Iterator[None]:
        """Hold a request's seat, or raise `Full`; a request that has one waits for none."""
        with self._freed:
            self._await_seat(request, seconds)
            if request not in self._taken:
                self._moved = self._clock()
                self._taken[request] = _Stay(self._moved)
            self._taken[request].calls += 1
        try:
            yield
        finally:
            with self._freed:
                stay = self._taken[request]
                stay.calls -= 1
                if stay.calls == 0:
                    del self._taken[request]
                    self._moved = self._clock()
                    self._usual += (self._moved - stay.since - self._usual) * _NEWEST
                self._freed.notify_all()

    def longest(self) -> float:
        """Return for how long a seat has been held, of the one that is held the longest."""
        with self._freed:
            since = min((stay.since for stay in self._taken.values()), default=None)
            return 0.0 if since is None else self._clock() - since

    def _await_seat(self, request: object, seconds: float) -> None:
        deadline = self._clock() + remaining(seconds)
        try:
            while request not in self._taken and len(self._taken) >= self._seats:
                left = min(deadline, self._moved + self._patience_of(request)) - self._clock()
                if left <= 0 or self._hopeless():
                    raise Full
                self._freed.wait(left)
        finally:
            self._patient.discard(request)

    def _patience_of(self, request: object) -> float:
        if request not in self._patient and len(self._patient) >= self._seats:
            return self._patience
        self._patient.add(request)
        return max(self._patience, min(2 * self._usual, SLOW_SECONDS))


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission for one call; a probe's outcome decides whether the breaker closes."""

    is_probe: bool


@dataclass
class Breaker:
    """Stops calling somebody who fails, and asks with one call at a time whether that is over.

    It opens when half of the last 20 calls of the last 30 seconds (and at least 10) went badly, for
    10 seconds; each probe that goes badly doubles the wait up to 20. Waits vary by a fifth, so that
    processes do not come back together. `pace` divides the waits. Who is turned away after a call
    that went badly, and behind one that is slow, counts as a call that went badly: it would have.
    """

    name: str
    pace: float = 1.0
    clock: Callable[[], float] = monotonic
    _calls: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=WINDOW_CALLS))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _wait: float = FIRST_WAIT
    _retry_at: float | None = None
    _is_troubled: bool = False

    def is_open(self) -> bool:
        """Say whether a call made now would be refused."""
        with self._lock:
            return self._retry_at is not None and self.clock() < self._retry_at

    def is_hopeless(self) -> bool:
        """Say whether it is of no use to wait: it is open, or the last call went badly."""
        return self._is_troubled or self.is_open()

    def turn_away(self) -> None:
        """Report somebody who did not get at a provider that is slow; it counts in trouble only."""
        with self._lock:
            if self._is_troubled and self._retry_at is None:
                self._judge_call(went_well=False)

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
            self._is_troubled = not went_well
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
