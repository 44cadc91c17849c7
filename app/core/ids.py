"""Identifiers: UUIDv7 (RFC 9562, 5.7), sortable by the time they were made."""

import secrets
import time
from uuid import UUID

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62


def new_id() -> UUID:
    """Return a new UUIDv7; unique, roughly ordered, not a secret."""
    milliseconds = time.time_ns() // 1_000_000
    random_a = secrets.randbits(12) << 64
    random_b = secrets.randbits(62)
    return UUID(
        int=(milliseconds & (1 << 48) - 1) << 80 | _VERSION_7 | random_a | _VARIANT | random_b
    )


def new_secret(size: int = 32) -> str:
    """Return an unguessable URL-safe string made of `size` random bytes."""
    return secrets.token_urlsafe(size)
