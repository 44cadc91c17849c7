"""The keys that rotation has added to those of the environment: one file, read while running.

The keys of the environment are the first of their kind. `flask keys` adds further ones here, and
every process of the machine sees them within a second, without a restart.
"""

import base64
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.clock import monotonic

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SigningEntry:
    """A further token-signing key: published at once, used from `active_from` on."""

    pem: str = field(repr=False)
    active_from: datetime


@dataclass(frozen=True, slots=True)
class AddedKeys:
    """What the file holds."""

    encryption: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    retired: frozenset[int] = frozenset()
    signing: tuple[SigningEntry, ...] = ()
    index: tuple[bytes, ...] = field(default=(), repr=False)
    peppers: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "AddedKeys":
        """Return what `to_json` wrote, of earlier releases too."""
        return cls(
            {int(n): base64.b64decode(key) for n, key in values["encryption"].items()},
            frozenset(values["retired"]),
            tuple(
                SigningEntry(entry["pem"], datetime.fromisoformat(entry["active_from"]))
                for entry in values["signing"]
            ),
            *(
                tuple(base64.b64decode(key) for key in values.get(kind, ()))
                for kind in ("index", "peppers")
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        return {
            "encryption": {
                str(n): base64.b64encode(key).decode() for n, key in self.encryption.items()
            },
            "retired": sorted(self.retired),
            "signing": [
                {"pem": entry.pem, "active_from": entry.active_from.isoformat()}
                for entry in self.signing
            ],
            "index": [base64.b64encode(key).decode() for key in self.index],
            "peppers": [base64.b64encode(key).decode() for key in self.peppers],
        }


class KeyFile:
    """Reads the file when it has changed, and changes it as a whole; safe between processes."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = monotonic) -> None:
        self._path = path
        self._clock = clock
        self._looked_at = float("-inf")
        self._looking = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._keys = AddedKeys()

    def keys(self) -> AddedKeys:
        """Return the keys of the file as it was within the last second; none when it is absent."""
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            with self._looking:  # whoever comes while it is read waits, and never sees it half read
                moment = self._clock()
                if moment - self._looked_at >= LOOK_SECONDS:
                    self._read()
                    self._looked_at = moment
        return self._keys

    def encryption_keys(self) -> Mapping[int, bytes]:
        """Return the added key-encryption keys by number."""
        return self.keys().encryption

    def index_keys(self) -> Sequence[bytes]:
        """Return the added keys of blind indexes, oldest first."""
        return self.keys().index

    def peppers(self) -> Sequence[bytes]:
        """Return the added peppers, oldest first."""
        return self.keys().peppers

    def is_retired(self, number: int) -> bool:
        """Say whether a key-encryption key opens nothing any more."""
        return number in self.keys().retired

    def look_again(self) -> None:
        """Read the file now if it has changed."""
        self._read()

    def change(self, change: Callable[[AddedKeys], AddedKeys]) -> AddedKeys:
        """Replace the content by what `change` makes of it; only the owner may read the file."""
        with self._alone():
            self._stamp = None
            self._read()
            changed = change(self._keys)
            fresh = self._path.with_name(f"{self._path.name}.new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as to:
                json.dump(changed.to_json(), to, indent=1)
                to.flush()
                os.fsync(to.fileno())
            fresh.replace(self._path)
            self._read()
        return changed

    def _read(self) -> None:
        try:
            state = self._path.stat()
            stamp = (state.st_mtime_ns, state.st_ino)
            if stamp == self._stamp:
                return
            self._keys = AddedKeys.from_json(json.loads(self._path.read_text(encoding="utf-8")))
            self._stamp = stamp
        except FileNotFoundError:
            return  # nothing has been rotated yet

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._path.with_name(f"{self._path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
