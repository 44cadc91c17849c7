"""Password hashes: argon2id (RFC 9106), then an HMAC under each pepper; the only argon2.

A hash costs tens of milliseconds and megabytes, which makes log-in the cheapest way to drown the
house. So each process computes two at a time and lets eight wait; whoever comes then is refused.
"""

import base64
import hmac
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from argon2.exceptions import HashingError
from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw

from app.core.crypto import layers
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
    """Makes and checks password hashes.

    `peppers` gives the peppers, oldest first: each is laid over the one before (`layers`), so a
    stored hash moves to a newer one without its password. `look_again` takes in what another
    process knows already. `slots` hashes are computed at a time in this process and `queue` callers
    wait.
    """

    def __init__(
        self,
        peppers: Callable[[], Sequence[bytes]],
        cost: Cost | None = None,
        *,
        look_again: Callable[[], None] = lambda: None,
        slots: int = 2,
        queue: int = 8,
    ) -> None:
        self._cost = cost or Cost()
        self._peppers = peppers
        self._look_again = look_again
        self._slots = threading.BoundedSemaphore(slots)
        self._places = threading.BoundedSemaphore(slots + queue)
        self._nobody = self.make(base64.b64encode(os.urandom(HASH_SIZE)).decode())

    def make(self, password: str) -> str:
        """Return the hash of a password as it is kept; raise `PasswordsBusy`."""
        salt = os.urandom(SALT_SIZE)
        raw = self._hash(password, self._cost, salt)
        keys = self._keys()
        newest = list(keys)[-1]
        return str(_Kept(self._cost, newest, salt, layers(list(keys.values()), raw)[-1]))

    def check(self, kept: str | None, password: str) -> Verdict:
        """Compare a password in full with a kept hash; raise `PasswordsBusy`.

        Where nothing is kept the same work is done, and the answer is no.
        """
        wanted = _Kept.parse(kept or self._nobody)
        raw = self._hash(password, wanted.cost, wanted.salt)
        given = self._season(wanted.pepper, raw)
        is_right = hmac.compare_digest(given, wanted.digest) and kept is not None
        is_stale = wanted.cost != self._cost or wanted.pepper != self.names()[-1]
        return Verdict(is_right, is_right and is_stale)

    def names(self) -> Sequence[str]:
        """Return how each pepper is named in the hashes, oldest first."""
        return list(self._keys())

    def lay_newest(self, kept: str) -> str:
        """Return a kept hash with every pepper that is newer than its own laid over it."""
        old = _Kept.parse(kept)
        keys = self._keys()
        names = list(keys)
        later = list(keys.values())[names.index(old.pepper) + 1 :]
        digest = layers(later, old.digest)[-1] if later else old.digest
        return str(_Kept(old.cost, names[-1], old.salt, digest))

    def _season(self, pepper: str, raw: bytes) -> bytes:
        if pepper not in self._keys():
            self._look_again()  # another process may be a moment ahead
        keys = self._keys()
        if pepper not in keys:  # of another installation: it matches nothing
            return os.urandom(HASH_SIZE)
        upto = list(keys).index(pepper) + 1
        return layers(list(keys.values())[:upto], raw)[-1]

    def _keys(self) -> dict[str, bytes]:
        """Return the keys of the peppers by the name that stands in a hash, oldest first."""
        keys = [hmac.digest(pepper, b"password", "sha256") for pepper in self._peppers()]
        return {sha256(key).hexdigest()[:8]: key for key in keys}

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
