"""The only Redis: rate limits and caches; losing it loses nothing."""

from typing import Any, cast

import redis

TIMEOUT_SECONDS = 0.05


def connect(url: str) -> "redis.Redis":
    """Return a client that gives up after 50 ms and never retries: Redis is optional."""
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=None,
        retry_on_timeout=False,
        health_check_interval=0,
    )


def storage_options(seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """Return the same limits for a library that opens its own connection."""
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "retry_on_timeout": False,
    }


def is_alive(client: "redis.Redis") -> bool:
    """Say whether Redis answers now."""
    try:
        return bool(cast("Any", client.ping()))
    except redis.RedisError:
        return False
