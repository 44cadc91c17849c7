"""Who may call: the city, by a key that the police gave it."""

import functools
import hmac
from collections.abc import Callable
from typing import ParamSpec

from flask import Response, request

from sandbox.behaviour import Mode, outside_party
from sandbox.wire import Problem

ROOM = "police"
CITY_KEY = "police-sandbox-key"

_P = ParamSpec("_P")


def for_the_city(*modes: Mode) -> Callable[[Callable[_P, Response]], Callable[_P, Response]]:
    """Make a view a call of the product's: it needs the key, and follows these modes."""

    def decorate(view: Callable[_P, Response]) -> Callable[_P, Response]:
        @functools.wraps(view)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> Response:
            said = request.headers.get("Authorization", "")
            if not hmac.compare_digest(said.encode(), f"Bearer {CITY_KEY}".encode()):
                raise Problem(401, "unauthorized", "the police know no such key")
            return view(*args, **kwargs)

        return outside_party(*modes, room=ROOM)(guarded)

    return decorate
