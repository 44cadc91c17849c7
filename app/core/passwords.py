"""Password hashes: argon2id (RFC 9106), then an HMAC with a pepper; the only argon2.

A hash costs tens of milliseconds and megabytes, which makes log-in the cheapest way to drown the
house. So each process computes two at a time and lets eight wait; whoever comes then is refused.
"""

import base64
import hmac
import os
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from argon2.exceptions import HashingError
from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw

from app.core.deadline import remaining
from app.core.errors import Unavailable

SALT_SIZE = 16
HASH_SIZE = 32
LONGEST_WAIT = 5.0
_NAME = "argon2id+hmac"
_FORM = re.compile(
    rf"\${re.escape(_NAME)}\$v={ARGON2_VERSION}\$m=(\d+),t=(\d+),p=(\d+)"
    r"\$([0-9a-f]{8})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
)


class PasswordsBusy(Unavailable):
    """So many passwords are being checked that this one would wait too long."""

    code = "passwords-busy"
    title_zh = "登录人数较多，请稍后再试"
    title_en = "Too many passwords are being checked now"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs: memory in KiB, passes over it, lanes."""

    memory: int = 19_456
    passes: int = 2
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password was right, and whether its hash should be made anew."""

    is_right: bool
    is_stale: bool = False


class Passwords:
    """Makes and checks password hashes; the first pepper is current, the others still verify.

    `slots` hashes are computed at a time in this process and `queue` callers wait.
    """

    def __init__(
        self, peppers: Sequence[bytes], cost: Cost | None = None, *, slots: int = 2, queue: int = 8
    ) -> None:
        self._cost = cost or Cost()
        keys = [hmac.digest(pepper, b"password", "sha256") for pepper in peppers]
        self._peppers = {sha256(key).hexdigest()[:8]: key for key in keys}
        self._current = next(iter(self._peppers))
        self._slots = threading.BoundedSemaphore(slots)
        self._places = threading.BoundedSemaphore(slots + queue)
        self._nobody = self.make(base64.b64encode(os.urandom(HASH_SIZE)).decode())

    def make(self, password: str) -> str:
        """Return the hash of a password as it is kept; raise `PasswordsBusy`."""
        salt = os.urandom(SALT_SIZE)
        digest = self._season(self._current, self._hash(password, self._cost, salt))
        return str(_Kept(self._cost, self._current, salt, digest))

    def check(self, kept: str | None, password: str) -> Verdict:
        """Compare a password in full with a kept hash; raise `PasswordsBusy`.

        Where nothing is kept the same work is done, and the answer is no.
        """
        wanted = _Kept.parse(kept or self._nobody)
        raw = self._hash(password, wanted.cost, wanted.salt)
        given = self._season(wanted.pepper, raw)
        is_right = hmac.compare_digest(given, wanted.digest) and kept is not None
        is_stale = wanted.cost != self._cost or wanted.pepper != self._current
        return Verdict(is_right, is_right and is_stale)

    def _season(self, pepper: str, raw: bytes) -> bytes:
        key = self._peppers.get(pepper)
        # A hash under a pepper that was destroyed matches nothing any more.
        return os.urandom(HASH_SIZE) if key is None else hmac.digest(key, raw, "sha256")

    def _hash(self, password: str, cost: Cost, salt: bytes) -> bytes:
        secret = unicodedata.normalize("NFC", password).encode()
        with self._slot():
            try:
                return hash_secret_raw(
                    secret,
                    salt,
                    time_cost=cost.passes,
                    memory_cost=cost.memory,
                    parallelism=cost.lanes,
                    hash_len=HASH_SIZE,
                    type=Type.ID,
                )
            except HashingError as error:  # no memory left
                raise PasswordsBusy from error

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise PasswordsBusy(retry_after=2)
        try:
            if not self._slots.acquire(timeout=remaining(LONGEST_WAIT)):
                raise PasswordsBusy(retry_after=2)
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._places.release()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A hash as it is kept: `$argon2id+hmac$v=19$m=,t=,p=$pepper$salt$digest`."""

    cost: Cost
    pepper: str
    salt: bytes
    digest: bytes

    def __str__(self) -> str:
        cost = f"m={self.cost.memory},t={self.cost.passes},p={self.cost.lanes}"
        tail = f"{_encode(self.salt)}${_encode(self.digest)}"
        return f"${_NAME}$v={ARGON2_VERSION}${cost}${self.pepper}${tail}"

    @classmethod
    def parse(cls, text: str) -> "_Kept":
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError("not a password hash of ours")
        memory, passes, lanes, pepper, salt, digest = found.groups()
        cost = Cost(int(memory), int(passes), int(lanes))
        return cls(cost, pepper, _decode(salt), _decode(digest))


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
