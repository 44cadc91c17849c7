"""Passkeys that do not exist: what is shown for a name that nobody has.

A browser is given the ids of an account's passkeys. Were there none for a number without an
account, the number would tell. So everybody has ten: their own, and made-up ones that are the same
each time and as long as real ones are.
"""

import hmac
from collections.abc import Sequence
from hashlib import shake_256

from app.core.crypto import Keyring

# What phones, laptops and security keys make.
_LENGTHS = (16, 20, 32, 32, 32, 48, 64)


def decoys_of(keyring: Keyring, claimed: str, count: int) -> Sequence[bytes]:
    """Return so many made-up credential ids of a name."""
    return [_decoy(keyring, claimed, ordinal) for ordinal in range(max(0, count))]


def _decoy(keyring: Keyring, claimed: str, ordinal: int) -> bytes:
    seed = keyring.code_digest("passkey-decoy", f"{claimed}|{ordinal}")
    length = _LENGTHS[hmac.digest(seed, b"length", "sha256")[0] % len(_LENGTHS)]
    return shake_256(seed).digest(length)
