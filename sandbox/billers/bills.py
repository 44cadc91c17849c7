"""What the companies hold: accounts and bills, found and made."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone

from sandbox.billers.companies import Biller
from sandbox.store import Store
from sandbox.wire import Problem, now, timestamp

_CHINA = timezone(timedelta(hours=8))
_PER = 10_000


def today() -> date:
    """Return the day of the city."""
    return now().astimezone(_CHINA).date()


def day_of(timestamped: str) -> date:
    """Return the city's day of a moment as it is written on the wire."""
    return datetime.fromisoformat(timestamped).astimezone(_CHINA).date()


def late_fee(bill: sqlite3.Row, day: date) -> int:
    """Return what an unpaid bill costs more on a day: its rate for each day after it was due.

    The rate is in ten-thousandths; half a fen is rounded up; a bill without a rate costs nothing.
    """
    days = (day - date.fromisoformat(bill["due_date"])).days
    if not bill["late_fee_rate"] or bill["paid_at"] is not None or days <= 0:
        return 0
    unpaid = bill["amount"] - bill["paid_amount"]
    return int((unpaid * bill["late_fee_rate"] * days * 2 + _PER) // (2 * _PER))


def owed(bill: sqlite3.Row, day: date) -> int:
    """Return what is still owed for a bill on a day."""
    if bill["paid_at"] is not None:
        return 0
    return int(bill["amount"]) - int(bill["paid_amount"]) + late_fee(bill, day)


def find_account(store: Store, biller: Biller, number: str) -> sqlite3.Row:
    """Return an account; raise Problem 404 `account-not-found`."""
    row = store.row("SELECT * FROM accounts WHERE biller = ? AND number = ?", [biller.id, number])
    if row is None:
        raise Problem(404, "account-not-found", f"{biller.id} has no account {number}")
    return row


def find_bill(store: Store, biller: Biller, reference: str) -> sqlite3.Row:
    """Return a bill; raise Problem 404 `bill-not-found`."""
    row = store.row(
        "SELECT * FROM bills WHERE biller = ? AND reference = ?", [biller.id, reference]
    )
    if row is None:
        raise Problem(404, "bill-not-found", f"{biller.id} has no bill {reference}")
    return row


def find_bills(
    store: Store,
    biller: Biller,
    *,
    account: str | None = None,
    status: str | None = None,
    due_from: date | None = None,
    due_to: date | None = None,
) -> list[sqlite3.Row]:
    """Return bills with their holder's name, earliest due first; None means any."""
    return store.rows(
        "SELECT bills.*, holder_name FROM bills"
        " JOIN accounts ON accounts.biller = bills.biller AND accounts.number = bills.account"
        " WHERE bills.biller = :biller"
        " AND (:account IS NULL OR account = :account)"
        " AND (:status IS NULL OR (paid_at IS NULL) = (:status = 'open'))"
        " AND (:due_from IS NULL OR due_date >= :due_from)"
        " AND (:due_to IS NULL OR due_date <= :due_to)"
        " ORDER BY due_date, reference",
        {
            "biller": biller.id,
            "account": account,
            "status": status,
            "due_from": due_from.isoformat() if due_from else None,
            "due_to": due_to.isoformat() if due_to else None,
        },
    )


def open_account(
    store: Store, biller: Biller, *, number: str, holder_name: str, prepaid: bool
) -> sqlite3.Row:
    """Open an account and return it; raise Problem 409 `account-exists`."""
    try:
        with store.change() as connection:
            connection.execute(
                "INSERT INTO accounts (biller, number, holder_name, prepaid) VALUES (?, ?, ?, ?)",
                [biller.id, number, holder_name, prepaid],
            )
    except sqlite3.IntegrityError:
        raise Problem(409, "account-exists", f"{biller.id} has account {number}") from None
    return find_account(store, biller, number)


def set_meter(store: Store, biller: Biller, number: str, state: str) -> sqlite3.Row:
    """Let an account's meter be reachable or not, and return the account.

    Raises Problem 404 `account-not-found`.
    """
    find_account(store, biller, number)
    with store.change() as connection:
        connection.execute(
            "UPDATE accounts SET meter = ? WHERE biller = ? AND number = ?",
            [state, biller.id, number],
        )
    return find_account(store, biller, number)


def put_bill(store: Store, biller: Biller, bill: dict[str, object]) -> sqlite3.Row:
    """Put a bill on an account and return it.

    Raises Problem 404 `account-not-found` or 409 `bill-exists`.
    """
    find_account(store, biller, str(bill["account"]))
    try:
        with store.change() as connection:
            connection.execute(
                "INSERT INTO bills (biller, reference, account, amount, currency, period_from,"
                " period_to, due_date, late_fee_rate, expires_on, detail)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    biller.id,
                    bill["reference"],
                    bill["account"],
                    bill["amount"],
                    bill["currency"],
                    str(bill["period_from"]),
                    str(bill["period_to"]),
                    str(bill["due_date"]),
                    bill["late_fee_rate"],
                    str(bill["expires_on"]) if bill["expires_on"] else None,
                    json.dumps(bill["detail"]),
                ],
            )
    except sqlite3.IntegrityError:
        raise Problem(409, "bill-exists", f"{biller.id} has a bill {bill['reference']}") from None
    return find_bill(store, biller, str(bill["reference"]))


def change_bill(
    store: Store, biller: Biller, reference: str, change: Mapping[str, object]
) -> sqlite3.Row:
    """Change a bill that is not paid, and return it; what is None stays.

    Raises Problem 404 `bill-not-found` or 409 `bill-already-paid`.
    """
    find_bill(store, biller, reference)
    with store.change() as connection:
        changed = connection.execute(
            "UPDATE bills SET amount = ?, amended_for = coalesce(?, amended_for),"
            " expires_on = coalesce(?, expires_on)"
            " WHERE biller = ? AND reference = ? AND paid_at IS NULL AND paid_amount <= ?",
            [
                change["amount"],
                change["amended_for"],
                str(change["expires_on"]) if change["expires_on"] else None,
                biller.id,
                reference,
                change["amount"],
            ],
        )
    if changed.rowcount == 0:
        raise Problem(409, "bill-already-paid", f"bill {reference} is paid")
    return find_bill(store, biller, reference)


def pay_at_counter(store: Store, biller: Biller, reference: str) -> sqlite3.Row:
    """Mark a bill paid without a notice from us and return it.

    Raises Problem 404 `bill-not-found` or 409 `bill-already-paid`.
    """
    find_bill(store, biller, reference)
    with store.change() as connection:
        paid = connection.execute(
            "UPDATE bills SET paid_at = ?, paid_amount = amount"
            " WHERE biller = ? AND reference = ? AND paid_at IS NULL",
            [timestamp(now()), biller.id, reference],
        )
    if paid.rowcount == 0:
        raise Problem(409, "bill-already-paid", f"bill {reference} is paid")
    return find_bill(store, biller, reference)
