"""Idempotency keys: the first answer is kept for a day and given again, whatever it was."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.stripe.errors import ApiError, Body, invalid
from sandbox.stripe.params import Raw
from sandbox.stripe.world import Call, World

_LONGEST = 255
_KEPT = 24 * 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body, as they were or will be sent."""

    status: int
    body: Body
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """One key with what it was used for."""

    key: str
    endpoint: str
    fingerprint: str


class InFlight:
    """The keys whose calls are being carried out in this moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    @contextmanager
    def hold(self, ticket: Ticket | None) -> Iterator[None]:
        """Keep the key for one call; a second call meanwhile is a 409, and is not kept."""
        if ticket is None:
            yield
            return
        with self._lock:
            if ticket.key in self._keys:
                raise ApiError(
                    409,
                    "idempotency_error",
                    "A call with this Idempotency-Key is still being carried out.",
                    code="idempotency_key_in_use",
                )
            self._keys.add(ticket.key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(ticket.key)


def ticket(key: str | None, method: str, path: str, raw: dict[str, Raw]) -> Ticket | None:
    """Return the key's ticket; only POST has one."""
    if key is None or method != "POST":
        return None
    if not key or len(key) > _LONGEST:
        raise invalid("An Idempotency-Key has 1 to 255 characters.")
    canonical = json.dumps(raw, sort_keys=True).encode()
    return Ticket(key, f"{method} {path}", hashlib.sha256(canonical).hexdigest())


def replay(world: World, ticket: Ticket) -> Answer | None:
    """Return the kept answer, nothing for a new key, or refuse a key used for something else."""
    world.store.run(
        "delete from idempotency where key = ? and created < ?",
        (ticket.key, world.clock.now() - _KEPT),
    )
    rows = world.store.run("select * from idempotency where key = ?", (ticket.key,))
    if not rows:
        return None
    kept = rows[0]
    if kept["endpoint"] != ticket.endpoint or kept["fingerprint"] != ticket.fingerprint:
        raise ApiError(
            400,
            "idempotency_error",
            "This Idempotency-Key was first used with other parameters or another endpoint"
            f" ({kept['endpoint']}). Use another key for another call.",
        )
    headers = {**json.loads(kept["headers"]), "Original-Request": kept["request_id"]}
    return Answer(kept["status"], json.loads(kept["body"]), headers, replayed=True)


def keep(call: Call, ticket: Ticket, answer: Answer) -> None:
    """Keep the answer, in the transaction of its effect."""
    call.store.run(
        "insert into idempotency"
        " (key, fingerprint, endpoint, status, headers, body, request_id, created)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ticket.key,
            ticket.fingerprint,
            ticket.endpoint,
            answer.status,
            json.dumps(answer.headers),
            json.dumps(answer.body),
            call.request_id,
            call.world.clock.now(),
        ),
    )
