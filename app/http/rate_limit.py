"""General rate limits: counted in Redis, and in this process when Redis is away.

Limits that guard log-in, codes and money live in PostgreSQL with their rooms; losing Redis loosens
nothing there. Losing it here doubles a limit at worst.
"""

import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

from app.core.clock import monotonic
from app.core.errors import RateLimited
from app.core.redis import TIMEOUT_SECONDS, storage_options

PER_PRINCIPAL = "300/minute"
PER_ADDRESS = "60/minute"
_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit: shown in the `RateLimit` fields of the answer."""

    limit: int
    remaining: int
    reset_seconds: int


class RateLimiter:
    """Counts calls; `factor` multiplies every limit (the sandbox's hundredfold).

    Redis has `seconds` to answer; then this process counts alone for a while.
    """

    def __init__(
        self, redis_url: str | None, *, factor: int, seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._factor = factor
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._shared: FixedWindowRateLimiter | None = None
        if redis_url is not None:
            storage = RedisStorage(redis_url, wrap_exceptions=True, **storage_options(seconds))
            self._shared = FixedWindowRateLimiter(storage)
        self._away_until = 0.0

    def hit(self, limit: str, *names: str) -> Allowance:
        """Count one call; raise `RateLimited` with the seconds to wait once the limit is hit."""
        item = self._item(limit)
        limiter = self._limiter()
        try:
            is_allowed = limiter.hit(item, *names)
            window = limiter.get_window_stats(item, *names)
        except StorageError:
            self._away_until = monotonic() + _PAUSE_SECONDS
            is_allowed = self._local.hit(item, *names)
            window = self._local.get_window_stats(item, *names)
        seconds = max(1, int(window.reset_time - time.time()))
        if not is_allowed:
            raise RateLimited(retry_after=seconds)
        return Allowance(item.amount, int(window.remaining), seconds)

    def _limiter(self) -> FixedWindowRateLimiter:
        if self._shared is None or monotonic() < self._away_until:
            return self._local
        return self._shared

    def _item(self, limit: str) -> RateLimitItem:
        item = parse(limit)
        return type(item)(item.amount * self._factor, item.multiples)
