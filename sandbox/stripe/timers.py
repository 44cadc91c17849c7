"""Deeds for later: what has to happen to an object once the clock has reached a moment."""

from sandbox.stripe.world import World


def start(world: World, action: str, object_id: str, seconds: float) -> None:
    """Plan a deed, in the transaction of its cause."""
    world.store.run(
        "insert into timers (due, action, object) values (?, ?, ?)",
        (world.clock.now() + seconds, action, object_id),
    )


def stop(world: World, object_id: str) -> None:
    """Drop what was planned for an object."""
    world.store.run("delete from timers where object = ?", (object_id,))


def due(world: World) -> list[tuple[str, str]]:
    """Return the deeds whose moment has come, as action and object, and forget them."""
    now = world.clock.now()
    rows = world.store.run("select action, object from timers where due <= ? order by due", (now,))
    world.store.run("delete from timers where due <= ?", (now,))
    return [(row["action"], row["object"]) for row in rows]


def next_in(world: World) -> float | None:
    """Return after how many seconds the next deed is due, or nothing."""
    rows = world.store.run("select min(due) as due from timers")
    due_at = rows[0]["due"]
    return None if due_at is None else max(0.0, due_at - world.clock.now())
