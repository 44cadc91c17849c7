"""The people of the register: those at first start, and new ones on demand."""

import sqlite3
from datetime import date

from sandbox.register.resident_id import AREAS, make_resident_id

_LAST_SEQUENCE = 999
_MINOR_YEARS = 12


class NoNumbersLeft(Exception):
    """Every number of this birthday is taken."""


def add_person(
    connection: sqlite3.Connection, *, name: str, born: date, note: str | None = None
) -> sqlite3.Row:
    """Register a person under the first free number of the birthday and return the row.

    Raises NoNumbersLeft after 999 people in each of Shiyan's areas.
    """
    taken = {
        row["resident_id"]
        for row in connection.execute(
            "SELECT resident_id FROM people WHERE born = ?", [born.isoformat()]
        )
    }
    for sequence in range(1, _LAST_SEQUENCE + 1):
        for area in AREAS:
            number = make_resident_id(area=area, born=born, sequence=sequence)
            if number not in taken:
                added: sqlite3.Row = connection.execute(
                    "INSERT INTO people (resident_id, name, born, note) VALUES (?, ?, ?, ?)"
                    " RETURNING *",
                    [number, name, born.isoformat(), note],
                ).fetchone()
                return added
    raise NoNumbersLeft


def seed_people(connection: sqlite3.Connection, *, today: date) -> None:
    """Register the people that tests and demonstrations begin with."""
    for name, born, note in (
        ("张伟", date(1985, 3, 12), "成年人"),
        ("刘洋", date(1992, 11, 30), "成年人"),
        ("王小宝", date(today.year - _MINOR_YEARS, 1, 20), "未成年人"),
        ("李秀英", date(1943, 6, 8), "老年人"),
        ("陈𬱖", date(1978, 9, 21), "生僻字"),
        ("李㛃", date(1988, 4, 5), "生僻字"),
        ("阿依古丽·买买提", date(1990, 7, 15), "少数民族姓名"),
    ):
        add_person(connection, name=name, born=born, note=note)
