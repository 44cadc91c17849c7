"""The queue of webhooks: one row for each event, endpoint and wanted copy."""

import sqlite3
from dataclasses import dataclass

from sandbox.stripe.errors import Body
from sandbox.stripe.ids import new_id
from sandbox.stripe.world import World

MODES = ("normal", "paused", "drop", "duplicate", "reorder", "delay")
_NORMAL: Body = {"mode": "normal", "times": None, "seconds": 0.0}


@dataclass(frozen=True, slots=True)
class Notice:
    """One webhook on its way to one endpoint."""

    event: Body
    endpoint: str
    lane: str
    state: str
    due: float


def matches(pattern: str, kind: str) -> bool:
    """Say whether an event type is covered by a name, `charge.*` or `*`."""
    return pattern in ("*", kind) or (
        pattern.endswith(".*") and kind.startswith(pattern.removesuffix("*"))
    )


def behaviour(world: World) -> Body:
    """Return how webhooks are treated at the moment."""
    return world.store.setting("webhooks") or _NORMAL


def behave(world: World, mode: str, times: int | None, seconds: float) -> Body:
    """Change how the following webhooks are treated; `normal` lets go what was held."""
    with world.store.transaction():
        change = {"mode": mode, "times": times, "seconds": seconds}
        if mode == "normal":
            _release(world, newest_first=False)
        world.store.keep_setting("webhooks", change)
    return change


def enqueue(world: World, event: Body, lane: str) -> None:
    """Queue an event for every endpoint that wants it, as the behaviour of the moment says."""
    for endpoint in world.store.of_kind("webhook_endpoint"):
        wanted = endpoint["enabled_events"]
        enabled = endpoint["status"] == "enabled"
        if enabled and any(matches(pattern, event["type"]) for pattern in wanted):
            _queue_one(world, event, endpoint["id"], lane)


def _queue_one(world: World, event: Body, endpoint: str, lane: str) -> None:
    now = behaviour(world)
    mode, due = now["mode"], world.clock.now()
    states = {"paused": "held", "reorder": "held", "drop": "dropped"}
    if mode == "delay":
        due += now["seconds"]
    notice = Notice(event, endpoint, lane, states.get(mode, "pending"), due)
    for _ in range(2 if mode == "duplicate" else 1):
        _insert(world, notice)
    _count_down(world, now)


def _count_down(world: World, now: Body) -> None:
    """Return to normal once the behaviour was applied as often as asked for."""
    if now["mode"] == "normal" or now["times"] is None:
        return
    left = now["times"] - 1
    if left > 0:
        world.store.keep_setting("webhooks", {**now, "times": left})
        return
    if now["mode"] == "reorder":
        _release(world, newest_first=True)
    # What a pause held stays held: only `normal`, said aloud, lets it go.
    world.store.keep_setting("webhooks", _NORMAL)


def _release(world: World, *, newest_first: bool) -> None:
    """Let go the held notices; reversed ones share a lane, so that their order is kept."""
    order, lane = ("desc", new_id("lane")) if newest_first else ("asc", None)
    held = world.store.run(
        f"select id, event, type, subject, endpoint, lane from deliveries"  # noqa: S608 - ours
        f" where state = 'held' order by id {order}"
    )
    for row in held:
        world.store.run("delete from deliveries where id = ?", (row["id"],))
        world.store.run(
            "insert into deliveries (event, type, subject, endpoint, lane, state, due)"
            " values (?, ?, ?, ?, ?, 'pending', ?)",
            (
                row["event"],
                row["type"],
                row["subject"],
                row["endpoint"],
                lane or row["lane"],
                world.clock.now(),
            ),
        )


def _insert(world: World, notice: Notice) -> None:
    subject = notice.event["data"]["object"]
    world.store.run(
        "insert into deliveries (event, type, subject, endpoint, lane, state, due)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        (
            notice.event["id"],
            notice.event["type"],
            subject.get("payment_intent") or subject["id"],
            notice.endpoint,
            notice.lane,
            notice.state,
            notice.due,
        ),
    )


def redeliver(world: World, events: list[Body], *, times: int, parallel: bool) -> int:
    """Send these events again, whatever the behaviour of the moment, and count the notices."""
    count = 0
    with world.store.transaction():
        for event in events:
            subject = event["data"]["object"]
            lane = subject.get("payment_intent") or subject["id"]
            for endpoint in world.store.of_kind("webhook_endpoint"):
                for _ in range(times):
                    own = new_id("lane") if parallel else lane
                    now = world.clock.now()
                    _insert(world, Notice(event, endpoint["id"], own, "pending", now))
                    count += 1
    return count


def undelivered(world: World, event_id: str) -> int:
    """Count the notices of an event that still wait."""
    rows = world.store.run(
        "select count(*) as n from deliveries where event = ? and state in ('pending', 'held')",
        (event_id,),
    )
    return int(rows[0]["n"])


def due(world: World, busy: set[str]) -> tuple[sqlite3.Row | None, float | None]:
    """Return the next notice to send outside the busy lanes, and when to look again."""
    rows = world.store.run(
        "select * from deliveries where state = 'pending' order by due, id limit 200"
    )
    now = world.clock.now()
    for row in rows:
        if row["due"] > now:
            return None, row["due"] - now
        if row["lane"] not in busy:
            return row, None
    return None, None


def delivered(world: World, notice: sqlite3.Row, status: int) -> None:
    """Record that an endpoint took the event."""
    world.store.run(
        "update deliveries set state = 'delivered', attempts = attempts + 1, last_status = ?,"
        " last_error = null, delivered = ? where id = ?",
        (status, world.clock.now(), notice["id"]),
    )


def failed(world: World, notice: sqlite3.Row, status: int | None, reason: str) -> None:
    """Record a failed attempt; the next one waits longer, and the last one ends it."""
    delays = world.config.retry_delays
    attempt = int(notice["attempts"])
    over = attempt >= len(delays)
    world.store.run(
        "update deliveries set state = ?, attempts = attempts + 1, last_status = ?,"
        " last_error = ?, due = ? where id = ?",
        (
            "failed" if over else "pending",
            status,
            reason,
            world.clock.now() + (0.0 if over else delays[attempt]),
            notice["id"],
        ),
    )


def listed(world: World, *, event: str | None, payment_intent: str | None) -> list[Body]:
    """Return the deliveries, oldest first."""
    clauses, values = ["1 = 1"], list[object]()
    if event:
        clauses, values = [*clauses, "event = ?"], [*values, event]
    if payment_intent:
        clauses, values = [*clauses, "subject = ?"], [*values, payment_intent]
    rows = world.store.run(
        f"select * from deliveries where {' and '.join(clauses)} order by id",  # noqa: S608 - ours
        values,
    )
    return [dict(row) for row in rows]
