"""How a company books a notice of payment: once per key if it knows keys, else every time."""

import json
import secrets
import sqlite3
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta, timezone

from sandbox.billers.bills import day_of, late_fee, owed
from sandbox.billers.companies import Biller
from sandbox.store import Store
from sandbox.wire import Problem, now, timestamp

BOOKED = "booked"
REPEATED = "repeated"
_CHINA = timezone(timedelta(hours=8))

_STATUS = {
    "account-not-found": 404,
    "bill-not-found": 404,
    "bill-already-paid": 409,
    "amount-differs": 422,
    "currency-differs": 422,
    "key-reused": 422,
    "refused-by-biller": 422,
}


@dataclass(frozen=True, slots=True)
class Laid:
    """How an order is laid out: on bills of one account, in advance, or into its meter."""

    account: str
    parts: tuple[tuple[str, int], ...]
    advance: int
    top_up: int


@dataclass(frozen=True, slots=True)
class Notice:
    """What the product says was paid: amount in fen, the time as written on the wire.

    `reference` is a bill, or an order when it says how it is laid out.
    """

    key: str
    reference: str
    amount: int
    currency: str
    paid_at: str
    laid: Laid | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """The company's own record of a booking; `bills` are those of an order as they stand now."""

    reference: str
    at: str
    effective: bool
    bills: tuple[sqlite3.Row, ...] = ()
    token: str | None = None
    load: str | None = None


def take_notice(store: Store, biller: Biller, notice: Notice, *, refusing: bool) -> Posting:
    """Book a notice and return the posting; the notice is kept whatever becomes of it.

    Raises Problem with a final refusal, after which nothing was booked.
    """
    at = timestamp(now())
    with store.change() as connection:
        decided = _decide(connection, biller, notice, refusing=refusing)
        if isinstance(decided, Posting):
            _keep(connection, biller, notice, at, outcome=REPEATED, repeats=decided)
            return decided
        if decided is None:
            return _book(connection, biller, notice, at)
        _keep(connection, biller, notice, at, outcome=decided)
    raise Problem(_STATUS[decided], decided, f"{biller.id} refuses this payment: {decided}")


def find_posting(store: Store, biller: Biller, key: str) -> tuple[sqlite3.Row, Posting] | None:
    """Return what was booked under a key, or None; the booking that took effect, if one did.

    A meter that is to be loaded is tried first, and what is said is how that went.
    """
    with store.change() as connection:
        row = _booked(connection, biller, key)
        if row is not None and row["load"] == "pending":
            _try_meter(connection, row)
            row = _booked(connection, biller, key)
        return None if row is None else (row, _posting(connection, row))


def reverse_posting(store: Store, biller: Biller, key: str, reason: str) -> sqlite3.Row:
    """Take back what was booked under a key, as the company's clerk does, and return the posting.

    What it paid is owed again; a bill that was cancelled is gone. Raises Problem 404
    `posting-not-found`, also for one that was taken back before.
    """
    with store.change() as connection:
        row = _booked(connection, biller, key)
        if row is None or not row["effective"]:
            raise Problem(404, "posting-not-found", "nothing is booked under this key")
        laid = json.loads(row["laid"]) if row["laid"] else None
        parts = laid["parts"] if laid else [(row["reference"], row["amount"])]
        for reference, amount in parts:
            connection.execute(
                "UPDATE bills SET paid_at = NULL, paid_amount = max(0, paid_amount - ?)"
                " WHERE biller = ? AND reference = ?",
                [amount, biller.id, reference],
            )
            if reason == "bill_cancelled":
                connection.execute(
                    "DELETE FROM bills WHERE biller = ? AND reference = ?", [biller.id, reference]
                )
        if laid:
            connection.execute(
                "UPDATE accounts SET advance = advance - ? WHERE biller = ? AND number = ?",
                [laid["advance"], biller.id, laid["account"]],
            )
        connection.execute(
            "UPDATE postings SET effective = 0, reversed_at = ?, reversal = ? WHERE number = ?",
            [timestamp(now()), reason, row["number"]],
        )
        found: sqlite3.Row = connection.execute(
            "SELECT * FROM postings WHERE number = ?", [row["number"]]
        ).fetchone()
        return found


def reversed_on(store: Store, biller: Biller, day: date) -> list[sqlite3.Row]:
    """Return what was taken back on a day in China, oldest first."""
    begins = datetime.combine(day, time(), _CHINA)
    return store.rows(
        "SELECT * FROM postings WHERE biller = ? AND reversed_at >= ? AND reversed_at < ?"
        " ORDER BY reversed_at, number",
        [biller.id, timestamp(begins), timestamp(begins + timedelta(days=1))],
    )


def _try_meter(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    """Load a meter that can be reached, or say that it cannot be loaded at all."""
    meter = connection.execute(
        "SELECT meter FROM accounts WHERE biller = ? AND number = ?",
        [row["biller"], json.loads(row["laid"])["account"]],
    ).fetchone()["meter"]
    state = {"reachable": "loaded", "broken": "failed"}.get(meter)
    if state is not None:
        connection.execute("UPDATE postings SET load = ? WHERE number = ?", [state, row["number"]])


def booked_on(store: Store, biller: Biller, day: date) -> list[sqlite3.Row]:
    """Return what was booked on a day in China, oldest first; a second booking is one, too."""
    begins = datetime.combine(day, time(), _CHINA)
    return store.rows(
        "SELECT * FROM postings WHERE biller = ? AND outcome = ?"
        " AND received_at >= ? AND received_at < ? ORDER BY number",
        [biller.id, BOOKED, timestamp(begins), timestamp(begins + timedelta(days=1))],
    )


def _booked(connection: sqlite3.Connection, biller: Biller, key: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        "SELECT * FROM postings WHERE biller = ? AND key = ? AND outcome = ?"
        " ORDER BY effective DESC, number",
        [biller.id, key, BOOKED],
    ).fetchone()
    return found


def _posting(connection: sqlite3.Connection, row: sqlite3.Row) -> Posting:
    parts = json.loads(row["laid"])["parts"] if row["laid"] else []
    bills = [_bill(connection, row["biller"], reference) for reference, _ in parts]
    return Posting(
        row["posting_reference"],
        row["received_at"],
        bool(row["effective"]),
        tuple(bill for bill in bills if bill is not None),
        row["token"],
        row["load"],
    )


def _bill(connection: sqlite3.Connection, biller: str, reference: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        "SELECT * FROM bills WHERE biller = ? AND reference = ?", [biller, reference]
    ).fetchone()
    return found


def _decide(
    connection: sqlite3.Connection, biller: Biller, notice: Notice, *, refusing: bool
) -> Posting | str | None:
    """Return the earlier posting to repeat, the code of a refusal, or None: book it."""
    known = _booked(connection, biller, notice.key)
    if biller.honours_key and known is not None:
        same = (known["reference"], known["amount"]) == (notice.reference, notice.amount)
        return _posting(connection, known) if same else "key-reused"
    if refusing:
        return "refused-by-biller"
    if notice.laid is not None:
        objection = _objection_to_order(connection, biller, notice, notice.laid)
    else:
        bill = _bill(connection, biller.id, notice.reference)
        objection = _objection(bill, notice.amount, notice)
    # A company that knows no keys cannot tell a repetition from a second payment: it takes both.
    if objection == "bill-already-paid" and not biller.honours_key:
        return None
    return objection


def _objection(bill: sqlite3.Row | None, amount: int, notice: Notice) -> str | None:
    """Return why a bill cannot be paid whole by this amount, or None."""
    if bill is None:
        return "bill-not-found"
    if bill["currency"] != notice.currency:
        return "currency-differs"
    if bill["paid_at"] is not None:
        return "bill-already-paid"
    day = day_of(notice.paid_at)
    # What was asked for before midnight is good after it.
    wanted = {owed(bill, day), owed(bill, day - timedelta(days=1))}
    return None if amount in wanted else "amount-differs"


def _objection_to_order(
    connection: sqlite3.Connection, biller: Biller, notice: Notice, laid: Laid
) -> str | None:
    account = connection.execute(
        "SELECT * FROM accounts WHERE biller = ? AND number = ?", [biller.id, laid.account]
    ).fetchone()
    if account is None:
        return "account-not-found"
    if laid.top_up and not account["prepaid"]:
        return "refused-by-biller"
    day = day_of(notice.paid_at)
    for reference, amount in laid.parts:
        bill = _bill(connection, biller.id, reference)
        objection = _objection(bill, amount, notice)
        if bill is not None and bill["account"] != laid.account:
            return "bill-not-found"
        is_divisible = bill is not None and not late_fee(bill, day)
        if objection == "amount-differs" and bill is not None and is_divisible:
            objection = None if amount < owed(bill, day) else "amount-differs"
        if objection is not None:
            return objection
    return None


def _book(connection: sqlite3.Connection, biller: Biller, notice: Notice, at: str) -> Posting:
    laid = notice.laid
    if laid is None:
        effective = _pay(connection, biller, notice.reference, at)
    else:
        effective = _objection_to_order(connection, biller, notice, laid) is None
        if effective:
            _lay(connection, biller, notice, laid, at)
    number = _keep(connection, biller, notice, at, outcome=BOOKED, effective=effective)
    is_load = bool(laid and laid.top_up and effective)
    token = f"{secrets.randbelow(10**20):020d}" if is_load and not biller.loads_remotely else None
    connection.execute(
        "UPDATE postings SET posting_reference = ?, token = ?, load = ? WHERE number = ?",
        [
            f"{biller.posting_prefix}-{number:06d}",
            token,
            "pending" if is_load and biller.loads_remotely else None,
            number,
        ],
    )
    row = connection.execute("SELECT * FROM postings WHERE number = ?", [number]).fetchone()
    return _posting(connection, row)


def _pay(connection: sqlite3.Connection, biller: Biller, reference: str, at: str) -> bool:
    """Mark a bill paid in full; say whether this was what paid it."""
    paid = connection.execute(
        "UPDATE bills SET paid_at = ?, paid_amount = amount"
        " WHERE biller = ? AND reference = ? AND paid_at IS NULL",
        [at, biller.id, reference],
    )
    return paid.rowcount == 1


def _lay(
    connection: sqlite3.Connection, biller: Biller, notice: Notice, laid: Laid, at: str
) -> None:
    """Do all that an order pays for."""
    day = day_of(notice.paid_at)
    for reference, amount in laid.parts:
        bill = _bill(connection, biller.id, reference)
        if bill is not None and amount < owed(bill, day - timedelta(days=1)):
            connection.execute(
                "UPDATE bills SET paid_amount = paid_amount + ? WHERE biller = ? AND reference = ?",
                [amount, biller.id, reference],
            )
        else:
            _pay(connection, biller, reference, at)
    connection.execute(
        "UPDATE accounts SET advance = advance + ? WHERE biller = ? AND number = ?",
        [laid.advance, biller.id, laid.account],
    )


def _keep(
    connection: sqlite3.Connection,
    biller: Biller,
    notice: Notice,
    at: str,
    *,
    outcome: str,
    effective: bool = False,
    repeats: Posting | None = None,
) -> int:
    added = connection.execute(
        "INSERT INTO postings (biller, key, reference, amount, currency, paid_at, received_at,"
        " outcome, effective, duplicate, posting_reference, laid)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
        [
            biller.id,
            notice.key,
            notice.reference,
            notice.amount,
            notice.currency,
            notice.paid_at,
            at,
            outcome,
            effective,
            outcome == BOOKED and not effective,
            repeats.reference if repeats else None,
            json.dumps(asdict(notice.laid)) if notice.laid else None,
        ],
    ).fetchone()
    number: int = added["number"]
    return number
