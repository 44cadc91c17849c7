"""P13: whatever differs is found, is called by its name, and nothing else is."""

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import pytest

from app.factory import Rooms
from app.payments.gateway import StatementLine
from app.reconciliation.values import DifferenceKind
from tests.reconciliation.books import (
    Books,
    Row,
    bank_file,
    charge,
    make_books,
    payout,
    postings_file,
    refund,
    yesterday,
)

K = DifferenceKind
MIB = 1024 * 1024
SHORT, LONG = (4, 200), (50, 10_000)
"""How many of each kind, in how many clean rows."""


@dataclass
class Papers:
    """What the three others say, and which differences were put into it: kind and subject."""

    lines: dict[str, StatementLine] = field(default_factory=dict)
    postings: dict[str, tuple[str, str, int, datetime]] = field(default_factory=dict)
    bank: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    planted: set[tuple[str, str, str]] = field(default_factory=set)


def spread(books: Books, rows: list[Row], refunded: set[int]) -> Papers:
    """Write clean papers: what each of the others has of every row."""
    papers = Papers()
    for row in rows:
        papers.lines[f"c{row.number}"] = charge(row)
        if row.number in refunded:
            papers.lines[f"r{row.number}"] = refund(row)
        posting = f"POST-{books.seed}-{row.number}"
        key = str(row.item) if row.number % 2 else ""
        papers.postings[f"{row.number}"] = (posting, key, row.amount, row.at)
        if row.number % 10 == 0:
            name = f"po_{books.seed}_{row.number}"
            papers.lines[f"p{row.number}"] = payout(name, 5_000, row.at)
            papers.bank[f"{row.number}"] = (f"BK{row.number}", 5_000, f"STRIPE PAYOUT {name}")
    return papers


def lose_line(papers: Papers, row: Row) -> None:
    del papers.lines[f"c{row.number}"]


def change_charge(papers: Papers, row: Row) -> None:
    line = papers.lines[f"c{row.number}"]
    is_odd = row.number % 2
    changed = replace(line, amount=line.amount + 1) if is_odd else replace(line, currency="USD")
    papers.lines[f"c{row.number}"] = changed


def charge_twice(papers: Papers, row: Row) -> str:
    intent = f"twice_{row.intent}"
    papers.lines[f"d{row.number}"] = charge(row, id=f"d{row.intent}", intent_id=intent)
    return f"capture:{intent}"


def repeat_line(papers: Papers, row: Row) -> None:
    line = papers.lines[f"c{row.number}"]
    again = line if row.number % 2 else replace(line, id=f"d{row.intent}")
    papers.lines[f"d{row.number}"] = again


def refund_unasked(papers: Papers, row: Row) -> str:
    stray = f"stray_{row.intent}"
    papers.lines[f"s{row.number}"] = refund(row, id=f"s{row.intent}", refund_id=stray, our_id=None)
    return f"refund:{stray}"


def lose_refund(papers: Papers, row: Row) -> str:
    del papers.lines[f"r{row.number}"]
    return f"refund:{row.refund}"


def change_refund(papers: Papers, row: Row) -> str:
    papers.lines[f"r{row.number}"] = refund(row, amount=-99)
    return f"refund:{row.refund}"


def change_fee(papers: Papers, row: Row) -> None:
    line = papers.lines[f"c{row.number}"]
    papers.lines[f"c{row.number}"] = replace(line, fee=line.fee + (row.number % 2 or -1))


def pay_out_short(papers: Papers, row: Row) -> str:
    name = f"po_short_{row.intent}"
    papers.lines[f"x{row.number}"] = payout(name, 5_000, row.at)
    papers.bank[f"x{row.number}"] = (f"BKX{row.number}", 4_999, f"STRIPE PAYOUT {name}")
    return f"payout:{name}"


def lose_posting(papers: Papers, row: Row) -> str:
    del papers.postings[f"{row.number}"]
    return f"posting:{row.item}"


def post_unasked(papers: Papers, row: Row) -> str:
    papers.postings[f"x{row.number}"] = (f"X{row.number}", "", row.amount, row.at)
    return f"posting:X{row.number}"


def change_posting(papers: Papers, row: Row) -> str:
    number, key, amount, at = papers.postings[f"{row.number}"]
    papers.postings[f"{row.number}"] = (number, key, amount + 1, at)
    return f"posting:{row.item}"


def nothing(papers: Papers, row: Row) -> None:
    """Leave the papers: it is our own books that were changed."""


PLANT: dict[K, Callable[[Papers, Row], str | None]] = {
    K.MISSING_IN_LEDGER: nothing,
    K.MISSING_IN_GATEWAY: lose_line,
    K.AMOUNT_MISMATCH: change_charge,
    K.STATUS_MISMATCH: nothing,
    K.DUPLICATE_CAPTURE: charge_twice,
    K.DUPLICATE_LINE: repeat_line,
    K.REFUND_MISSING_IN_LEDGER: refund_unasked,
    K.REFUND_MISSING_IN_GATEWAY: lose_refund,
    K.REFUND_AMOUNT_MISMATCH: change_refund,
    K.FEE_MISMATCH: change_fee,
    K.PAYOUT_MISMATCH: pay_out_short,
    K.BILLER_MISSING: lose_posting,
    K.BILLER_EXTRA: post_unasked,
    K.BILLER_AMOUNT_MISMATCH: change_posting,
}


def plant(books: Books, papers: Papers, kind: K, row: Row) -> None:
    """Put one difference of a kind into the papers; our own books are done by the caller."""
    subject = PLANT[kind](papers, row) or f"capture:{row.intent}"
    source = f"biller:{books.biller}" if subject.startswith("posting:") else books.source
    papers.planted.add((kind, source, subject))


def compare(books: Books, papers: Papers, day: date) -> None:
    """Bring the papers and run once for each source."""
    books.gateway.days[day] = list(papers.lines.values())
    postings = postings_file(list(papers.postings.values()))
    books.bring(f"biller:{books.biller}", day, "postings-csv", postings)
    books.bring("bank:main", day, "bank-csv", bank_file(day, list(papers.bank.values())))
    books.run(books.source, day)
    books.run(f"biller:{books.biller}", day)


@pytest.mark.promise("P13")
def test_every_planted_difference_is_found_in_one_run_and_nothing_else(
    rooms: Rooms, request: pytest.FixtureRequest, shows: Callable[[str], None]
) -> None:
    each, clean = LONG if request.config.getoption("--promises") else SHORT
    books, day = make_books(rooms), yesterday()
    kinds = list(K)
    last = clean + each * len(kinds)
    of_kind = {clean + 1 + n: kinds[n // each] for n in range(each * len(kinds))}
    needs_refund = {K.REFUND_AMOUNT_MISMATCH, K.REFUND_MISSING_IN_GATEWAY}
    refunded = {n for n in range(1, last + 1) if n % 20 == 0 or of_kind.get(n) in needs_refund}
    lost = {K.MISSING_IN_LEDGER, K.STATUS_MISMATCH}
    unbooked = [n for n, kind in of_kind.items() if kind in lost]
    rows = books.fill(day, 1, last, unbooked=unbooked, refunded=sorted(refunded))
    waiting = [books.row(n, day).attempt for n, k in of_kind.items() if k is K.STATUS_MISMATCH]
    set_open = "update payment_attempts set status = 'open' where id = any(:ids)"
    books.execute(set_open, ids=waiting)
    papers = spread(books, rows, refunded)
    for row in rows[clean:]:
        plant(books, papers, of_kind[row.number], row)
    compare(books, papers, day)
    found = Counter((d.kind, d.source, d.subject) for d in books.differences())
    planted = Counter(dict.fromkeys(papers.planted, 1))
    assert len(planted) == each * len(kinds)
    assert found - planted == Counter()
    assert planted - found == Counter()
    assert {d.status for d in books.differences()} == {"open"}
    shows(
        f"{len(kinds)} kinds x {each} planted in {clean} clean rows: {sum(found.values())} found "
        f"in 1 run, all of their kind, {sum((found - planted).values())} false"
    )


def peak_of_a_run(books: Books, day: date, lines: int) -> int:
    """Return the most memory that comparing so many lines took, in bytes."""
    books.fill(day, 1, lines)
    books.gateway.days[day] = LongStatement(books, day, lines)  # type: ignore[assignment]
    tracemalloc.start()
    try:
        run = books.run(books.source, day)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert (run.line_count, run.matched, run.found) == (lines, lines, 0)


@dataclass(frozen=True)
class LongStatement:
    """A statement that is written while it is read, so that it takes no memory itself."""

    books: Books
    day: date
    lines: int

    def __iter__(self) -> Iterator[StatementLine]:
        # No fee: booking fees is another matter than comparing.
        return (charge(self.books.row(n, self.day), fee=0) for n in range(1, self.lines + 1))


@pytest.mark.promise("P12")
def test_a_long_statement_needs_no_more_memory_than_a_batch_of_it(
    rooms: Rooms, request: pytest.FixtureRequest, shows: Callable[[str], None]
) -> None:
    lines = 200_000 if request.config.getoption("--promises") else 2_000
    books, day = make_books(rooms), yesterday()
    books.deps = replace(books.deps, tariffs={})
    peak = peak_of_a_run(books, day, lines)
    assert peak < 32 * MIB
    shows(f"{lines} lines imported and compared with at most {peak / MIB:.1f} MiB in Python")
