"""Each kind is found by its own predicate, and by no other."""

from dataclasses import replace

from app.payments.gateway import Movement
from tests.reconciliation.books import Books, charge, yesterday


def test_equal_books_have_no_difference(books: Books) -> None:
    day = yesterday()
    rows = books.fill(day, 1, 20)
    books.gateway.days[day] = [charge(row) for row in rows]
    run = books.run(books.source, day)
    assert (run.status, run.line_count, run.matched, run.found) == ("done", 20, 20, 0)
    assert books.differences() == []


def kinds(books: Books) -> set[tuple[str, str, str]]:
    return {(d.kind, d.subject, d.status) for d in books.differences()}


def test_the_kinds_of_a_gateway(books: Books) -> None:
    day = yesterday()
    rows = books.fill(day, 1, 12, unbooked=[8, 9])
    lines = {row.number: charge(row) for row in rows}
    del lines[2]
    lines[3] = replace(lines[3], amount=rows[2].amount + 1, fee=lines[3].fee)
    lines[4] = replace(lines[4], currency="USD")
    lines[5] = replace(lines[5], fee=lines[5].fee + 1)
    again = replace(lines[6], id="txn_again")
    stranger = charge(rows[0], id="txn_s", intent_id="pi_stranger", our_id=None)
    twice = charge(rows[6], id="txn_t", intent_id="pi_twice")
    status = "update payment_attempts set status = 'open' where id = :id"
    books.execute(status, id=rows[8].attempt)
    fee = charge(rows[0], id="f", kind=Movement.FEE, intent_id=None, our_id=None, amount=-5, fee=0)
    moved = replace(fee, id="o", kind=Movement.OTHER)
    more = [again, again, stranger, twice, fee, moved]
    books.gateway.days[day] = [*lines.values(), *more]
    run = books.run(books.source, day)
    pi = f"capture:pi_{books.seed}_"
    assert kinds(books) == {
        ("missing_in_gateway", f"{pi}2", "open"),
        ("amount_mismatch", f"{pi}3", "open"),
        ("amount_mismatch", f"{pi}4", "open"),
        ("fee_mismatch", f"{pi}5", "open"),
        ("duplicate_line", f"{pi}6", "open"),
        ("missing_in_ledger", "capture:pi_stranger", "open"),
        ("duplicate_capture", "capture:pi_twice", "open"),
        ("missing_in_ledger", f"{pi}8", "open"),
        ("status_mismatch", f"{pi}9", "open"),
        ("missing_in_ledger", "other:o", "open"),
    }
    assert run.found == 11
    assert (run.line_count, run.matched) == (17, 16 - 10)
