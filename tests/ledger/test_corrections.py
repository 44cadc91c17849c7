"""Corrections: two people, a new transaction, the reason kept; nothing is ever changed."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, IntegrityError
from werkzeug.test import TestResponse

from app.core.clock import now
from app.factory import Rooms
from app.http.server import Server
from app.ledger import service
from app.ledger.errors import AlreadyReversed, SamePerson
from app.ledger.values import ADJUSTMENTS, GATEWAY_FEES, Payout, TwoPeople
from tests.architecture.operations import operations_of
from tests.factories import bearer, staff_token
from tests.ledger.support import capture, lines, new_payee, portion, rows, within
from tests.live import at_once
from tests.staff import support as office

TABLES = (
    "ledger_accounts",
    "ledger_transactions",
    "ledger_entries",
    "ledger_split_rules",
    "ledger_splits",
    "ledger_shares",
    "ledger_takings",
    "ledger_snapshots",
    "ledger_corrections",
)


def payout(rooms: Rooms, amount: int = 5000) -> tuple[UUID, str]:
    wanted = Payout("stripe", f"po_{uuid4().hex}", amount, now())
    made = within(rooms, lambda uow: service.book_payout(uow, wanted))
    return made, f"stripe:{wanted.payout_id}"


def ask(client: FlaskClient, token: str, act: str, **parameters: object) -> TestResponse:
    body = {"act": act, "parameters": parameters, "reason": "银行回单金额有误"}
    return client.post("/v1/staff/requests", json=body, headers=bearer(token))


def approve(client: FlaskClient, token: str, request_id: str) -> TestResponse:
    return client.post(f"/v1/staff/requests/{request_id}/approval", headers=bearer(token))


@pytest.fixture
def people(client: FlaskClient, rooms: Rooms) -> tuple[office.Member, office.Member]:
    """Return who proposes and who approves, both with a fresh second factor."""
    return (
        office.step_up(client, rooms, office.join(client, rooms, "finance")),
        office.step_up(client, rooms, office.join(client, rooms, "finance-approver")),
    )


def test_a_payout_is_reversed_by_two(
    client: FlaskClient, rooms: Rooms, people: tuple[office.Member, office.Member]
) -> None:
    clerk, approver = people
    transaction_id, reference = payout(rooms)
    asked = ask(client, clerk.token, "ledger.reverse", transaction_id=str(transaction_id))
    assert asked.status_code == 201, asked.text
    grounds = f"staff-request:{asked.json['id']}"
    assert lines(rooms, "correction.reversal", grounds) == []
    done = approve(client, approver.token, asked.json["id"])
    assert done.status_code == 200, done.text
    assert lines(rooms, "correction.reversal", grounds) == [
        ("bank", -5000),
        ("clearing:stripe", 5000),
    ]
    assert lines(rooms, "gateway.payout", reference) == [
        ("bank", 5000),
        ("clearing:stripe", -5000),
    ]
    kept = rows(
        rooms,
        "select t.reversal_of, c.proposed_by::text, c.approved_by::text from ledger_corrections c "
        "join ledger_transactions t on t.id = c.transaction_id where c.grounds = :grounds",
        grounds=grounds,
    )
    assert kept == [(transaction_id, clerk.id, approver.id)]
    again = ask(client, clerk.token, "ledger.reverse", transaction_id=str(transaction_id))
    assert (again.status_code, again.json["code"]) == (409, "already-reversed")


def test_whoever_proposes_cannot_approve(
    client: FlaskClient, rooms: Rooms, people: tuple[office.Member, office.Member]
) -> None:
    clerk, _ = people
    office.give(rooms, clerk.id, "finance-approver")
    transaction_id, _ = payout(rooms)
    asked = ask(client, clerk.token, "ledger.reverse", transaction_id=str(transaction_id))
    refused = approve(client, clerk.token, asked.json["id"])
    assert (refused.status_code, refused.json["code"]) == (403, "own-request")
    assert lines(rooms, "correction.reversal", f"staff-request:{asked.json['id']}") == []


def test_an_amount_is_moved_by_two(
    client: FlaskClient, rooms: Rooms, people: tuple[office.Member, office.Member]
) -> None:
    clerk, approver = people
    who = new_payee()
    booked = capture(rooms, portion(who, 900))
    wanted = {
        "debit": f"payee:{who}",
        "credit": "clearing:stripe",
        "amount": 30,
        "subject_id": str(booked.subject_id),
    }
    asked = ask(client, clerk.token, "ledger.adjust", **wanted)
    assert asked.status_code == 201, asked.text
    assert approve(client, approver.token, asked.json["id"]).status_code == 200
    assert lines(rooms, "correction.adjustment", f"staff-request:{asked.json['id']}") == [
        (f"payee:{who}", 30),
        ("clearing:stripe", -30),
    ]
    unknown = ask(client, clerk.token, "ledger.adjust", **{**wanted, "debit": "payee:nobody"})
    assert (unknown.status_code, unknown.json["code"]) == (422, "account-unknown")


def test_what_other_records_rest_on_is_not_reversed(
    client: FlaskClient, rooms: Rooms, people: tuple[office.Member, office.Member]
) -> None:
    clerk, _ = people
    booked = capture(rooms, portion(new_payee(), 900))
    ((captured,),) = rows(
        rooms,
        "select id::text from ledger_transactions where external_ref = :reference",
        reference=booked.external_ref,
    )
    refused = ask(client, clerk.token, "ledger.reverse", transaction_id=captured)
    assert (refused.status_code, refused.json["code"]) == (409, "not-reversible")
    unknown = ask(client, clerk.token, "ledger.reverse", transaction_id=str(uuid4()))
    assert (unknown.status_code, unknown.json["code"]) == (404, "transaction-not-found")


def test_who_may_not_correct_is_refused(client: FlaskClient, rooms: Rooms) -> None:
    transaction_id, _ = payout(rooms)
    auditor = staff_token(rooms, "auditor")
    refused = ask(client, auditor, "ledger.reverse", transaction_id=str(transaction_id))
    assert refused.status_code in {401, 403}


def test_parallel_reversals_of_one_booking_leave_one(rooms: Rooms) -> None:
    transaction_id, _ = payout(rooms)

    def reverse() -> bool:
        people = TwoPeople(uuid4(), uuid4(), f"test:{uuid4()}")
        try:
            within(rooms, lambda u: service.reverse_transaction(u, transaction_id, people))
        except AlreadyReversed:
            return False
        return True

    assert sum(at_once([reverse] * 4)) == 1


def test_the_same_grounds_correct_once_and_by_two(rooms: Rooms) -> None:
    people = TwoPeople(uuid4(), uuid4(), f"test:{uuid4()}")

    def move() -> UUID:
        return within(
            rooms,
            lambda uow: service.adjust(uow, ADJUSTMENTS, GATEWAY_FEES, 7, uuid4(), people),
        )

    assert move() == move()
    alone = TwoPeople(people.proposed_by, people.proposed_by, f"test:{uuid4()}")
    with pytest.raises(SamePerson):
        within(rooms, lambda uow: service.adjust(uow, ADJUSTMENTS, GATEWAY_FEES, 7, uuid4(), alone))
    assert lines(rooms, "correction.adjustment", alone.grounds) == []


LONE = """
    with made as (
        insert into ledger_transactions
            (id, kind, external_ref, subject_id, lines, occurred_at, recorded_at)
        values (gen_random_uuid(), 'correction.adjustment', gen_random_uuid()::text,
            gen_random_uuid(), 2, now(), now())
        returning id
    ), written as (
        insert into ledger_entries
        select made.id, n.n, a.id, case n.n when 1 then 5 else -5 end, a.currency
        from made cross join generate_series(1, 2) as n(n)
        cross join (select id, currency from ledger_accounts limit 1) a
        returning 1
    )
"""


def test_postgresql_refuses_a_correction_of_nobody_and_of_one(rooms: Rooms) -> None:
    payout(rooms)
    with pytest.raises(IntegrityError, match="has no two people"):
        rows(rooms, f"{LONE} select count(*) from written")  # noqa: S608 - the constant above
    with pytest.raises(IntegrityError, match="four_eyes"):
        rows(
            rooms,
            f"{LONE} insert into ledger_corrections "  # noqa: S608
            "select id, a.one, a.one, 'test:' || id, now() from made "
            "cross join (select gen_random_uuid() as one) a returning 1",
        )


@pytest.mark.promise("P11")
def test_no_row_of_the_ledger_can_be_changed_or_removed(
    app: Server, client: FlaskClient, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    booked = capture(rooms, portion(new_payee(), 100))
    before = rows(rooms, "select count(*), sum(amount) from ledger_entries")
    tries = 0
    for table in TABLES:
        ((column,),) = rows(
            rooms,
            "select column_name from information_schema.columns "
            "where table_name = :t order by ordinal_position limit 1",
            t=table,
        )
        for statement in (
            f"update {table} set {column} = {column}",  # noqa: S608 - our own tables
            f"delete from {table}",  # noqa: S608
            f"truncate {table} cascade",
            f"alter table {table} disable trigger all",
            f"drop trigger {table}_is_append_only on {table}",
            f"alter table {table} owner to current_user",
            f"drop table {table} cascade",
        ):
            tries += 1
            with pytest.raises(DBAPIError):
                rows(rooms, statement)
    with pytest.raises(DBAPIError):
        rows(rooms, "set session_replication_role = replica")
    writing = [o for o in operations_of(app) if o.template.startswith("/v1/ledger")]
    assert {operation.method for operation in writing} == {"GET"}
    token = bearer(staff_token(rooms, "finance"))
    for operation in writing:
        for method in ("post", "put", "patch", "delete"):
            tries += 1
            assert getattr(client, method)(operation.template, headers=token).status_code == 405
    assert rows(rooms, "select count(*), sum(amount) from ledger_entries") == before
    assert lines(rooms, "payment.captured", booked.external_ref) != []
    shows(f"{tries} tries to change or remove what is booked, by SQL and HTTP: 0 successes")
