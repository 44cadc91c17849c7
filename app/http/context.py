"""What a view may ask about the request it answers."""

from typing import TypeVar, cast

from flask import current_app, g

from app.core.errors import Unauthenticated
from app.core.tokens import Principal
from app.core.unit_of_work import UnitOfWork

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


def request_id() -> str:
    """Return the id that stands on this request's answer and in its log lines."""
    return str(g.request_id)


def client_address() -> str:
    """Return the caller's address as the nearest trusted hop saw it."""
    return str(g.address)
