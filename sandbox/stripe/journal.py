"""The journal: every call of the API in the order of arrival, for tests that count."""

from dataclasses import dataclass

from sandbox.stripe.errors import Body
from sandbox.stripe.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A call as it came in."""

    method: str
    path: str
    operation: str | None
    idempotency_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended; without a status the client got no answer."""

    status: int | None
    object_id: str | None = None
    replayed: bool = False
    fault: str | None = None
    milliseconds: float = 0.0


def arrive(world: World, arrival: Arrival) -> int:
    """Write down a call and return its number."""
    rows = world.store.run(
        "insert into journal (at, method, path, operation, idempotency_key)"
        " values (?, ?, ?, ?, ?) returning seq",
        (
            world.clock.now(),
            arrival.method,
            arrival.path,
            arrival.operation,
            arrival.idempotency_key,
        ),
    )
    return int(rows[0]["seq"])


def end(world: World, seq: int, outcome: Outcome) -> None:
    """Write down how a call ended."""
    world.store.run(
        "update journal set status = ?, object = ?, replayed = ?, fault = ?, milliseconds = ?"
        " where seq = ?",
        (
            outcome.status,
            outcome.object_id,
            outcome.replayed,
            outcome.fault,
            round(outcome.milliseconds, 3),
            seq,
        ),
    )


def entries(world: World, *, after: int, limit: int, operation: str | None) -> list[Body]:
    """Return the calls after a number, oldest first."""
    clauses, values = ["seq > ?"], list[object]([after])
    if operation:
        clauses, values = [*clauses, "operation = ?"], [*values, operation]
    rows = world.store.run(
        f"select * from journal where {' and '.join(clauses)} order by seq limit ?",  # noqa: S608 - ours
        [*values, limit],
    )
    return [{**dict(row), "replayed": bool(row["replayed"])} for row in rows]


def clear(world: World) -> None:
    """Forget the calls so far; numbers go on."""
    world.store.run("delete from journal")
