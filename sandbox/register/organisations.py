"""The organisations of the register: unified social credit codes as GB 32100 makes them."""

import sqlite3

from stdnum.cn.uscc import calc_check_digit

# Market regulation, an enterprise, Shiyan: what nearly every firm of the city begins with.
_PREFIX = "91420300"


def add_organisation(
    connection: sqlite3.Connection, *, name: str, representative: str, prefix: str = _PREFIX
) -> sqlite3.Row:
    """Register an organisation under the next free code and return the row."""
    last = connection.execute("SELECT coalesce(max(number), 0) FROM organisations").fetchone()[0]
    body = f"{prefix}MA{last + 1:07d}"
    added: sqlite3.Row = connection.execute(
        "INSERT INTO organisations (uscc, name, representative) VALUES (?, ?, ?) RETURNING *",
        [body + calc_check_digit(body), name, representative],
    ).fetchone()
    return added
