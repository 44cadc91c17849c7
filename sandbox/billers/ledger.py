"""How a company books a notice of payment: once per key if it knows keys, else every time."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from sandbox.billers.companies import Biller
from sandbox.store import Store
from sandbox.wire import Problem, now, timestamp

BOOKED = "booked"
REPEATED = "repeated"
_CHINA = timezone(timedelta(hours=8))

_STATUS = {
    "bill-not-found": 404,
    "bill-already-paid": 409,
    "amount-differs": 422,
    "currency-differs": 422,
    "key-reused": 422,
    "refused-by-biller": 422,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What the product says was paid: amount in fen, the time as written on the wire."""

    key: str
    reference: str
    amount: int
    currency: str
    paid_at: str


@dataclass(frozen=True, slots=True)
class Posting:
    """The company's own record of a booking."""

    reference: str
    at: str


def take_notice(store: Store, biller: Biller, notice: Notice, *, refusing: bool) -> Posting:
    """Book a notice and return the posting; the notice is kept whatever becomes of it.

    Raises Problem with a final refusal, after which nothing was booked.
    """
    at = timestamp(now())
    with store.change() as connection:
        decided = _decide(connection, biller, notice, refusing=refusing)
        if isinstance(decided, Posting):
            _keep(connection, biller, notice, at, outcome=REPEATED, posting=decided)
            return decided
        if decided is None:
            return _book(connection, biller, notice, at)
        _keep(connection, biller, notice, at, outcome=decided)
    raise Problem(_STATUS[decided], decided, f"{biller.id} refuses this payment: {decided}")


def find_posting(store: Store, biller: Biller, key: str) -> sqlite3.Row | None:
    """Return the first booking made under a key, or None."""
    return store.row(
        "SELECT * FROM postings WHERE biller = ? AND key = ? AND outcome = ? ORDER BY number",
        [biller.id, key, BOOKED],
    )


def booked_on(store: Store, biller: Biller, day: date) -> list[sqlite3.Row]:
    """Return what was booked on a day in China, oldest first; a second booking is one, too."""
    begins = datetime.combine(day, time(), _CHINA)
    return store.rows(
        "SELECT * FROM postings WHERE biller = ? AND outcome = ?"
        " AND received_at >= ? AND received_at < ? ORDER BY number",
        [biller.id, BOOKED, timestamp(begins), timestamp(begins + timedelta(days=1))],
    )


def _decide(
    connection: sqlite3.Connection, biller: Biller, notice: Notice, *, refusing: bool
) -> Posting | str | None:
    """Return the earlier posting to repeat, the code of a refusal, or None: book it."""
    known = connection.execute(
        "SELECT * FROM postings WHERE biller = ? AND key = ? AND outcome = ? ORDER BY number",
        [biller.id, notice.key, BOOKED],
    ).fetchone()
    if biller.honours_key and known is not None:
        same = (known["reference"], known["amount"]) == (notice.reference, notice.amount)
        return Posting(known["posting_reference"], known["received_at"]) if same else "key-reused"
    if refusing:
        return "refused-by-biller"
    bill = connection.execute(
        "SELECT * FROM bills WHERE biller = ? AND reference = ?", [biller.id, notice.reference]
    ).fetchone()
    return _objection(biller, bill, notice)


def _objection(biller: Biller, bill: sqlite3.Row | None, notice: Notice) -> str | None:
    if bill is None:
        return "bill-not-found"
    if bill["currency"] != notice.currency:
        return "currency-differs"
    if bill["amount"] != notice.amount:
        return "amount-differs"
    # A company that knows no keys cannot tell a repetition from a second payment: it takes both.
    if bill["paid_at"] is not None and biller.honours_key:
        return "bill-already-paid"
    return None


def _book(connection: sqlite3.Connection, biller: Biller, notice: Notice, at: str) -> Posting:
    paid = connection.execute(
        "UPDATE bills SET paid_at = ? WHERE biller = ? AND reference = ? AND paid_at IS NULL",
        [at, biller.id, notice.reference],
    )
    number = _keep(connection, biller, notice, at, outcome=BOOKED, effective=paid.rowcount == 1)
    posting = Posting(f"{biller.posting_prefix}-{number:06d}", at)
    connection.execute(
        "UPDATE postings SET posting_reference = ? WHERE number = ?", [posting.reference, number]
    )
    return posting


def _keep(
    connection: sqlite3.Connection,
    biller: Biller,
    notice: Notice,
    at: str,
    *,
    outcome: str,
    effective: bool = False,
    posting: Posting | None = None,
) -> int:
    added = connection.execute(
        "INSERT INTO postings (biller, key, reference, amount, currency, paid_at, received_at,"
        " outcome, effective, duplicate, posting_reference)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
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
            posting.reference if posting else None,
        ],
    ).fetchone()
    number: int = added["number"]
    return number
