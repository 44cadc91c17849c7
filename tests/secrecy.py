"""Looking for planted values wherever the product keeps or says something (P48).

    search = Search({"name": "欧阳…", "phone": "+86138…"})
    with search.listening():
        …                                  # whatever the citizen does
        search.look(rooms)                 # may be asked several times: jobs come and go
    assert search.found == []

A value is looked for as it is, in JSON's escapes, in hexadecimal, percent-encoded, and inside
base64 of either alphabet at each of its three places.
"""

import base64
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any
from urllib.parse import quote, quote_plus

import redis
from sqlalchemy import Connection, create_engine, text
from structlog.testing import capture_logs

from app.factory import Rooms

_SHORT = 12
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?")
_TABLES = text("""
    select format('%I.%I', n.nspname, c.relname) from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)' order by 1
""")


def forms_of(value: str) -> dict[str, str]:
    """Return what a value may look like, by the name of its form."""
    raw = value.encode()
    found = {
        "clear": value,
        "json": json.dumps(value)[1:-1],
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "percent": quote(value, safe=""),
        "form": quote_plus(value),
    }
    for place in range(3):
        # What stands before decides how a value falls into groups of three bytes; the first and
        # last group are shared with its neighbours and left out.
        inside = base64.b64encode(b"\0" * place + raw)[(0, 4, 4)[place] :].decode()
        inside = inside[: len(inside) - (4 if (place + len(raw)) % 3 else 0)]
        found[f"base64/{place}"] = inside
        found[f"base64url/{place}"] = inside.replace("+", "-").replace("/", "_")
    return found


@dataclass(frozen=True, slots=True)
class Find:
    """A planted value that was found: which, where, in what form."""

    canary: str
    place: str
    form: str


@dataclass
class Search:
    """Planted values, and where they were found; empty is good."""

    canaries: Mapping[str, str]
    found: list[Find] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    characters: int = 0

    def plant(self, **more: str) -> None:
        """Look for further values from now on: tokens are known when they are given."""
        self.canaries = {**self.canaries, **more}

    def read(self, place: str, content: str) -> None:
        """Look for every value in a text."""
        self.places.add(place)
        self.characters += len(content)
        without_moments: str | None = None
        for name, value in self.canaries.items():
            if len(value) < _SHORT and value.isascii():
                # A code of six digits also stands in a moment's fraction by chance.
                if without_moments is None:
                    without_moments = _MOMENT.sub("", content)
                alone = rf"(?<![0-9A-Za-z.\-]){re.escape(value)}(?![0-9A-Za-z\-])"
                if re.search(alone, without_moments):
                    self._note(name, place, "clear")
                continue
            for form, shape in forms_of(value).items():
                if shape and shape in content:
                    self._note(name, place, form)

    def _note(self, canary: str, place: str, form: str) -> None:
        found = Find(canary, place, form)
        if found not in self.found:
            self.found.append(found)

    def look(self, rooms: Rooms) -> None:
        """Read every row of every table as the owner sees it, and every key of Valkey."""
        engine = create_engine(rooms.settings.database.owner_url or "")
        try:
            with engine.connect() as connection:
                self._read_tables(connection)
        finally:
            engine.dispose()
        if rooms.settings.redis_url is not None:
            self._read_valkey(rooms.settings.redis_url)
        anchors = rooms.settings.audit.anchors
        if anchors.exists():
            self.read("anchors", anchors.read_text())

    def _read_tables(self, connection: Connection) -> None:
        for table in connection.scalars(_TABLES).all():
            rows = connection.scalars(text(f"select whole_row::text from {table} whole_row"))  # noqa: S608
            self.read(table, "\n".join(rows))

    def _read_valkey(self, url: str) -> None:
        client = redis.Redis.from_url(url)
        try:
            kept = []
            for key in client.scan_iter(count=1_000):
                kept.append(key.decode(errors="replace"))
                kept.append(_value(client, key))
            self.read("valkey", "\n".join(kept))
        finally:
            client.close()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Read, at the end, every log line of the enclosed lines, before anything is struck out.

        Libraries are heard from the level on that the product lets them speak at (`core.logs`).
        """
        stream = StringIO()
        handler = logging.StreamHandler(stream)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.WARNING)
        try:
            with capture_logs() as logs:
                yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)
            self.read("log", "\n".join(map(repr, logs)))
            self.read("log of libraries", stream.getvalue())


def _value(client: Any, key: bytes) -> str:  # noqa: ANN401 - the client's types are loose
    kind = client.type(key)
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"set": client.smembers,
        b"zset": lambda name: client.zrange(name, 0, -1, withscores=True),
    }
    return _plain(readers[kind](key) if kind in readers else client.dump(key))


def _plain(found: Any) -> str:  # noqa: ANN401 - bytes, or collections of them
    if isinstance(found, bytes):
        return found.decode(errors="replace")
    if isinstance(found, dict):
        return " ".join(f"{_plain(name)}={_plain(value)}" for name, value in found.items())
    if isinstance(found, list | set | tuple):
        return " ".join(map(_plain, found))
    return repr(found)
