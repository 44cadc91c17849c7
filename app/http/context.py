"""What a view may ask about the request it answers."""

from typing import TYPE_CHECKING, TypeVar, cast
from uuid import UUID

from flask import current_app, g, request

from app.core.errors import Unauthenticated
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork
from app.http.rate_limit import PER_PRINCIPAL

if TYPE_CHECKING:
    from app.http.server import Server

T = TypeVar("T")


def deps(kind: type[T]) -> T:
    """Return the collaborators of a room, as the factory made them."""
    return cast("T", current_app.extensions["house"][kind])


def unit() -> UnitOfWork:
    """Return the unit of work of this request; a GET's is read-only."""
    return cast("UnitOfWork", g.uow)


def principal() -> Principal:
    """Return who calls; raise `Unauthenticated` on a public operation without a token."""
    who = g.get("principal")
    if who is None:
        raise Unauthenticated
    return cast("Principal", who)


def fields_of_header(name: str) -> str | None:
    """Return a field of the request as it came; None when there is none."""
    return request.headers.get(name)


def request_path() -> str:
    """Return the path that was asked for."""
    return request.path


def meter(*names: str) -> None:
    """Count a call for somebody who is no principal; raise `RateLimited` past the limit."""
    g.allowance = cast("Server", current_app).door.limiter.hit(PER_PRINCIPAL, *names)


def note_client(client_id: UUID) -> None:
    """Know which system calls that has proven itself without a token of ours."""
    g.client_id = client_id


def request_id() -> str:
    """Return the id that stands on this request's answer and in its log lines."""
    return str(g.request_id)


def client_address() -> str:
    """Return the caller's address as the nearest trusted hop saw it."""
    return str(g.address)
