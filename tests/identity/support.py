"""Shortcuts for tests of identity: codes without the SMS, sessions without HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text

from app.core.blind_indexes import find_index
from app.core.crypto import unseal
from app.factory import Rooms
from app.identity import service
from app.identity.service import IdentityDeps
from app.identity.values import Device, LogIn, Purpose, SignedIn
from tests.factories import make_phone

T = TypeVar("T")
HERE = "127.0.0.1"
THREADS = 6  # as many as the normal lane of a web process lets in; more might be shed


def deps_of(rooms: Rooms) -> IdentityDeps:
    deps: IdentityDeps = rooms.deps[IdentityDeps]
    return deps


def with_codes(rooms: Rooms, *, exempt: bool = True, **limits: object) -> IdentityDeps:
    """Return the room's collaborators with other limits of codes."""
    deps = deps_of(rooms)
    return replace(
        deps,
        codes=replace(deps.codes, **limits),  # type: ignore[arg-type]
        loopback_exempt=deps.loopback_exempt and exempt,
    )


def ask(
    rooms: Rooms,
    phone: str,
    *,
    address: str = HERE,
    deps: IdentityDeps | None = None,
    purpose: Purpose = Purpose.LOGIN,
) -> tuple[UUID, str]:
    """Open a challenge and read its code out of the sealed row."""
    deps = deps or deps_of(rooms)
    with rooms.units.open(actor="test") as uow:
        opened = service.open_challenge(uow, deps, phone, purpose, address)
        uow.flush()
        sealed = uow.scalar(
            text("select code_sealed from challenges where id = :id"), {"id": opened.id}
        )
    key = deps.keyring.class_key("challenges")
    return opened.id, unseal(key, bytes(sealed), context=f"challenges|code|{opened.id}").decode()


def log_in_quickly(rooms: Rooms, phone: str | None = None, *, device: str = "phone") -> SignedIn:
    """Return a session of a fresh citizen, or of the number's."""
    challenge_id, code = ask(rooms, phone or make_phone())
    login = LogIn(challenge_id, code, Device(device, "android"))
    with rooms.units.open(actor="test") as uow:
        return service.start_session(uow, deps_of(rooms), login, HERE)


def index_of(rooms: Rooms, kind: str, value: str) -> bytes:
    """Return the blind index that the tables keep of a canonical value."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return find_index(uow, deps_of(rooms).keyring, kind, value)


def in_parallel(calls: list[Callable[[], T]]) -> list[T]:
    """Run calls on as many threads as a web process serves at once, and return what they gave."""
    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def count(rooms: Rooms, statement: str, **values: object) -> int:
    """Return the one number that a statement selects."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return int(uow.scalar(text(statement), values) or 0)
