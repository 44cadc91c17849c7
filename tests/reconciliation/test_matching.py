"""Each kind is found by its own predicate, and by no other."""

from dataclasses import replace
from uuid import UUID

from app.core.clock import now
from app.ledger import service as ledger
from app.ledger.values import DISPUTES, Booking, Line, clearing
from app.payments.gateway import Movement
from tests.factories import later
from tests.reconciliation.books import Books, ago, charge, postings_file, yesterday


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


def hold_back(books: Books, payment: UUID, dispute: str, amount: int) -> None:
    """Book that the gateway holds money of a payment back, as payments do."""
    clearing_here = clearing(books.gateway.name)
    with books.rooms.units.open(actor="test") as uow:
        ledger.book(
            uow,
            Booking(
                kind="dispute.opened",
                external_ref=f"{books.gateway.name}:{dispute}",
                subject_id=payment,
                occurred_at=now(),
                lines=[Line(DISPUTES, amount), Line(clearing_here, -amount)],
            ),
        )


def test_disputes_are_compared_by_what_they_come_to(books: Books) -> None:
    day = yesterday()
    rows = books.fill(day, 1, 4)
    held = [
        charge(row, id=f"dp{row.number}", kind=Movement.DISPUTE, amount=-row.amount, fee=0)
        for row in rows
    ]
    given_back = charge(rows[3], id="won", kind=Movement.DISPUTE_REVERSED, fee=0)
    hold_back(books, rows[0].payment, "d0", rows[0].amount)
    hold_back(books, rows[1].payment, "d1", rows[1].amount - 1)
    books.gateway.days[day] = [*map(charge, rows), *held, given_back]
    books.run(books.source, day)
    assert kinds(books) == {
        ("amount_mismatch", f"dispute:{rows[1].intent}", "open"),
        ("missing_in_ledger", f"dispute:{rows[2].intent}", "open"),
        ("missing_in_ledger", f"dispute:{rows[3].intent}", "open"),
    }


def test_money_of_which_we_have_just_not_heard_is_in_transit(books: Books) -> None:
    day = yesterday()
    (row,) = books.fill(day, 1, 1, unbooked=[1])
    books.execute("update payment_attempts set status = 'open' where id = :id", id=row.attempt)
    books.gateway.days[day] = [charge(row, occurred_at=ago(minutes=30))]
    books.run(books.source, day)
    assert [d.status for d in books.differences()] == ["in_transit"]
    with later(2 * 3_600):
        books.run(books.source, day)
    assert [(d.kind, d.status) for d in books.differences()] == [("status_mismatch", "open")]


def test_what_a_biller_has_of_an_unknown_posting_is_a_status(books: Books) -> None:
    day = yesterday()
    (row,) = books.fill(day, 1, 1)
    books.execute("update biller_postings set status = 'unknown' where item_id = :i", i=row.item)
    source = f"biller:{books.biller}"
    raw = postings_file([("P1", str(row.item), row.amount, row.at)])
    books.bring(source, day, "postings-csv", raw)
    books.run(source, day)
    assert [(d.kind, d.status) for d in books.differences()] == [("status_mismatch", "open")]
