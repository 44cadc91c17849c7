"""Vehicles and driving licences: found by two facts, made, and those of the first start."""

import sqlite3
from datetime import date

from sandbox.store import Store
from sandbox.wire import Problem

ENGINE_DIGITS = 6
LICENCE_DIGITS = 4

_FIRST_VEHICLES = (
    ("鄂C10001", "LJ465QE1B100001", "小型汽车"),
    ("鄂CD10002", "TZ220XS50200002", "小型新能源汽车"),
)
_FIRST_LICENCES = (
    ("张伟", "420300100001", date(2010, 5, 18), "C1"),
    ("刘洋", "420300100002", date(2016, 2, 29), "C1"),
)


def find_vehicle(store: Store, plate: str, engine: str) -> sqlite3.Row:
    """Return the vehicle with this plate whose engine number ends so; raise Problem 404."""
    row = store.row("SELECT * FROM police_vehicles WHERE plate = ?", [plate])
    if row is None or not ends_in(row["engine"], engine):
        raise _nothing()
    return row


def find_licence(store: Store, licence: str, archive: str) -> sqlite3.Row:
    """Return the licence with this number and archive number; raise Problem 404."""
    row = store.row(
        "SELECT * FROM police_licences WHERE licence = ? AND archive = ?", [licence, archive]
    )
    if row is None:
        raise _nothing()
    return row


def ends_in(number: str, digits: str) -> bool:
    """Tell whether an engine number's last digits are these, however they are written."""
    return number[-ENGINE_DIGITS:].upper() == digits.upper()


def add_vehicle(store: Store, *, plate: str, engine: str, vehicle_class: str) -> sqlite3.Row:
    """Register a vehicle and return it; raise Problem 409 `vehicle-exists`."""
    try:
        with store.change() as connection:
            row: sqlite3.Row = connection.execute(
                "INSERT INTO police_vehicles VALUES (?, ?, ?) RETURNING *",
                [plate, engine, vehicle_class],
            ).fetchone()
    except sqlite3.IntegrityError:
        raise Problem(409, "vehicle-exists", f"{plate} is registered") from None
    return row


def add_licence(
    store: Store, *, licence: str, archive: str, issued_on: date, licence_class: str
) -> sqlite3.Row:
    """Issue a licence and return it; raise Problem 409 `licence-exists`."""
    try:
        with store.change() as connection:
            row: sqlite3.Row = connection.execute(
                "INSERT INTO police_licences VALUES (?, ?, ?, ?) RETURNING *",
                [licence, archive, issued_on.isoformat(), licence_class],
            ).fetchone()
    except sqlite3.IntegrityError:
        raise Problem(409, "licence-exists", "this person, or this archive, has one") from None
    return row


def seed_registry(connection: sqlite3.Connection) -> None:
    """Register the vehicles and licences of the first start; the people must be there."""
    connection.executemany("INSERT INTO police_vehicles VALUES (?, ?, ?)", _FIRST_VEHICLES)
    for name, archive, issued_on, licence_class in _FIRST_LICENCES:
        connection.execute(
            "INSERT INTO police_licences SELECT resident_id, ?, ?, ? FROM people WHERE name = ?",
            [archive, issued_on.isoformat(), licence_class, name],
        )


def _nothing() -> Problem:
    # The same for a wrong number and a wrong second fact: neither can be found out by trying.
    return Problem(404, "not-found", "there is nothing with these two facts")
