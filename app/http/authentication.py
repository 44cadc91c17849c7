"""Who calls: the token says so, and PostgreSQL says whether it still holds."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.tokens import Principal, TokenInvalid, Tokens
from app.core.unit_of_work import UnitOfWork, Units

CACHE_SECONDS = 1.0
_CACHE_SIZE = 10_000

Reader = Callable[[UnitOfWork, Mapping[str, Any]], Principal | None]
"""Finds in the database whom the claims of a token speak for; None when nobody any more."""


class Authenticator:
    """Turns access tokens into principals; what it read counts for one second at most.

    `readers` has one for each kind of token, given by the room that issues it.
    """

    def __init__(
        self,
        units: Units,
        tokens: Tokens,
        readers: Mapping[str, Reader],
        *,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._units = units
        self._tokens = tokens
        self._readers = readers
        self._monotonic = monotonic
        self._cache: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()
        self._lock = threading.Lock()

    def authenticate(self, token: str, fresh: bool) -> Principal:  # noqa: FBT001 - the door's
        """Return who a token speaks for, or raise `TokenInvalid`.

        `fresh` asks the database now; otherwise an answer up to one second old will do. Whatever
        gives power comes from the rows, never from the token.
        """
        claims = self._tokens.verify(token)
        key = sha256(token.encode()).digest()
        if not fresh:
            with self._lock:
                found = self._cache.get(key)
            if found is not None and self._monotonic() - found[0] < CACHE_SECONDS:
                return found[1]
        asked_at = self._monotonic()
        who = self._read(claims)
        with self._lock:
            self._cache.pop(key, None)
            if who is not None:
                self._cache[key] = (asked_at, who)
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
        if who is None:
            raise TokenInvalid("The session has ended.")
        return who

    def _read(self, claims: dict[str, Any]) -> Principal | None:
        try:
            return self._ask(claims)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._ask(claims)  # the pool has replaced its broken connections

    def _ask(self, claims: dict[str, Any]) -> Principal | None:
        reader = self._readers.get(claims["knd"])
        if reader is None:
            return None
        with self._units.open(actor="authenticate", read_only=True) as uow:
            return reader(uow, claims)
