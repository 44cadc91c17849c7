"""The tables refuse what must never be, whoever writes; models and migrations agree."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.core import migrate
from app.factory import Rooms
from tests.conftest import World

DELETE_EDITIONS = "delete from plugin_utilities.bill_editions"
MOMENT = "2026-11-22T00:00:00Z"


def insert(rooms: Rooms, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    statement = f"insert into plugin_utilities.{table} ({names}) values ({values})"  # noqa: S608
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), row)


def bill(**changed: object) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "biller": "shiyan-water",
        "biller_reference": f"M-{uuid4().hex[:10]}",
        "account_index": b"x",
        "amount": 1,
        "currency": "CNY",
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
        "due_date": "2026-12-01",
        "status": "open",
        "source": "inquiry",
        "seen_at": MOMENT,
    } | changed


def posting(**changed: object) -> dict[str, Any]:
    return {
        "key": uuid4().hex,
        "biller": "shiyan-water",
        "biller_reference": "M-1",
        "amount": 1,
        "currency": "CNY",
        "state": "sent",
        "sent_at": MOMENT,
    } | changed


def account(**changed: object) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "citizen_reference": uuid4().hex,
        "biller": "shiyan-water",
        "number_index": b"x",
        "number_sealed": b"x",
        "holder_name_sealed": b"x",
        "linked_at": MOMENT,
        "ask_after": MOMENT,
    } | changed


def test_models_and_migrations_agree(rooms: Rooms, world: World) -> None:
    (history,) = [h for h in rooms.histories if h.name == "utilities"]
    assert history.schema == "plugin_utilities"
    migrate.check(world.env["DATABASE_OWNER_URL"], history)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"amount": -1}, "ck_bills_amount"),
        ({"amount": 10**10 + 1}, "ck_bills_amount"),
        ({"period_to": "2026-09-30"}, "ck_bills_period"),
        ({"status": "lost"}, "ck_bills_status"),
        ({"source": "rumour"}, "ck_bills_source"),
        ({"status": "paid"}, "ck_bills_paid_at"),
        ({"paid_at": MOMENT}, "ck_bills_paid_at"),
        ({"amount": 5, "paid_amount": 6}, "ck_bills_paid_amount"),
        ({"amount": 5, "paid_amount": 1}, "ck_bills_partially_paid"),
        ({"status": "partially_paid"}, "ck_bills_partially_paid"),
        ({"late_fee": -1}, "ck_bills_late_fee"),
        ({"edition": 0}, "ck_bills_edition"),
        ({"amended_for": "whim"}, "ck_bills_amended_for"),
    ],
)
def test_an_impossible_bill_is_refused(
    rooms: Rooms, change: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "bills", bill(**change))


@pytest.mark.parametrize("amount", [0, 10**10])
def test_the_smallest_and_the_largest_amount_are_stored(rooms: Rooms, amount: int) -> None:
    insert(rooms, "bills", bill(amount=amount))


def test_a_billers_bill_stands_once(rooms: Rooms) -> None:
    one = bill()
    insert(rooms, "bills", one)
    insert(rooms, "bills", bill(biller="shiyan-gas", biller_reference=one["biller_reference"]))
    with pytest.raises(IntegrityError, match="uq_bills_biller_biller_reference"):
        insert(rooms, "bills", bill(biller_reference=one["biller_reference"]))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"state": "booked"}, "ck_postings_answer"),
        ({"answer_reference": "WTR-1"}, "ck_postings_answer"),
        ({"state": "refused"}, "ck_postings_refusal"),
        ({"refusal": "amount-differs"}, "ck_postings_refusal"),
        ({"state": "maybe"}, "ck_postings_state"),
        ({"amount": -1}, "ck_postings_amount"),
    ],
)
def test_an_impossible_posting_is_refused(
    rooms: Rooms, change: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "postings", posting(**change))


def test_a_key_names_one_posting(rooms: Rooms) -> None:
    one = posting()
    insert(rooms, "postings", one)
    with pytest.raises(IntegrityError, match="pk_postings"):
        insert(rooms, "postings", one)


def order(**changed: object) -> dict[str, Any]:
    return {
        "id": uuid4(),
        "citizen_reference": uuid4().hex,
        "kind": "payment",
        "biller": "shiyan-water",
        "number_sealed": b"x",
        "amount": 5,
        "currency": "CNY",
        "parts": "[]",
        "advance": 5,
        "made_at": MOMENT,
        "expires_at": "2026-11-22T00:30:00Z",
    } | changed


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"amount": 0}, "ck_orders_a"),
        ({"advance": 6}, "ck_orders_advance"),
        ({"expires_at": MOMENT}, "ck_orders_expires_at"),
        ({"kind": "gift"}, "ck_orders_kind"),
        ({"token_sealed": b"x"}, "ck_orders_token"),
        ({"number_sealed": None}, "ck_orders_citizen_reference"),
    ],
)
def test_an_impossible_order_is_refused(
    rooms: Rooms, change: dict[str, Any], constraint: str
) -> None:
    insert(rooms, "orders", order())
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "orders", order(**change))


@pytest.mark.parametrize("change", [{"is_found": True}, {"number_sealed": b"x"}])
def test_what_was_not_found_keeps_no_number(rooms: Rooms, change: dict[str, Any]) -> None:
    look_up = {
        "id": uuid4(),
        "citizen_reference": uuid4().hex,
        "biller": "shiyan-water",
        "number_index": b"x",
        "is_found": False,
        "asked_at": MOMENT,
    }
    insert(rooms, "look_ups", look_up)
    with pytest.raises(IntegrityError, match="ck_look_ups_found"):
        insert(rooms, "look_ups", look_up | {"id": uuid4()} | change)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"bill_id": None}, "ck_complaints_subject"),
        ({"ground": "weather"}, "ck_complaints_ground"),
        ({"status": "assigned"}, "ck_complaints_unit"),
        ({"status": "resolved", "unit": "x"}, "ck_complaints_resolved"),
        ({"outcome": "maybe"}, "ck_complaints_outcome"),
        ({"words_sealed": None}, "ck_complaints_words"),
    ],
)
def test_an_impossible_complaint_is_refused(
    rooms: Rooms, change: dict[str, Any], constraint: str
) -> None:
    one = bill()
    insert(rooms, "bills", one)
    complaint = {
        "id": uuid4(),
        "status": "registered",
        "version": 1,
        "citizen_reference": uuid4().hex,
        "letterbox": "",
        "biller": "shiyan-water",
        "bill_id": one["id"],
        "order_id": None,
        "subject_number": "M-1",
        "ground": "amount",
        "words_sealed": b"x",
        "evidence": "{}",
        "registered_at": MOMENT,
    }
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, "complaints", complaint | change)


def test_an_edition_is_never_changed(rooms: Rooms) -> None:
    one = bill()
    insert(rooms, "bills", one)
    edition = {
        "bill_id": one["id"],
        "edition": 1,
        "amount": 1,
        "due_date": "2026-12-01",
        "detail": "{}",
        "told_at": MOMENT,
    }
    insert(rooms, "bill_editions", edition)
    with pytest.raises(IntegrityError, match="pk_bill_editions"):
        insert(rooms, "bill_editions", edition)
    for statement in (
        "update plugin_utilities.bill_editions set amount = 2",
        "delete from plugin_utilities.bill_editions",
    ):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            rooms.units.open(actor="test") as uow,
        ):
            uow.execute(text(statement))


def test_a_citizen_has_one_link_to_an_account(rooms: Rooms) -> None:
    one = account()
    insert(rooms, "accounts", one)
    with pytest.raises(IntegrityError, match="uq_accounts_citizen_reference_biller_number_index"):
        insert(rooms, "accounts", one | {"id": uuid4()})


def test_a_file_of_a_biller_stands_once(rooms: Rooms) -> None:
    file = {
        "id": uuid4(),
        "biller": "shiyan-water",
        "digest": uuid4().bytes,
        "lines": 1,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "imported_by": "test",
        "imported_at": MOMENT,
    }
    insert(rooms, "bill_files", file)
    with pytest.raises(IntegrityError, match="uq_bill_files_biller_digest"):
        insert(rooms, "bill_files", file | {"id": uuid4()})
