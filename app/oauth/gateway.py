"""What clients publish and want to be told: their key sets, and their log-out addresses."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core import clock, jose
from app.core.egress import Egress, EgressRefused, NoAnswer

KEYS_SECONDS = 300.0
AGAIN_SECONDS = 30.0
_CONNECT_SECONDS = 2.0
_TOTAL_SECONDS = 5.0
_CACHE_SIZE = 1_000
_OK = 200
_SERVER_ERROR = 500

Keys = Sequence[Mapping[str, Any]]


class KeysUnavailable(Exception):
    """The client's key set could not be fetched or is not one."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    at: float
    keys: Keys


class ClientKeys:
    """Fetches the key sets of clients: kept five minutes, asked again early for a new key.

    A client that rolls its key over is believed at once, at most every 30 seconds; nothing that is
    signed with an unknown key can make us ask more often.
    """

    def __init__(self, egress: Egress, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._egress = egress
        self._monotonic = monotonic
        self._cache: OrderedDict[str, _Fetched] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, url: str, kid: str | None) -> Keys:
        """Return the public keys that a client publishes; raise `KeysUnavailable`.

        Never called while a transaction is open.
        """
        with self._lock:
            found = self._cache.get(url)
        if found is not None:
            age = self._monotonic() - found.at
            is_known = kid is None or any(key.get("kid") == kid for key in found.keys)
            if age < (KEYS_SECONDS if is_known else AGAIN_SECONDS):
                return found.keys
        fetched = _Fetched(self._monotonic(), self._fetch(url))
        with self._lock:
            self._cache[url] = fetched
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        return fetched.keys

    def _fetch(self, url: str) -> Keys:
        try:
            reply = self._egress.request(
                "GET", url, connect_seconds=_CONNECT_SECONDS, total_seconds=_TOTAL_SECONDS
            )
            if reply.status != _OK:
                raise KeysUnavailable(f"status {reply.status}")
            return jose.check_public_keys(reply.json())
        except (NoAnswer, jose.JoseInvalid) as error:
            raise KeysUnavailable(type(error).__name__) from error


class LogoutNotices:
    """Tells clients that a citizen has logged out (OpenID Connect Back-Channel Logout 1.0)."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress

    def send(self, url: str, logout_token: str) -> bool:
        """Send one logout token; False when it cannot arrive; raise `NoAnswer` to try again."""
        try:
            reply = self._egress.request(
                "POST",
                url,
                form={"logout_token": logout_token},
                connect_seconds=_CONNECT_SECONDS,
                total_seconds=_TOTAL_SECONDS,
            )
        except EgressRefused:
            return False
        if reply.status >= _SERVER_ERROR:
            raise NoAnswer(f"status {reply.status}", may_have_acted=True)
        return reply.status in {_OK, 204}
