"""The memory of the city: one SQLite file in which every answered change is committed."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from flask import current_app

Values: TypeAlias = Sequence[object] | Mapping[str, object]

_SCHEMAS = (
    """
CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key TEXT UNIQUE,
    recipient TEXT NOT NULL, text TEXT NOT NULL, sent_at TEXT NOT NULL
) STRICT;
CREATE INDEX messages_by_recipient ON messages (recipient, number);
CREATE TABLE people (
    number INTEGER PRIMARY KEY AUTOINCREMENT, resident_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL, born TEXT NOT NULL, note TEXT
) STRICT;
CREATE TABLE accounts (
    biller TEXT NOT NULL, number TEXT NOT NULL, holder_name TEXT NOT NULL,
    PRIMARY KEY (biller, number)
) STRICT;
CREATE TABLE bills (
    biller TEXT NOT NULL, reference TEXT NOT NULL, account TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0), currency TEXT NOT NULL,
    period_from TEXT NOT NULL, period_to TEXT NOT NULL, due_date TEXT NOT NULL, paid_at TEXT,
    PRIMARY KEY (biller, reference),
    FOREIGN KEY (biller, account) REFERENCES accounts (biller, number)
) STRICT;
CREATE INDEX bills_by_account ON bills (biller, account, due_date);
CREATE TABLE postings (
    number INTEGER PRIMARY KEY AUTOINCREMENT, biller TEXT NOT NULL, key TEXT NOT NULL,
    reference TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    paid_at TEXT NOT NULL, received_at TEXT NOT NULL, outcome TEXT NOT NULL,
    effective INTEGER NOT NULL, duplicate INTEGER NOT NULL, posting_reference TEXT
) STRICT;
CREATE INDEX postings_by_key ON postings (biller, key);
CREATE INDEX postings_by_reference ON postings (biller, reference);
-- A bill is paid by one notice, whatever the code above says.
CREATE UNIQUE INDEX one_effective_posting ON postings (biller, reference) WHERE effective = 1;
CREATE TABLE behaviours (
    room TEXT PRIMARY KEY, mode TEXT NOT NULL, times INTEGER, seconds REAL NOT NULL
) STRICT;
""",
    """
CREATE TABLE holdings (
    kind TEXT NOT NULL, holding TEXT NOT NULL,
    resident_id TEXT NOT NULL REFERENCES people (resident_id), PRIMARY KEY (kind, holding)
) STRICT;
CREATE TABLE face_checks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL UNIQUE,
    token TEXT NOT NULL UNIQUE, name TEXT NOT NULL, resident_id TEXT NOT NULL,
    status TEXT NOT NULL
) STRICT;
""",
    """
CREATE TABLE organisations (
    number INTEGER PRIMARY KEY AUTOINCREMENT, uscc TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    representative TEXT NOT NULL REFERENCES people (resident_id)
) STRICT;
CREATE TABLE guardians (
    child TEXT NOT NULL REFERENCES people (resident_id),
    guardian TEXT NOT NULL REFERENCES people (resident_id), PRIMARY KEY (child, guardian)
) STRICT;
""",
    """
CREATE TABLE answers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, text TEXT NOT NULL,
    sent_at TEXT NOT NULL
) STRICT;
""",
    """
CREATE TABLE police_vehicles (
    plate TEXT PRIMARY KEY, engine TEXT NOT NULL, class TEXT NOT NULL
) STRICT;
CREATE TABLE police_licences (
    licence TEXT PRIMARY KEY, archive TEXT NOT NULL UNIQUE, issued_on TEXT NOT NULL,
    class TEXT NOT NULL
) STRICT;
CREATE TABLE police_cases (
    number INTEGER PRIMARY KEY AUTOINCREMENT, notice_no TEXT NOT NULL UNIQUE,
    plate TEXT NOT NULL REFERENCES police_vehicles (plate),
    driver TEXT REFERENCES police_licences (licence), vehicle_class TEXT NOT NULL,
    offence_code TEXT NOT NULL, title_zh TEXT NOT NULL, title_en TEXT NOT NULL,
    legal_basis TEXT NOT NULL, points INTEGER NOT NULL, usual_fine INTEGER NOT NULL,
    place TEXT NOT NULL, at TEXT NOT NULL, speed_measured INTEGER, speed_limit INTEGER,
    officer TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1, withdrawn INTEGER NOT NULL DEFAULT 0,
    decision_no TEXT UNIQUE, kind TEXT, procedure TEXT, fine INTEGER, decided_at TEXT,
    served_on TEXT, served_by TEXT, instalments INTEGER NOT NULL DEFAULT 0,
    paid INTEGER NOT NULL DEFAULT 0, surcharge_paid INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX police_cases_by_plate ON police_cases (plate, at);
CREATE INDEX police_cases_by_driver ON police_cases (driver, at);
CREATE TABLE police_notices (
    number INTEGER PRIMARY KEY AUTOINCREMENT, call TEXT NOT NULL, key TEXT NOT NULL,
    subject TEXT NOT NULL, told TEXT NOT NULL, received_at TEXT NOT NULL,
    outcome TEXT NOT NULL, reference TEXT
) STRICT;
CREATE INDEX police_notices_by_subject ON police_notices (subject);
-- A key acts once, whatever the code above says.
CREATE UNIQUE INDEX one_taken_notice ON police_notices (call, key) WHERE outcome = 'taken';
""",
    """
ALTER TABLE accounts ADD COLUMN prepaid INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN advance INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bills ADD COLUMN paid_amount INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bills ADD COLUMN late_fee_rate INTEGER;
ALTER TABLE bills ADD COLUMN expires_on TEXT;
ALTER TABLE bills ADD COLUMN amended_for TEXT;
ALTER TABLE bills ADD COLUMN detail TEXT NOT NULL DEFAULT '{}';
ALTER TABLE postings ADD COLUMN laid TEXT;
ALTER TABLE postings ADD COLUMN token TEXT;
UPDATE bills SET paid_amount = amount WHERE paid_at IS NOT NULL;
""",
    """
ALTER TABLE accounts ADD COLUMN meter TEXT NOT NULL DEFAULT 'reachable';
ALTER TABLE postings ADD COLUMN load TEXT;
ALTER TABLE postings ADD COLUMN reversed_at TEXT;
ALTER TABLE postings ADD COLUMN reversal TEXT;
""",
    """
CREATE TABLE police_studies (
    number INTEGER PRIMARY KEY AUTOINCREMENT, study_no TEXT NOT NULL UNIQUE,
    licence TEXT NOT NULL REFERENCES police_licences (licence), kind TEXT NOT NULL,
    finished_on TEXT NOT NULL, passed INTEGER NOT NULL, credited INTEGER NOT NULL DEFAULT 0
) STRICT;
""",
)
"""What each version of the file adds to the one before; an older file is brought up to date."""


class Store:
    """One connection that the threads of a server take in turn; `path=None` lives in memory."""

    def __init__(
        self,
        path: Path | None,
        *,
        seed: Callable[[sqlite3.Connection], None],
        schemas: Sequence[str] = _SCHEMAS,
    ) -> None:
        self._turn = threading.RLock()
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        # Enough for a killed process: SQLite has handed each commit to the system by then.
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        with self.change() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            for schema in schemas[version:]:
                for statement in schema.split(";\n"):
                    connection.execute(statement)
            if version == 0:
                seed(connection)
            connection.execute(f"PRAGMA user_version = {len(schemas)}")

    @contextlib.contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction; commit it at the end, undo it on an error.

        A change inside a change is a part of it.
        """
        with self._turn:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, values: Values = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._turn:
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, values: Values = ()) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        with self._turn:
            found: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
            return found

    def close(self) -> None:
        """Close the file; nothing must be served from it any more."""
        with self._turn:
            self._connection.close()


def current_store() -> Store:
    """Return the store of the city that is answering."""
    store = current_app.extensions["store"]
    assert isinstance(store, Store)
    return store
