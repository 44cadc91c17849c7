"""The account plan and the postings are one table: what is booked is what it says."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.cli.ledger import DOCUMENT, as_markdown
from app.factory import Rooms
from app.ledger.values import FAMILIES, PLAN, POSTINGS, Kind, account_named, family_of
from tests.conftest import World
from tests.factories import log_in
from tests.ledger.support import capture, fail, new_payee, portion, publish, refund, rule, with_fee
from tests.ledger.support import rows as select_rows
from tests.payments.helpers import make_bill, pay


def test_the_page_is_the_plan() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == as_markdown()


def test_every_posting_moves_between_accounts_of_the_plan() -> None:
    for posting in POSTINGS.values():
        assert {*posting.debit, *posting.credit} <= set(FAMILIES)
        assert posting.debit
        assert posting.credit
    assert len(FAMILIES) == len(PLAN)


@pytest.mark.parametrize("code", ["", "payee", "payee:", "bank:x", "cash", ":", "clearing:"])
def test_what_is_not_in_the_plan_is_no_account(code: str) -> None:
    assert family_of(code) is None
    with pytest.raises(ValueError, match="not in the account plan"):
        account_named(code)


def test_accounts_grow_by_their_kind() -> None:
    assert [kind.sign for kind in (Kind.ASSET, Kind.EXPENSE)] == [1, 1]
    assert [kind.sign for kind in (Kind.LIABILITY, Kind.INCOME)] == [-1, -1]


def test_whatever_was_booked_debits_and_credits_what_the_table_says(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    paid = pay(client, rooms, citizen, make_bill(client, world, citizen))
    assert paid["status"] == "succeeded"
    payee = new_payee()
    publish(rooms, rule(payee, *with_fee(payee, 250_000)))
    item = portion(payee, 1000)
    booked = capture(rooms, item)
    fail(rooms, booked, refund(rooms, booked, item, 333))
    found = select_rows(
        rooms,
        "select distinct t.kind, e.amount > 0, split_part(a.code, ':', 1) "
        "from ledger_transactions t join ledger_entries e on e.transaction_id = t.id "
        "join ledger_accounts a on a.id = e.account_id where t.subject_id = any(:subjects)",
        subjects=[UUID(paid["id"]), booked.subject_id],
    )
    kinds = {kind for kind, _, _ in found}
    assert {"payment.captured", "refund.asked", "refund.failed"} <= kinds <= set(POSTINGS)
    for kind, is_debit, family in found:
        posting = POSTINGS[kind]
        assert family in (posting.debit if is_debit else posting.credit)
    ((shared,),) = select_rows(
        rooms,
        "select count(*) from ledger_splits s join ledger_transactions t "
        "on t.id = s.transaction_id where t.subject_id = :id and s.rule is not null",
        id=paid["id"],
    )
    assert shared == 1  # the water company has a rule of its own in config/splits
