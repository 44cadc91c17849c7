"""Shortcuts for tests of credentials: owners without accounts, cheap hashes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from app.core.ids import new_id
from app.core.passwords import Cost, Passwords
from app.core.unit_of_work import UnitOfWork
from app.credentials.service import CredentialsDeps
from app.credentials.values import Owner
from app.factory import Rooms

T = TypeVar("T")
HERE = "127.0.0.1"
ELSEWHERE = "203.0.113.9"
CHEAP = Cost(memory=64, passes=1)
GOOD = "seven blue herons wade"
OTHER = "nine grey cranes wander"


def deps_of(rooms: Rooms, **changes: object) -> CredentialsDeps:
    """Return the room's collaborators with hashes that cost little."""
    deps: CredentialsDeps = rooms.deps[CredentialsDeps]
    cheap = Passwords(lambda: deps.keyring.peppers, CHEAP, slots=8, queue=100)
    return replace(deps, passwords=cheap, **changes)  # type: ignore[arg-type]


def citizen() -> Owner:
    return Owner.citizen(new_id())


def staff() -> Owner:
    return Owner.staff(new_id())


@contextmanager
def unit(rooms: Rooms, address: str = HERE) -> Iterator[UnitOfWork]:
    """Open a unit of work as a request from an address does."""
    with rooms.units.open(actor="test", address=address) as uow:
        yield uow


def within(rooms: Rooms, call: Callable[[UnitOfWork], T], address: str = HERE) -> T:
    """Do one thing in a unit of work of its own, and return what it gives."""
    with unit(rooms, address) as uow:
        return call(uow)
