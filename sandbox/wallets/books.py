"""The books of the wallets: orders, payments, refunds and payouts of one merchant."""

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, TypeAlias

from sandbox.store import Store

Row: TypeAlias = sqlite3.Row

CHINA = timezone(timedelta(hours=8))
_FEE_PER_MILLE = 6

SCHEMAS = (
    """
CREATE TABLE orders (
    wallet TEXT NOT NULL, number TEXT NOT NULL, theirs TEXT NOT NULL UNIQUE, code TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), asked TEXT NOT NULL, notify_url TEXT,
    expires_at REAL, state TEXT NOT NULL, is_seen INTEGER NOT NULL DEFAULT 0, paid_at REAL,
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    PRIMARY KEY (wallet, number)
) STRICT;
CREATE TABLE refunds (
    wallet TEXT NOT NULL, number TEXT NOT NULL, trade TEXT NOT NULL, theirs TEXT NOT NULL UNIQUE,
    amount INTEGER NOT NULL CHECK (amount > 0), notify_url TEXT, state TEXT NOT NULL,
    due REAL NOT NULL, done_at REAL,
    PRIMARY KEY (wallet, number), FOREIGN KEY (wallet, trade) REFERENCES orders (wallet, number)
) STRICT;
CREATE TABLE payouts (
    theirs TEXT PRIMARY KEY, wallet TEXT NOT NULL, amount INTEGER NOT NULL, at REAL NOT NULL
) STRICT;
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT, wallet TEXT NOT NULL, event TEXT NOT NULL,
    kind TEXT NOT NULL, subject TEXT NOT NULL, url TEXT NOT NULL, content TEXT NOT NULL,
    state TEXT NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, last_status INTEGER
) STRICT;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, wallet TEXT NOT NULL, operation TEXT NOT NULL,
    status INTEGER, fault TEXT
) STRICT;
""",
)


class Refused(Exception):
    """The books do not allow it; each wallet has its own word for the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def fee_of(amount: int) -> int:
    """Return the wallet's fee for an amount: 0.6 percent, rounded half up."""
    return (amount * _FEE_PER_MILLE + 500) // 1000


def at(moment: float) -> datetime:
    """Return a stored time as a time in China."""
    return datetime.fromtimestamp(moment, UTC).astimezone(CHINA)


def bounds(day: date) -> tuple[float, float]:
    """Return when a day in China begins and ends."""
    begin = datetime(day.year, day.month, day.day, tzinfo=CHINA)
    return begin.timestamp(), (begin + timedelta(days=1)).timestamp()


class Books:
    """What one wallet knows of one merchant; each method is one change, or none."""

    def __init__(self, wallet: str, store: Store, *, refund_seconds: float) -> None:
        self.wallet = wallet
        self.store = store
        self._refund_seconds = refund_seconds

    def open(
        self,
        number: str,
        amount: int,
        asked: Mapping[str, Any],
        *,
        notify_url: str | None,
        expires_at: float | None,
    ) -> Row:
        """Take an order; the same again is the same, another under its number is refused."""
        words = json.dumps(asked, sort_keys=True, ensure_ascii=False)
        if expires_at is not None and expires_at <= time.time():
            raise Refused("past")
        with self.store.change() as db:
            known = self.find(number)
            if known is not None:
                if known["state"] == "closed":
                    raise Refused("closed")
                if known["state"] != "open":
                    raise Refused("paid")
                if known["asked"] != words:
                    raise Refused("inconsistent")
                return known
            theirs = f"{at(time.time()):%Y%m%d}{secrets.randbelow(10**20):020d}"
            code = secrets.token_urlsafe(12)
            db.execute(
                "INSERT INTO orders (wallet, number, theirs, code, amount, asked, notify_url,"
                " expires_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')",
                [self.wallet, number, theirs, code, amount, words, notify_url, expires_at],
            )
        return self.get(number)

    def find(self, number: str) -> Row | None:
        """Return an order as it is now: one whose time is over is closed."""
        with self.store.change() as db:
            db.execute(
                "UPDATE orders SET state = 'closed' WHERE wallet = ? AND number = ?"
                " AND state = 'open' AND expires_at <= ?",
                [self.wallet, number, time.time()],
            )
            return self.store.row(
                "SELECT * FROM orders WHERE wallet = ? AND number = ?", [self.wallet, number]
            )

    def get(self, number: str) -> Row:
        """Return an order, or refuse."""
        found = self.find(number)
        if found is None:
            raise Refused("absent")
        return found

    def see(self, number: str) -> Row:
        """Let the payer scan the code."""
        return self._move(number, "is_seen = 1")

    def pay(self, number: str) -> Row:
        """Let the payer pay; somebody who has paid does not pay twice."""
        found = self.get(number)
        if found["state"] == "closed":
            raise Refused("closed")
        if found["state"] != "open" and found["state"] != "paying":
            raise Refused("paid")
        return self._move(number, "is_seen = 1, state = 'paid', paid_at = ?", time.time())

    def be(self, number: str, state: str) -> Row:
        """Put an order that is not paid into a state of waiting, or a paid one into its end."""
        allowed = {"paying": {"open"}, "open": {"paying"}, "finished": {"paid"}, "failed": {"open"}}
        if self.get(number)["state"] not in allowed[state]:
            raise Refused("state")
        return self._move(number, "is_seen = 1, state = ?", state)

    def close(self, number: str) -> Row:
        """Close an order that is not paid; closing twice is closing."""
        with self.store.change():
            state = self.get(number)["state"]
            if state in {"paid", "finished"}:
                raise Refused("paid")
            if state == "paying":
                raise Refused("paying")
            return self._move(number, "state = 'closed'")

    def refund(
        self, number: str, trade: str, amount: int, *, notify_url: str | None
    ) -> tuple[Row, bool]:
        """Return money, and whether this call was the first of its refund number.

        Never more than was paid; the same number with another amount is refused.
        """
        with self.store.change() as db:
            order = self.get(trade)
            known = self.find_refund(number)
            if known is not None:
                if (known["trade"], known["amount"]) != (trade, amount):
                    raise Refused("inconsistent")
                return known, False
            if order["state"] == "finished":
                raise Refused("finished")
            if order["state"] != "paid":
                raise Refused("unpaid")
            if not 0 < amount <= order["amount"] - order["refunded"]:
                raise Refused("excess")
            db.execute(
                "UPDATE orders SET refunded = refunded + ? WHERE wallet = ? AND number = ?",
                [amount, self.wallet, trade],
            )
            theirs = f"5030{secrets.randbelow(10**24):024d}"
            db.execute(
                "INSERT INTO refunds"
                " (wallet, number, trade, theirs, amount, notify_url, state, due)"
                " VALUES (?, ?, ?, ?, ?, ?, 'processing', ?)",
                [
                    self.wallet,
                    number,
                    trade,
                    theirs,
                    amount,
                    notify_url,
                    time.time() + self._refund_seconds,
                ],
            )
            made = self.store.row(
                "SELECT * FROM refunds WHERE wallet = ? AND number = ?", [self.wallet, number]
            )
            assert made is not None
            return made, True

    def find_refund(self, number: str) -> Row | None:
        """Return a refund as it is now."""
        return self.store.row(
            "SELECT * FROM refunds WHERE wallet = ? AND number = ?", [self.wallet, number]
        )

    def due_refunds(self) -> Sequence[Row]:
        """Return the refunds whose time to succeed has come."""
        return self.store.rows(
            "SELECT * FROM refunds WHERE wallet = ? AND state = 'processing' AND due <= ?",
            [self.wallet, time.time()],
        )

    def settle_refund(self, number: str, state: str) -> Row | None:
        """End a refund that is on its way; money that could not be returned is the merchant's."""
        with self.store.change() as db:
            changed = db.execute(
                "UPDATE refunds SET state = ?, done_at = ? WHERE wallet = ? AND number = ?"
                " AND state IN ('processing', 'abnormal')",
                [state, time.time(), self.wallet, number],
            )
            found = self.find_refund(number)
            if changed.rowcount == 0 or found is None:
                return None
            if state == "closed":
                db.execute(
                    "UPDATE orders SET refunded = refunded - ? WHERE wallet = ? AND number = ?",
                    [found["amount"], self.wallet, found["trade"]],
                )
            return found

    def pay_out(self, amount: int) -> str:
        """Send money to the merchant's bank."""
        theirs = f"P{secrets.token_hex(10)}"
        with self.store.change() as db:
            db.execute(
                "INSERT INTO payouts VALUES (?, ?, ?, ?)",
                [theirs, self.wallet, amount, time.time()],
            )
        return theirs

    def paid_on(self, day: date) -> Sequence[Row]:
        """Return the orders that were paid on a day."""
        return self.store.rows(
            "SELECT * FROM orders WHERE wallet = ? AND paid_at >= ? AND paid_at < ?"
            " ORDER BY paid_at",
            [self.wallet, *bounds(day)],
        )

    def refunded_on(self, day: date) -> Sequence[Row]:
        """Return the refunds that succeeded on a day."""
        return self.store.rows(
            "SELECT * FROM refunds WHERE wallet = ? AND state = 'done' AND done_at >= ?"
            " AND done_at < ? ORDER BY done_at",
            [self.wallet, *bounds(day)],
        )

    def paid_out_on(self, day: date) -> Sequence[Row]:
        """Return the payouts of a day."""
        return self.store.rows(
            "SELECT * FROM payouts WHERE wallet = ? AND at >= ? AND at < ? ORDER BY at",
            [self.wallet, *bounds(day)],
        )

    def _move(self, number: str, change: str, *values: object) -> Row:
        with self.store.change() as db:
            db.execute(
                f"UPDATE orders SET {change} WHERE wallet = ? AND number = ?",  # noqa: S608 - ours
                [*values, self.wallet, number],
            )
        return self.get(number)
