"""The state of a sandbox: one SQLite connection, one lock, JSON objects in order of creation."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.stripe.errors import Body, not_found

_SCHEMA = """
create table if not exists objects (
    seq integer primary key autoincrement,
    id text not null unique,
    kind text not null,
    parent text,
    created integer not null,
    body text not null,
    hidden text not null default '{}'
);
create index if not exists objects_kind on objects (kind, seq);
create index if not exists objects_parent on objects (parent, kind);
create table if not exists idempotency (
    key text primary key,
    fingerprint text not null,
    endpoint text not null,
    status integer not null,
    headers text not null,
    body text not null,
    request_id text not null,
    created real not null
);
create table if not exists deliveries (
    id integer primary key autoincrement,
    event text not null,
    type text not null,
    subject text not null,
    endpoint text not null,
    lane text not null,
    state text not null,
    due real not null,
    attempts integer not null default 0,
    last_status integer,
    last_error text,
    delivered real
);
create index if not exists deliveries_state on deliveries (state, due);
create index if not exists deliveries_event on deliveries (event);
create table if not exists timers (
    id integer primary key autoincrement,
    due real not null,
    action text not null,
    object text not null
);
create table if not exists journal (
    seq integer primary key autoincrement,
    at real not null,
    method text not null,
    path text not null,
    operation text,
    idempotency_key text,
    status integer,
    object text,
    replayed integer not null default 0,
    fault text,
    milliseconds real
);
create table if not exists settings (name text primary key, value text not null);
"""


class Store:
    """Everything the sandbox remembers; every method may be called from any thread."""

    def __init__(self, data_dir: Path | None) -> None:
        if data_dir is not None:
            data_dir.mkdir(parents=True, exist_ok=True)
        target = ":memory:" if data_dir is None else str(data_dir / "stripe.sqlite3")
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(target, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        # WAL with NORMAL survives the death of the process; only a power cut could lose the tail.
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the file back; no call may follow."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the store alone; commit at the end, or undo everything if an error escapes."""
        with self._lock:
            if self._depth:
                yield
                return
            self._db.execute("begin immediate")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            else:
                self._db.execute("commit")
            finally:
                self._depth = 0

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what happened inside if an error escapes, and let that error go on."""
        self._db.execute("savepoint effect")
        try:
            yield
        except BaseException:
            self._db.execute("rollback to effect")
            raise
        finally:
            self._db.execute("release effect")

    def run(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        with self._lock:
            return self._db.execute(sql, tuple(values)).fetchall()

    def add(self, body: Body, *, parent: str | None = None, hidden: Body | None = None) -> Body:
        """Keep a new object; `hidden` is what the sandbox knows and never shows."""
        self.run(
            "insert into objects (id, kind, parent, created, body, hidden)"
            " values (?, ?, ?, ?, ?, ?)",
            (
                body["id"],
                body["object"],
                parent,
                body["created"],
                json.dumps(body),
                json.dumps(hidden or {}),
            ),
        )
        return body

    def save(self, body: Body) -> Body:
        """Keep the new state of an object that is already there."""
        self.run("update objects set body = ? where id = ?", (json.dumps(body), body["id"]))
        return body

    def find(self, object_id: str) -> Body | None:
        """Return the object, or nothing."""
        rows = self.run("select body from objects where id = ?", (object_id,))
        return _load(rows[0]["body"]) if rows else None

    def get(self, kind: str, object_id: str, *, param: str | None = None) -> Body:
        """Return the object of this kind or refuse: 404, or 400 if a parameter named it."""
        body = self.find(object_id)
        if body is None or body["object"] != kind:
            raise not_found(kind, object_id, param or "id", status=400 if param else 404)
        return body

    def remove(self, object_id: str) -> None:
        """Forget an object."""
        self.run("delete from objects where id = ?", (object_id,))

    def hidden(self, object_id: str) -> Body:
        """Return what the sandbox knows about the object and never shows."""
        rows = self.run("select hidden from objects where id = ?", (object_id,))
        return _load(rows[0]["hidden"]) if rows else {}

    def hide(self, object_id: str, **facts: object) -> None:
        """Add to what the sandbox knows about the object."""
        merged = {**self.hidden(object_id), **facts}
        self.run("update objects set hidden = ? where id = ?", (json.dumps(merged), object_id))

    def of_kind(self, kind: str, *, parent: str | None = None) -> list[Body]:
        """Return the objects of a kind, oldest first; `parent` keeps those below one object."""
        sql, values = "select body from objects where kind = ?", [kind]
        if parent is not None:
            sql, values = sql + " and parent = ?", [kind, parent]
        return [_load(row["body"]) for row in self.run(sql + " order by seq", values)]

    def setting(self, name: str) -> Body | None:
        """Return a kept setting, or nothing."""
        rows = self.run("select value from settings where name = ?", (name,))
        return _load(rows[0]["value"]) if rows else None

    def keep_setting(self, name: str, value: Body) -> None:
        """Keep a setting over a restart."""
        self.run(
            "insert into settings (name, value) values (?, ?)"
            " on conflict (name) do update set value = excluded.value",
            (name, json.dumps(value)),
        )


def _load(text: str) -> Body:
    body: Body = json.loads(text)
    return body
