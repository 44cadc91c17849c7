"""The car parks: how many places are free, and places that citizens have reserved.

What is reserved is kept under the reference of the citizen until they have it erased. The city's
`Idempotency-Key` is unique in the books: the same one again is the same place.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from .books import Books, Refused, now

CAR_PARKS = {"north": 120, "golden-summit": 2}
"""How many places each has."""
HERE = timezone(timedelta(hours=8))
NO_SUCH_CAR_PARK = Refused(404, "no-such-car-park", "There is no such car park")

_TABLES = """
CREATE TABLE IF NOT EXISTS reservations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    citizen TEXT NOT NULL,
    car_park TEXT NOT NULL,
    plate TEXT NOT NULL,
    minutes INTEGER NOT NULL CHECK (minutes > 0),
    until TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Wish:
    """What a citizen wants: a place for a car, from now on."""

    citizen: str
    car_park: str
    plate: str
    minutes: int


class Places(Books):
    """What is free and what is reserved."""

    tables = _TABLES

    def count_free(self, car_park: str, day: str | None) -> int:
        """Return how many places are free now, or when a day begins."""
        if car_park not in CAR_PARKS:
            raise NO_SUCH_CAR_PARK
        moment = now() if day is None else max(now(), _beginning(day))
        with self.open() as books:
            return _free(books, car_park, moment)

    def reserve(self, key: str, wish: Wish) -> str:
        """Reserve a place, once, and return its number: the same key again gets the same one."""
        if wish.car_park not in CAR_PARKS:
            raise NO_SUCH_CAR_PARK
        wanted = (wish.citizen, wish.car_park, wish.plate, wish.minutes)
        with self.transaction() as books:
            known = books.execute(
                "SELECT citizen, car_park, plate, minutes FROM reservations WHERE key = ?", (key,)
            ).fetchone()
            if known is not None and known != wanted:
                raise Refused(422, "key-reused", "This key stands for another place")
            if known is None:
                if _free(books, wish.car_park, now()) <= 0:
                    raise Refused(409, "no-space", "The car park is full")
                until = datetime.now(UTC) + timedelta(minutes=wish.minutes)
                books.execute(
                    "INSERT INTO reservations (key, citizen, car_park, plate, minutes, until)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (key, *wanted, until.isoformat(timespec="milliseconds")),
                )
            row = books.execute("SELECT number FROM reservations WHERE key = ?", (key,)).fetchone()
            return _named(row[0])

    def data_of(self, citizen: str) -> list[Mapping[str, Any]]:
        """Return all that a citizen has reserved."""
        query = """
            SELECT number, car_park, plate, minutes, until FROM reservations
            WHERE citizen = ? ORDER BY number
        """
        names = ("car_park", "plate", "minutes", "until")
        with self.open() as books:
            return [
                {"number": _named(number), **dict(zip(names, row, strict=True))}
                for number, *row in books.execute(query, (citizen,))
            ]

    def forget(self, citizen: str) -> None:
        """Forget a citizen; their places are free again."""
        with self.transaction() as books:
            books.execute("DELETE FROM reservations WHERE citizen = ?", (citizen,))


def _free(books: sqlite3.Connection, car_park: str, moment: str) -> int:
    (taken,) = books.execute(
        "SELECT count(*) FROM reservations WHERE car_park = ? AND until > ?", (car_park, moment)
    ).fetchone()
    return CAR_PARKS[car_park] - int(taken)


def _beginning(day: str) -> str:
    """Return the moment at which a day begins here, as the books write moments."""
    try:
        moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=HERE).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(422, "no-such-day", "Write a day like 2026-12-01") from None
    return moment.isoformat(timespec="milliseconds")


def _named(number: int) -> str:
    return f"R-{number:06d}"
