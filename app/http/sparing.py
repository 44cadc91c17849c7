"""Telling of many alike only now and then: nobody fills the audit trail by knocking."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from app.core.clock import monotonic

SECONDS = 60.0
PER_WINDOW = 120
_MOST = 10_000


@dataclass(slots=True)
class _Kept:
    told_at: float
    more: int = 0


class Sparing:
    """Lets one of a kind pass in a minute and counts the others; so many a minute of all kinds."""

    def __init__(
        self, clock: Callable[[], float] = monotonic, *, per_window: int = PER_WINDOW
    ) -> None:
        self._clock = clock
        self._per_window = per_window
        self._kinds: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()
        self._window, self._passed = 0.0, 0
        self._lock = threading.Lock()

    def take(self, *kind: str) -> int | None:
        """Return how many of a kind were held back since one passed, or None to hold this back."""
        with self._lock:
            moment = self._clock()
            known = self._kinds.get(kind)
            if known is not None and moment - known.told_at < SECONDS:
                known.more += 1
                return None
            if moment - self._window >= SECONDS:
                self._window, self._passed = moment, 0
            if self._passed >= self._per_window:
                if known is not None:
                    known.more += 1
                return None
            self._passed += 1
            self._kinds[kind] = _Kept(moment)
            self._kinds.move_to_end(kind)
            if len(self._kinds) > _MOST:
                self._kinds.popitem(last=False)
            return known.more if known is not None else 0
