"""Double entry: every booking sums to zero, once, and nothing is ever changed."""

from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.clock import now
from app.factory import Rooms
from app.ledger import service
from app.ledger.errors import BookingDiffers
from app.ledger.models import LedgerTransaction
from app.ledger.values import Booking, Line, clearing, payee
from tests.factories import bearer, staff_token
from tests.live import at_once

AMOUNTS = st.lists(st.integers(min_value=1, max_value=10**10), min_size=1, max_size=20)


def booking(*amounts: int, reference: str | None = None, imbalance: int = 0) -> Booking:
    """Return a booking of money in for several payees."""
    lines = [Line(clearing("test"), sum(amounts) + imbalance)]
    lines += [Line(payee(f"payee-{i}"), -amount) for i, amount in enumerate(amounts)]
    return Booking(
        kind="test",
        external_ref=reference or str(uuid4()),
        subject_id=uuid4(),
        occurred_at=now(),
        lines=lines,
    )


def book(rooms: Rooms, wanted: Booking) -> object:
    with rooms.units.open(actor="test") as uow:
        return service.book(uow, wanted)


def count(rooms: Rooms, reference: str) -> int:
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = select(func.count()).where(LedgerTransaction.external_ref == reference)
        return uow.scalar(found) or 0


def is_balanced(rooms: Rooms) -> bool:
    with rooms.units.open(actor="test", read_only=True) as uow:
        balance = service.read_trial_balance(uow)
    return all(c.balance == 0 and c.debit == c.credit for c in balance.currencies)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(amounts=AMOUNTS)
def test_any_booking_that_balances_is_kept_and_the_book_stays_at_zero(
    rooms: Rooms, amounts: list[int]
) -> None:
    book(rooms, booking(*amounts))
    assert is_balanced(rooms)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(amounts=AMOUNTS, imbalance=st.integers(-(10**6), 10**6).filter(bool))
def test_a_booking_that_does_not_balance_fails_the_commit(
    rooms: Rooms, amounts: list[int], imbalance: int
) -> None:
    wanted = booking(*amounts, imbalance=imbalance)
    if wanted.lines[0].amount == 0:
        return
    with pytest.raises(DBAPIError, match="does not sum to zero"):
        book(rooms, wanted)
    assert count(rooms, wanted.external_ref) == 0
    assert is_balanced(rooms)


def test_the_same_object_is_booked_once(rooms: Rooms) -> None:
    wanted = booking(100, reference=str(uuid4()))
    first, second = book(rooms, wanted), book(rooms, wanted)
    assert first == second
    assert count(rooms, wanted.external_ref) == 1


def test_the_same_object_in_parallel_is_booked_once(rooms: Rooms) -> None:
    wanted = booking(100, 200, reference=str(uuid4()))
    assert len(set(at_once([lambda: book(rooms, wanted)] * 8))) == 1
    assert count(rooms, wanted.external_ref) == 1


def test_the_same_object_with_other_lines_is_refused(rooms: Rooms) -> None:
    reference = str(uuid4())
    book(rooms, booking(100, reference=reference))
    with pytest.raises(BookingDiffers):
        book(rooms, booking(101, reference=reference))
    assert count(rooms, reference) == 1


def test_lines_cannot_be_added_to_a_booking_later(rooms: Rooms) -> None:
    reference = str(uuid4())
    transaction_id = book(rooms, booking(100, reference=reference))
    statement = (
        "insert into ledger_entries select transaction_id, line_no + 2, account_id, amount, "
        "currency from ledger_entries where transaction_id = :id"
    )
    with (
        pytest.raises(DBAPIError, match="promises 2 lines and has 4"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(statement), {"id": transaction_id})


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_entries set amount = 0",
        """insert into ledger_entries select transaction_id, 9, account_id, 0, currency
           from ledger_entries limit 1""",
        """insert into ledger_entries select transaction_id, 9, account_id, 5, 'USD'
           from ledger_entries limit 1""",
        """insert into ledger_transactions
           (id, kind, external_ref, subject_id, lines, occurred_at, recorded_at)
           values (gen_random_uuid(), 'x', gen_random_uuid()::text, gen_random_uuid(), 2,
                   now(), now())""",
    ],
)
def test_postgresql_refuses_what_is_not_double_entry(rooms: Rooms, statement: str) -> None:
    book(rooms, booking(1))
    with pytest.raises((DBAPIError, IntegrityError)), rooms.units.open(actor="test") as uow:
        uow.execute(text(statement))
    assert is_balanced(rooms)


def test_staff_who_may_reads_the_trial_balance_and_nobody_else(
    client: FlaskClient, rooms: Rooms
) -> None:
    path = "/v1/ledger/trial-balance"
    assert client.get(path).status_code == 401
    other = bearer(staff_token(rooms, "system-admin"))
    assert client.get(path, headers=other).status_code == 403
    auditor = bearer(staff_token(rooms, "auditor"))
    answer = client.get(path, headers=auditor)
    assert answer.status_code == 200
    assert all(c["balance"] == 0 for c in answer.json["currencies"])


def test_bookings_of_one_subject_are_listed_with_their_lines(
    client: FlaskClient, rooms: Rooms
) -> None:
    wanted = booking(100, 250)
    book(rooms, wanted)
    auditor = bearer(staff_token(rooms, "auditor"))
    path = f"/v1/ledger/transactions?subject_id={wanted.subject_id}"
    (found,) = client.get(path, headers=auditor).json["items"]
    assert found["external_ref"] == wanted.external_ref
    assert [(e["account"], e["amount"]) for e in found["entries"]] == [
        ("clearing:test", 350),
        ("payee:payee-0", -100),
        ("payee:payee-1", -250),
    ]
