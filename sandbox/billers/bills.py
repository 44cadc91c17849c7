"""What the companies hold: accounts and bills, found and made."""

import sqlite3
from datetime import date

from sandbox.billers.companies import Biller
from sandbox.store import Store
from sandbox.wire import Problem, now, timestamp


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


def open_account(store: Store, biller: Biller, *, number: str, holder_name: str) -> sqlite3.Row:
    """Open an account and return it; raise Problem 409 `account-exists`."""
    try:
        with store.change() as connection:
            connection.execute(
                "INSERT INTO accounts (biller, number, holder_name) VALUES (?, ?, ?)",
                [biller.id, number, holder_name],
            )
    except sqlite3.IntegrityError:
        raise Problem(409, "account-exists", f"{biller.id} has account {number}") from None
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
                " period_to, due_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    biller.id,
                    bill["reference"],
                    bill["account"],
                    bill["amount"],
                    bill["currency"],
                    str(bill["period_from"]),
                    str(bill["period_to"]),
                    str(bill["due_date"]),
                ],
            )
    except sqlite3.IntegrityError:
        raise Problem(409, "bill-exists", f"{biller.id} has a bill {bill['reference']}") from None
    return find_bill(store, biller, str(bill["reference"]))


def change_bill(store: Store, biller: Biller, reference: str, amount: int) -> sqlite3.Row:
    """Change the amount of a bill that is not paid, and return it.

    Raises Problem 404 `bill-not-found` or 409 `bill-already-paid`.
    """
    find_bill(store, biller, reference)
    with store.change() as connection:
        changed = connection.execute(
            "UPDATE bills SET amount = ? WHERE biller = ? AND reference = ? AND paid_at IS NULL",
            [amount, biller.id, reference],
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
            "UPDATE bills SET paid_at = ? WHERE biller = ? AND reference = ? AND paid_at IS NULL",
            [timestamp(now()), biller.id, reference],
        )
    if paid.rowcount == 0:
        raise Problem(409, "bill-already-paid", f"bill {reference} is paid")
    return find_bill(store, biller, reference)
