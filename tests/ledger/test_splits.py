"""Money is split when it comes, and what goes back takes the same split back."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.ledger import service
from app.ledger.errors import SplitExhausted
from app.ledger.values import Fee, FeeBearer, Part, PartKind, Payout
from tests.ledger.support import (
    LONG_AGO,
    capture,
    fail,
    lines,
    new_payee,
    per_account,
    portion,
    publish,
    refund,
    rows,
    rule,
    sums,
    with_fee,
    within,
)
from tests.ledger.test_shares import rules
from tests.live import at_once


def test_without_a_rule_all_of_it_is_the_payees(rooms: Rooms) -> None:
    who = new_payee()
    booked = capture(rooms, portion(who, 4250))
    assert lines(rooms, "payment.captured", booked.external_ref) == [
        ("clearing:stripe", 4250),
        (f"payee:{who}", -4250),
    ]


def test_each_item_is_split_by_its_own_rule(rooms: Rooms) -> None:
    who, other = new_payee(), new_payee()
    publish(rooms, rule(who, *with_fee(who, 6_000)))
    mine, theirs, nothing = portion(who, 4250), portion(other, 1000), portion(who, 0)
    booked = capture(rooms, mine, theirs, nothing)
    assert lines(rooms, "payment.captured", booked.external_ref) == [
        ("clearing:stripe", 5250),
        ("platform-fee", -26),
        (f"payee:{who}", -4224),
        (f"payee:{other}", -1000),
    ]
    kept = rows(
        rooms,
        "select rule, rule_version from ledger_splits where id = :id",
        id=mine.id,
    )
    assert kept == [(f"payee:{who}", 1)]


def test_a_rule_of_a_service_goes_before_that_of_a_payee(rooms: Rooms) -> None:
    who, service_id = new_payee(), f"service-{uuid4().hex[:8]}"
    mine = rule(who, *with_fee(who, 6_000))
    of_service = rule(who, *with_fee(who, 500_000))
    named = type(of_service)(
        f"service:{service_id}", 1, LONG_AGO, FeeBearer.PLATFORM, of_service.parts
    )
    publish(rooms, mine, named)
    booked = capture(rooms, portion(who, 100, service_id))
    assert sums(rooms, booked.subject_id)["platform-fee"] == -50


def test_a_refund_takes_back_the_version_of_the_capture(rooms: Rooms) -> None:
    who = new_payee()
    publish(rooms, rule(who, *with_fee(who, 100_000)))
    item = portion(who, 1000)
    booked = capture(rooms, item)
    publish(rooms, rule(who, *with_fee(who, 900_000), version=2))
    later = capture(rooms, portion(who, 1000))
    assert sums(rooms, later.subject_id)["platform-fee"] == -900
    assert lines(rooms, "refund.asked", refund(rooms, booked, item, 500)) == [
        ("platform-fee", 50),
        (f"payee:{who}", 450),
        ("refunds-payable", -500),
    ]


def test_a_repeat_of_a_capture_after_a_new_version_is_the_same_booking(rooms: Rooms) -> None:
    who = new_payee()
    publish(rooms, rule(who, *with_fee(who, 100_000)))
    booked = capture(rooms, portion(who, 1000))
    publish(rooms, rule(who, *with_fee(who, 900_000), version=2))
    first, second = (within(rooms, lambda uow: service.book_capture(uow, booked)) for _ in range(2))
    assert first == second
    assert sums(rooms, booked.subject_id)["platform-fee"] == -100


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=rules(),
    amount=st.integers(1, 10**8),
    cuts=st.lists(st.tuples(st.floats(0.01, 0.9), st.booleans()), max_size=5),
)
def test_refunds_of_the_whole_leave_nothing_behind_in_any_account(
    rooms: Rooms, parts: list[Part], amount: int, cuts: list[tuple[float, bool]]
) -> None:
    who = new_payee()
    own = [Part(f"{p.account}-{who}", p.kind, p.size, p.priority) for p in parts]
    publish(rooms, rule(who, *own))
    item = portion(who, amount)
    booked = capture(rooms, item)
    left = amount
    for cut, fails in cuts:
        step = max(1, int(left * cut))
        if step >= left:
            break
        reference = refund(rooms, booked, item, step)
        if fails:
            fail(rooms, booked, reference)
        else:
            left -= step
    refund(rooms, booked, item, left)
    assert sums(rooms, booked.subject_id) == {
        "clearing:stripe": amount,
        "refunds-payable": -amount,
    }
    with pytest.raises(SplitExhausted):
        refund(rooms, booked, item, 1)


def test_a_failed_refund_gives_back_line_by_line_and_names_what_it_reverses(rooms: Rooms) -> None:
    who = new_payee()
    publish(rooms, rule(who, *with_fee(who, 333_333)))
    item = portion(who, 100)
    booked = capture(rooms, item)
    reference = refund(rooms, booked, item, 7)
    fail(rooms, booked, reference)
    fail(rooms, booked, reference)
    there, back = (lines(rooms, kind, reference) for kind in ("refund.asked", "refund.failed"))
    assert per_account(there, back) == {}
    found = rows(
        rooms,
        "select r.external_ref = t.external_ref from ledger_transactions r "
        "join ledger_transactions t on t.id = r.reversal_of "
        "where r.kind = 'refund.failed' and r.external_ref = :reference",
        reference=reference,
    )
    assert found == [(True,)]


def test_the_same_refund_takes_once(rooms: Rooms) -> None:
    item = portion(new_payee(), 100)
    booked = capture(rooms, item)
    reference = str(uuid4())
    at_once([lambda: refund(rooms, booked, item, 60, reference)] * 4)
    assert sums(rooms, booked.subject_id)["refunds-payable"] == -60


def test_parallel_refunds_of_one_item_never_take_more_than_it_was(rooms: Rooms) -> None:
    who = new_payee()
    publish(rooms, rule(who, *with_fee(who, 333_333)))
    item = portion(who, 100)
    booked = capture(rooms, item)

    def one() -> bool:
        try:
            refund(rooms, booked, item, 30)
        except SplitExhausted:
            return False
        return True

    assert sorted(at_once([one] * 6)) == [False, False, False, True, True, True]
    assert sums(rooms, booked.subject_id)["refunds-payable"] == -90


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        (
            (
                "insert into ledger_takings select split_id, sequence + 1, line_no, "
                "transaction_id, share, 1, share + 1 from ledger_takings where split_id = :id"
            ),
            "taken",
        ),
        (
            (
                "insert into ledger_takings select split_id, sequence + 1, line_no, "
                "transaction_id, share + 5, 1, share + 1 from ledger_takings where split_id = :id"
            ),
            "fk_ledger_takings",
        ),
        (
            (
                "insert into ledger_takings select split_id, sequence, line_no, transaction_id, "
                "share, change, taken from ledger_takings where split_id = :id"
            ),
            "pk_ledger_takings",
        ),
        (
            "insert into ledger_shares values (:id, 99, 'payee:somebody', 1)",
            "are not its amount",
        ),
        (
            (
                "insert into ledger_splits select gen_random_uuid(), transaction_id, payee, title, "
                "amount, fee_bearer, rule, rule_version from ledger_splits where id = :id"
            ),
            "are not its amount",
        ),
    ],
)
def test_postgresql_refuses_a_split_that_is_not_whole(
    rooms: Rooms, statement: str, refused: str
) -> None:
    item = portion(new_payee(), 100)
    booked = capture(rooms, item)
    refund(rooms, booked, item, 60)
    with pytest.raises(IntegrityError, match=refused):
        rows(rooms, statement + " returning 1", id=item.id)


def test_a_fee_is_borne_by_whom_the_rule_of_each_item_says(rooms: Rooms) -> None:
    bears, free = new_payee(), new_payee()
    parts = (Part(f"payee:{bears}", PartKind.REMAINDER, 0, 1),)
    publish(rooms, rule(bears, *parts, bearer=FeeBearer.PAYEE))
    booked = capture(rooms, portion(bears, 3000), portion(free, 1000))
    fee = Fee("stripe", f"txn_{uuid4().hex}", 25, booked.occurred_at, booked.subject_id)
    first, second = (within(rooms, lambda uow: service.book_gateway_fee(uow, fee)) for _ in "ab")
    assert first == second
    assert sorted(lines(rooms, "gateway.fee", f"stripe:{fee.reference}")) == [
        ("clearing:stripe", -25),
        ("gateway-fees", 6),
        (f"payee:{bears}", 19),
    ]


def test_a_fee_of_no_payment_and_one_that_comes_back(rooms: Rooms) -> None:
    fee = Fee("stripe", f"txn_{uuid4().hex}", -30, LONG_AGO)
    within(rooms, lambda uow: service.book_gateway_fee(uow, fee))
    assert lines(rooms, "gateway.fee", f"stripe:{fee.reference}") == [
        ("gateway-fees", -30),
        ("clearing:stripe", 30),
    ]


def test_a_payout_is_booked_once(rooms: Rooms) -> None:
    payout = Payout("stripe", f"po_{uuid4().hex}", 5000, LONG_AGO)
    at_once([lambda: within(rooms, lambda uow: service.book_payout(uow, payout))] * 4)
    assert lines(rooms, "gateway.payout", f"stripe:{payout.payout_id}") == [
        ("bank", 5000),
        ("clearing:stripe", -5000),
    ]
