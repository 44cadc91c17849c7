"""The business: parking fees, what was paid of them, and who asked for which.

One transaction for each use, and a repeated payment notice gets the first answer: that is all that
"idempotent" asks for.
"""

import sqlite3
from dataclasses import dataclass

from .books import Books, Refused, now

PAYEE = "wudang-parking"
CURRENCY = "CNY"
FREE_MINUTES = 15
FEN_AN_HOUR = 300
MOST_FEN_A_DAY = 3000
_HOUR, _DAY = 60, 24 * 60

_TABLES = """
CREATE TABLE IF NOT EXISTS fees (
    reference TEXT PRIMARY KEY,
    plate TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    left_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS payments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL UNIQUE REFERENCES fees,
    amount INTEGER NOT NULL,
    paid_at TEXT NOT NULL,
    booked_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS asked (
    citizen TEXT NOT NULL,
    reference TEXT NOT NULL REFERENCES fees,
    PRIMARY KEY (citizen, reference)
);
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, expires INTEGER NOT NULL);
"""


NO_SUCH_FEE = Refused(404, "no-such-fee", "There is no such parking fee")
ALREADY_PAID = Refused(409, "already-paid", "The parking fee was paid")


@dataclass(frozen=True)
class Fee:
    """What is owed for one stay."""

    reference: str
    plate: str
    minutes: int
    amount: int


@dataclass(frozen=True)
class Notice:
    """The city's news that a fee was paid; the key stays the same on each repeat."""

    key: str
    reference: str
    amount: int
    currency: str
    paid_at: str
    payee: str


@dataclass(frozen=True)
class Booking:
    """What we confirm: our own number, and when we booked it."""

    reference: str
    at: str


def price(minutes: int) -> int:
    """Return what a stay costs, in fen: by the begun hour, at most so much a day."""
    if minutes <= FREE_MINUTES:
        return 0
    days, rest = divmod(minutes, _DAY)
    return days * MOST_FEN_A_DAY + min(MOST_FEN_A_DAY, -(-rest // _HOUR) * FEN_AN_HOUR)


class Fees(Books):
    """What is owed and what was paid."""

    tables = _TABLES

    def check(self) -> None:
        """Raise what is wrong when the books cannot be read."""
        with self.open() as books:
            books.execute("SELECT 1 FROM fees LIMIT 1")

    def record_stay(self, reference: str, plate: str, minutes: int) -> Fee | None:
        """Write down that a car has left; return the fee, or None when the stay was free."""
        amount = price(minutes)
        if amount == 0:
            return None
        with self.transaction() as books:
            row = (reference, plate, minutes, amount, now())
            books.execute("INSERT INTO fees VALUES (?, ?, ?, ?, ?)", row)
        return Fee(reference, plate, minutes, amount)

    def find(self, reference: str) -> Fee:
        """Return an unpaid fee, or refuse: it is not there, or it was paid."""
        with self.open() as books:
            return _unpaid(books, reference)

    def remember(self, citizen: str, reference: str) -> None:
        """Show a fee in the list of a citizen who has asked for it by its number."""
        with self.transaction() as books:
            books.execute("INSERT OR IGNORE INTO asked VALUES (?, ?)", (citizen, reference))

    def of_citizen(self, citizen: str) -> list[Fee]:
        """Return the unpaid fees that a citizen has asked for."""
        query = """
            SELECT reference, plate, minutes, amount FROM fees JOIN asked USING (reference)
            WHERE citizen = ? AND reference NOT IN (SELECT reference FROM payments)
            ORDER BY left_at DESC LIMIT 1000
        """
        with self.open() as books:
            return [Fee(*row) for row in books.execute(query, (citizen,))]

    def book(self, notice: Notice) -> Booking:
        """Book a payment, once: the same notice again gets the same answer.

        Money has moved already. What we refuse here is sent back to the citizen by the city, so we
        refuse only what we shall never be able to book.
        """
        with self.transaction() as books:
            known = books.execute(
                "SELECT reference, amount FROM payments WHERE key = ?", (notice.key,)
            ).fetchone()
            if known is not None and known != (notice.reference, notice.amount):
                raise Refused(422, "key-reused", "This key stands for another payment")
            if known is None:
                fee = _unpaid(books, notice.reference)
                terms = (notice.amount, notice.currency, notice.payee)
                if terms != (fee.amount, CURRENCY, PAYEE):
                    raise Refused(422, "wrong-amount", "Another amount or payee is owed")
                row = (notice.key, fee.reference, fee.amount, notice.paid_at, now())
                books.execute(
                    "INSERT INTO payments (key, reference, amount, paid_at, booked_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    row,
                )
            return _booked(books, notice.key)

    def find_booking(self, key: str) -> Booking:
        """Return what was booked under a key, or refuse: there surely is nothing."""
        with self.open() as books:
            return _booked(books, key)

    def data_of(self, citizen: str) -> list[str]:
        """Return all that we keep about a citizen: the numbers of the fees they asked for."""
        query = "SELECT reference FROM asked WHERE citizen = ? ORDER BY reference"
        with self.open() as books:
            return [reference for (reference,) in books.execute(query, (citizen,))]

    def forget(self, citizen: str) -> None:
        """Forget a citizen; what was paid stays in the books, without anybody's name."""
        with self.transaction() as books:
            books.execute("DELETE FROM asked WHERE citizen = ?", (citizen,))

    def claim_nonce(self, nonce: str, expires: int, at: int) -> bool:
        """Say whether a nonce is new, and remember it for as long as it could be used."""
        with self.transaction() as books:
            books.execute("DELETE FROM nonces WHERE expires < ?", (at,))
            row = (nonce, expires)
            made = books.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?)", row)
            return made.rowcount == 1


def _unpaid(books: sqlite3.Connection, reference: str) -> Fee:
    row = books.execute(
        "SELECT reference, plate, minutes, amount FROM fees WHERE reference = ?", (reference,)
    ).fetchone()
    if row is None:
        raise NO_SUCH_FEE
    if books.execute("SELECT 1 FROM payments WHERE reference = ?", (reference,)).fetchone():
        raise ALREADY_PAID
    return Fee(*row)


def _booked(books: sqlite3.Connection, key: str) -> Booking:
    row = books.execute("SELECT number, booked_at FROM payments WHERE key = ?", (key,)).fetchone()
    if row is None:
        raise Refused(404, "no-such-payment", "Nothing was booked under this key")
    number, booked_at = row
    return Booking(f"PK-{number:06d}", booked_at)
