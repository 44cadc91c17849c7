"""What is said of an answered call of somebody else's system: for that system to read, later."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Response, g, request

from app.core.clock import now
from app.core.tokens import FIRST_PARTY, Principal
from app.http.problems import code_of

_PLACEHOLDER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


@dataclass(frozen=True, slots=True)
class Served:
    """One call of a client's: nothing that was asked for or answered, and nobody, is in it."""

    client_id: UUID
    request_id: UUID
    at: datetime
    operation: str
    status: int
    milliseconds: int
    code: str | None


def describe_served(response: Response) -> Served | None:
    """Return what is said of the call that is being answered; None unless a client made it.

    The operation is the documented address, never the one that was asked for.
    """
    client_id = _client()
    if client_id is None or request.url_rule is None:
        return None
    documented = _PLACEHOLDER.sub(r"{\1}", request.url_rule.rule)
    return Served(
        client_id=client_id,
        request_id=UUID(g.request_id),
        at=now(),
        operation=f"{request.method} {documented}",
        status=response.status_code,
        milliseconds=round((time.perf_counter() - g.started) * 1000),
        code=code_of(response),
    )


def _client() -> UUID | None:
    """Return whose system calls: by its token, or by what it has proven at the protocol's door."""
    who: Principal | None = g.get("principal")
    if who is None:
        proven: UUID | None = g.get("client_id")
        return proven
    try:
        return None if who.client_id == FIRST_PARTY else UUID(who.client_id)
    except ValueError:  # no client of ours: an answer never fails for the sake of its log
        return None
