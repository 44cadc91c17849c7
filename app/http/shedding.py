"""Three lanes: when the house is crowded, payments and log-in go on and listings wait."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.clock import monotonic
from app.core.errors import Unavailable

QUEUE_SECONDS = 0.2
_SHARE = {"critical": 1.0, "normal": 0.75, "sheddable": 0.5}


class Lanes:
    """Admits calls up to each lane's share of the threads of this process."""

    def __init__(self, threads: int) -> None:
        self._limit = {lane: max(1, int(threads * share)) for lane, share in _SHARE.items()}
        self._running = 0
        self._freed = threading.Condition()

    @contextmanager
    def admit(self, lane: str) -> Iterator[None]:
        """Hold a slot; raise `Unavailable` after 200 ms without one. Critical calls never wait."""
        with self._freed:
            if lane != "critical":
                self._wait_for(self._limit[lane])
            self._running += 1
        try:
            yield
        finally:
            with self._freed:
                self._running -= 1
                self._freed.notify_all()  # one of another lane may be the one who can go on

    def _wait_for(self, limit: int) -> None:
        deadline = monotonic() + QUEUE_SECONDS
        while self._running >= limit:
            remaining = deadline - monotonic()
            if remaining <= 0 or not self._freed.wait(remaining):
                # S311: spreads the retries, is no secret
                raise Unavailable(retry_after=random.randint(1, 5))  # noqa: S311
