"""The books of the company, kept in SQLite, and how it says no."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar


class Refused(Exception):
    """We say no, and why: a status of HTTP and a code that stays the same."""

    def __init__(self, status: int, code: str, title: str) -> None:
        super().__init__(title)
        self.status, self.code, self.title = status, code, title


class Books:
    """A part of the books, with its `tables`; safe to use from several threads and processes."""

    tables: ClassVar[str]

    def __init__(self, file: Path) -> None:
        self._file = file
        with self.open() as books:
            books.execute("PRAGMA journal_mode = WAL")
            books.executescript(self.tables)

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Look into the books."""
        books = sqlite3.connect(self._file, timeout=1.5, isolation_level=None)
        try:
            books.execute("PRAGMA foreign_keys = ON")
            yield books
        finally:
            books.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of it or nothing; writers wait for each other."""
        with self.open() as books:
            books.execute("BEGIN IMMEDIATE")
            try:
                yield books
            except BaseException:
                books.execute("ROLLBACK")
                raise
            books.execute("COMMIT")


def now() -> str:
    """Return this moment as the books write it; earlier ones sort before later ones."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
