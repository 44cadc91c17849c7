"""The sandbox's clock: the machine's time, moved forward when a test asks for it."""

import time
from datetime import UTC, datetime

from sandbox.stripe.store import Store


class Clock:
    """Tells the time of the sandbox; what was added to it survives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ahead = float((store.setting("clock") or {"ahead": 0.0})["ahead"])

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return time.time() + self._ahead

    def stamp(self) -> int:
        """Return the time as Stripe writes it: whole seconds."""
        return int(self.now())

    def moment(self) -> datetime:
        """Return the time as a date and hour in UTC."""
        return datetime.fromtimestamp(self.now(), UTC)

    def advance(self, seconds: float) -> None:
        """Move the clock forward and keep it there."""
        self._ahead += seconds
        self._store.keep_setting("clock", {"ahead": self._ahead})
