"""A day is settled once, by two people, with what payees are still owed; what returns is owed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.clock import city_date
from app.factory import Rooms
from app.http.server import Server
from tests.factories import bearer, staff_token
from tests.ledger.support import capture, new_payee, portion, refund, rows
from tests.live import at_once
from tests.settlement.support import (
    NUMBER,
    after,
    balance,
    bank_details,
    draft,
    finance,
    fresh_day,
    get,
    lines_of,
    on,
    owed,
    post,
    sent,
    with_account,
)


def test_a_day_is_settled_by_two(client: FlaskClient, rooms: Rooms) -> None:
    payee, day = owed(rooms, 123_456), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        people = finance(rooms)
        drafted = draft(client, people.clerk, day)
        assert drafted.status_code == 201, drafted.text
        path = f"/batches/{drafted.json['id']}"
        assert balance(rooms, f"payee:{payee}") == -123_456
        assert post(client, f"{path}/approval", people.approver).status_code == 200
        assert balance(rooms, f"payee:{payee}") == 0
        filed = post(client, f"{path}/file", people.clerk)
        assert sorted(filed.json["digests"]) == ["csv", "pain.001"]
        assert post(client, f"{path}/dispatch", people.clerk).json["status"] == "sent"
        in_transit, bank = balance(rooms, "bank-in-transit"), balance(rooms, "bank")
        for line in lines_of(client, people, drafted.json["id"]):
            paid = {"bank_reference": f"B{uuid4().hex[:10]}"}
            done = post(client, f"/lines/{line['id']}/settlement", people.clerk, paid)
            again = post(client, f"/lines/{line['id']}/settlement", people.clerk, paid)
            assert (done.status_code, done.json) == (200, again.json)
        total = filed.json["amount"]
        assert balance(rooms, "bank-in-transit") - in_transit == total
        assert balance(rooms, "bank") - bank == -total
        assert get(client, path, people.clerk).json["status"] == "settled"


def test_a_draft_has_what_was_owed_at_the_cut_off_and_still_is(
    client: FlaskClient, rooms: Rooms
) -> None:
    payee, poor, homeless, day = new_payee(), new_payee(), owed(rooms, 700), fresh_day()
    with on(day):
        item = portion(payee, 1000)
        booked = capture(rooms, item)
        capture(rooms, portion(poor, 99))
    with_account(client, rooms, payee)
    with_account(client, rooms, poor)
    with after(day):
        capture(rooms, portion(payee, 5000))  # waits for the next day
        refund(rooms, booked, item, 300)
        people = finance(rooms)
        drafted = draft(client, people.clerk, day).json
        lines = {line["payee"]: line for line in lines_of(client, people, drafted["id"])}
        assert lines[payee]["amount"] == 700
        left = {one["payee"]: (one["amount"], one["reason"]) for one in drafted["left_out"]}
        assert left[poor] == (99, "below-minimum")
        assert left[homeless] == (700, "no-bank-account")
        assert not {poor, homeless} & lines.keys()
        later_day = draft(client, people.clerk, day - timedelta(days=1))
        if later_day.status_code == 201:  # an earlier day counts on what the draft has taken
            names = [line["payee"] for line in lines_of(client, people, later_day.json["id"])]
            assert payee not in names


def test_what_left_after_the_draft_stops_the_approval(client: FlaskClient, rooms: Rooms) -> None:
    payee, day = new_payee(), fresh_day()
    item = portion(payee, 1000)
    booked = capture(rooms, item)
    with_account(client, rooms, payee)
    with after(day):
        people = finance(rooms)
        drafted = draft(client, people.clerk, day).json
        refund(rooms, booked, item, 1)
        refused = post(client, f"/batches/{drafted['id']}/approval", people.approver)
        assert (refused.status_code, refused.json["code"]) == (409, "settlement-balance-changed")
        assert refused.json["payees"] == [payee]
        assert balance(rooms, f"payee:{payee}") == -999
        rejected = post(client, f"/batches/{drafted['id']}/rejection", people.approver)
        assert rejected.json["status"] == "rejected"
        anew = draft(client, people.clerk, day).json
        assert anew["id"] != drafted["id"]
        lines = {line["payee"]: line for line in lines_of(client, people, anew["id"])}
        assert lines[payee]["amount"] == 999


def test_another_bank_account_stops_the_approval(client: FlaskClient, rooms: Rooms) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        people = finance(rooms)
        drafted = draft(client, people.clerk, day).json
        with_account(client, rooms, payee)
        refused = post(client, f"/batches/{drafted['id']}/approval", people.approver)
        assert (refused.status_code, refused.json["code"]) == (409, "settlement-balance-changed")


def test_whoever_drew_it_up_cannot_approve(client: FlaskClient, rooms: Rooms) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        both = bearer(staff_token(rooms, "finance"))
        drafted = draft(client, both, day).json
        ((staff_id,),) = rows(
            rooms,
            "select drafted_by::text from settlement_batches where id = :id",
            id=drafted["id"],
        )
        rows(
            rooms,
            "insert into staff_roles (staff_id, role, office, granted_at) "
            "values (:id, 'finance-approver', 'operations', now()) returning 1",
            id=staff_id,
        )
        for verdict in ("approval", "rejection"):
            refused = post(client, f"/batches/{drafted['id']}/{verdict}", both)
            assert (refused.status_code, refused.json["code"]) == (403, "second-person-needed")
        clerk = finance(rooms).clerk
        assert post(client, f"/batches/{drafted['id']}/approval", clerk).status_code == 403
        assert get(client, f"/batches/{drafted['id']}", both).json["status"] == "draft"
        assert balance(rooms, f"payee:{payee}") == -1000


def test_a_returned_line_is_owed_again_and_in_the_next_batch(
    client: FlaskClient, rooms: Rooms
) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        people = finance(rooms)
        batch = sent(client, people, day)
        lines = lines_of(client, people, batch["id"])
        (mine,) = [line for line in lines if line["payee"] == payee]
        why = {"reason": "AC04"}
        assert post(client, f"/lines/{mine['id']}/return", people.clerk, why).status_code == 403
        back = post(client, f"/lines/{mine['id']}/return", people.approver, why)
        assert (back.status_code, back.json["status"]) == (200, "returned")
        assert post(client, f"/lines/{mine['id']}/return", people.approver, why).json == back.json
        assert balance(rooms, f"payee:{payee}") == -1000
        if len(lines) == 1:
            assert get(client, f"/batches/{batch['id']}", people.clerk).json["status"] == "returned"
        late = {"bank_reference": "late"}
        refused = post(client, f"/lines/{mine['id']}/settlement", people.clerk, late)
        assert (refused.status_code, refused.json["code"]) == (409, "illegal-transition")
    with after(day + timedelta(days=1)):
        people = finance(rooms)
        anew = draft(client, people.clerk, day + timedelta(days=1)).json
        amounts = {line["payee"]: line["amount"] for line in lines_of(client, people, anew["id"])}
        assert amounts[payee] == 1000


def test_money_that_comes_back_after_it_was_paid_is_owed_again(
    client: FlaskClient, rooms: Rooms
) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        people = finance(rooms)
        batch = sent(client, people, day)
        (mine,) = [x for x in lines_of(client, people, batch["id"]) if x["payee"] == payee]
        before = balance(rooms, "bank")
        post(client, f"/lines/{mine['id']}/settlement", people.clerk, {"bank_reference": "1"})
        post(client, f"/lines/{mine['id']}/return", people.approver, {"reason": "AC04"})
        assert balance(rooms, "bank") == before
        assert balance(rooms, f"payee:{payee}") == -1000


def test_nothing_is_paid_before_the_file_was_sent(client: FlaskClient, rooms: Rooms) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        people = finance(rooms)
        drafted = draft(client, people.clerk, day).json
        line, *_ = lines_of(client, people, drafted["id"])
        for step, who in (("file", people.clerk), ("dispatch", people.clerk)):
            refused = post(client, f"/batches/{drafted['id']}/{step}", who)
            assert (refused.status_code, refused.json["code"]) == (409, "illegal-transition")
        paid = {"bank_reference": "1"}
        refused = post(client, f"/lines/{line['id']}/settlement", people.clerk, paid)
        assert (refused.status_code, refused.json["code"]) == (409, "illegal-transition")
        assert balance(rooms, f"payee:{payee}") == -1000


def test_a_day_that_is_not_over_is_not_settled(client: FlaskClient, rooms: Rooms) -> None:
    payee = owed(rooms, 1000)
    with_account(client, rooms, payee)
    clerk = finance(rooms).clerk
    refused = post(client, "/batches", clerk, {"day": city_date()})
    assert (refused.status_code, refused.json["code"]) == (409, "settlement-day-open")


def test_a_day_on_which_nobody_was_owed_anything_has_no_batch(
    client: FlaskClient, rooms: Rooms
) -> None:
    with_account(client, rooms, owed(rooms, 1000))
    refused = post(client, "/batches", finance(rooms).clerk, {"day": "2001-01-01"})
    assert (refused.status_code, refused.json["code"]) == (409, "nothing-to-settle")
    assert rows(rooms, "select 1 from settlement_batches where day = '2001-01-01'") == []
    wrong = post(client, "/batches", finance(rooms).clerk, {"day": "0001-01-01"})
    assert wrong.status_code == 422


def test_parallel_runs_make_one_batch(app: Server, client: FlaskClient, rooms: Rooms) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        clerk = finance(rooms).clerk
        made = at_once([lambda: draft(app.test_client(), clerk, day).json["id"]] * 5)
        assert len(set(made)) == 1
        approvers = [finance(rooms).approver for _ in range(4)]
        path = f"/batches/{made[0]}/approval"
        codes = at_once(
            [lambda who=who: post(app.test_client(), path, who).status_code for who in approvers]
        )
        assert sorted(codes) == [200, 409, 409, 409]
        assert balance(rooms, f"payee:{payee}") == 0


def test_bank_accounts_take_two_and_replace_each_other(client: FlaskClient, rooms: Rooms) -> None:
    payee = owed(rooms, 1)
    first = with_account(client, rooms, payee)
    people = finance(rooms)
    wanted = bank_details(payee, number="123456789012")
    second = post(client, "/accounts", people.clerk, wanted).json
    assert second["number"] == "123*****9012"
    pending = post(client, "/accounts", people.clerk, wanted)
    assert (pending.status_code, pending.json["code"]) == (409, "bank-account-pending")
    rejected = post(client, f"/accounts/{second['id']}/rejection", people.approver)
    assert rejected.json["status"] == "rejected"
    third = with_account(client, rooms, payee)
    listed = get(client, f"/accounts?payee={payee}", people.clerk).json["items"]
    assert {one["id"]: one["status"] for one in listed} == {
        first: "replaced",
        second["id"]: "rejected",
        third: "active",
    }
    sealed = rows(
        rooms, "select number_sealed, holder_sealed from settlement_accounts where id = :i", i=first
    )
    assert NUMBER.encode() not in bytes(sealed[0][0])
    unknown = post(client, "/accounts", people.clerk, bank_details("nobody-knows-them"))
    assert (unknown.status_code, unknown.json["code"]) == (404, "payee-not-found")


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        (
            (
                "update settlement_batches set decided_by = drafted_by, decided_at = now(), "
                "status = 'approved' where id = :batch"
            ),
            "four_eyes",
        ),
        ("update settlement_batches set status = 'approved' where id = :batch", "decided"),
        ("update settlement_batches set filed_at = now() where id = :batch", "filed"),
        (
            (
                "insert into settlement_batches select gen_random_uuid(), status, version, day, "
                "cut_off, currency, left_out, drafted_by, drafted_at from settlement_batches "
                "where id = :batch"
            ),
            "uq_settlement_batches_day",
        ),
        ("update settlement_lines set amount = 0 where batch_id = :batch", "amount"),
        (
            (
                "insert into settlement_lines select gen_random_uuid(), status, version, batch_id, "
                "payee, day, account_id, amount, currency from settlement_lines "
                "where batch_id = :batch"
            ),
            "uq_settlement_lines",
        ),
        (
            "update settlement_accounts set decided_by = proposed_by where payee = :payee",
            "four_eyes",
        ),
        (
            (
                "insert into settlement_accounts select gen_random_uuid(), status, version, payee, "
                "holder_sealed, number_sealed, bank_code, proposed_by, proposed_at, decided_by, "
                "decided_at from settlement_accounts where payee = :payee"
            ),
            "uq_settlement_accounts_active",
        ),
        ("update settlement_accounts set bank_code = '=1' where payee = :payee", "bank_code"),
    ],
)
def test_postgresql_keeps_the_rules_of_two(
    client: FlaskClient, rooms: Rooms, statement: str, refused: str
) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        batch = draft(client, finance(rooms).clerk, day).json["id"]
        values = {"batch": batch} if ":batch" in statement else {"payee": payee}
        with pytest.raises((IntegrityError, DBAPIError), match=refused):
            rows(rooms, statement + " returning 1", **values)


def test_batches_are_listed_newest_first(client: FlaskClient, rooms: Rooms) -> None:
    payee, day = owed(rooms, 1000), fresh_day()
    with_account(client, rooms, payee)
    with after(day):
        people = finance(rooms)
        made = draft(client, people.clerk, day).json
        days = []
        path = "/batches?limit=1"
        while path:
            page = get(client, path, people.clerk).json
            days += [one["day"] for one in page["items"]]
            cursor = page["next_cursor"]
            path = f"/batches?limit=1&cursor={cursor}" if cursor else ""
        assert made["day"] in days
        assert days == sorted(days, reverse=True)
        assert get(client, f"/batches/{uuid4()}", people.clerk).status_code == 404


def test_payees_are_listed_with_what_they_are_owed(client: FlaskClient, rooms: Rooms) -> None:
    payee = owed(rooms, 4321)
    people = finance(rooms)
    found, path = {}, "/payees?limit=2"
    while path:
        page = get(client, path, people.clerk).json
        found |= {one["id"]: one for one in page["items"]}
        cursor = page["next_cursor"]
        path = f"/payees?limit=2&cursor={cursor}" if cursor else ""
    assert found[payee]["balance"] == 4321
    assert found[payee]["has_bank_account"] is False
    assert found["shiyan-water"]["title"]["zh"].startswith("十堰")
    assert list(found) == sorted(found)


def test_nobody_else_of_the_staff_sees_settlement(client: FlaskClient, rooms: Rooms) -> None:
    other = bearer(staff_token(rooms, "auditor"))
    for path in ("/batches", "/accounts", "/payees"):
        assert get(client, path, other).status_code == 403
