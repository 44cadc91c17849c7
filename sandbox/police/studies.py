"""Courses on traffic law that drivers have taken, and the points that they took away."""

import sqlite3
from collections.abc import Mapping
from datetime import date

from sandbox.store import Store
from sandbox.wire import Problem

MOST_A_STUDY = 2


def find_studies(store: Store, licence: str) -> list[sqlite3.Row]:
    """Return the courses that the holder of a licence took, the first one first."""
    return store.rows("SELECT * FROM police_studies WHERE licence = ? ORDER BY number", [licence])


def find_study(store: Store, study_no: str) -> sqlite3.Row:
    """Return a course that somebody took; raise Problem 404 `study-not-found`."""
    row = store.row("SELECT * FROM police_studies WHERE study_no = ?", [study_no])
    if row is None:
        raise Problem(404, "study-not-found", f"there is no study {study_no}")
    return row


def add_study(
    store: Store, *, licence: str, kind: str, finished_on: date, passed: bool
) -> sqlite3.Row:
    """Write down that a driver took a course; raise Problem 404 `licence-not-found`."""
    if store.row("SELECT 1 FROM police_licences WHERE licence = ?", [licence]) is None:
        raise Problem(404, "licence-not-found", "nobody has this licence")
    with store.change() as connection:
        last = connection.execute("SELECT coalesce(max(number), 0) FROM police_studies").fetchone()[
            0
        ]
        row: sqlite3.Row = connection.execute(
            "INSERT INTO police_studies (study_no, licence, kind, finished_on, passed)"
            " VALUES (?, ?, ?, ?, ?) RETURNING *",
            [f"XF{finished_on:%Y}{last + 1:06d}", licence, kind, finished_on.isoformat(), passed],
        ).fetchone()
    return row


def objection_to_credit(study: sqlite3.Row, told: Mapping[str, object]) -> str | None:
    """Return why a course takes no points away, or None."""
    points = told["points"]
    assert isinstance(points, int)
    if not study["passed"]:
        return "study-not-passed"
    if study["credited"]:
        return "study-credited"
    return None if 1 <= points <= MOST_A_STUDY else "points-too-many"


def put_credit(connection: sqlite3.Connection, study_no: str, told: Mapping[str, object]) -> None:
    """Write down how many points a course took away."""
    connection.execute(
        "UPDATE police_studies SET credited = ? WHERE study_no = ?", [told["points"], study_no]
    )
