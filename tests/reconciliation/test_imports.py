"""Imports: whole or not at all, once by content, and a corrected statement supersedes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.ledger import service as ledger
from app.payments.gateway import Movement, StatementLine, StatementUnavailable
from app.reconciliation import service
from app.reconciliation.events import RunRequested
from app.reconciliation.models import ChannelLine, ChannelStatement
from tests.factories import bearer, run_jobs, staff_token
from tests.live import at_once
from tests.reconciliation.books import (
    Books,
    ago,
    bank_file,
    charge,
    fee_of,
    payout,
    postings_file,
    refund,
    yesterday,
)


def statements(books: Books, source: str) -> list[tuple[str, int]]:
    wanted = (
        select(ChannelStatement.status, ChannelStatement.line_count)
        .where(ChannelStatement.source == source)
        .order_by(ChannelStatement.created_at)
    )
    with books.rooms.units.open(actor="test", read_only=True) as uow:
        return [(status, count) for status, count in uow.execute(wanted)]


def stored(books: Books, source: str) -> int:
    wanted = select(func.count()).select_from(ChannelLine).where(ChannelLine.source == source)
    with books.rooms.units.open(actor="test", read_only=True) as uow:
        return uow.scalars(wanted).one()


def balance(books: Books, code: str) -> int:
    with books.rooms.units.open(actor="test", read_only=True) as uow:
        accounts = {a.code: a.balance for a in ledger.read_trial_balance(uow).accounts}
        return accounts.get(code, 0)


def test_the_same_statement_again_changes_nothing(books: Books) -> None:
    day = yesterday()
    books.gateway.days[day] = [charge(row) for row in books.fill(day, 1, 3)]
    for _ in range(2):
        assert books.run(books.source, day).found == 0
    assert statements(books, books.source) == [("current", 3), ("discarded", 0)]
    assert stored(books, books.source) == 3


def test_a_corrected_statement_supersedes_and_books_what_changed(books: Books) -> None:
    day = yesterday()
    rows = books.fill(day, 1, 3)
    lines = [charge(row) for row in rows]
    gone = replace(lines[0], id="fee_gone", kind=Movement.FEE, amount=-40, fee=0, intent_id=None)
    books.gateway.days[day] = [*lines[:2], replace(lines[2], fee=lines[2].fee + 9), gone]
    assert books.run(books.source, day).found == 1
    clearing = f"clearing:{books.gateway.name}"
    money = sum(row.amount for row in rows)
    fees = sum(fee_of(row.amount) for row in rows)
    assert balance(books, clearing) == money - fees - 9 - 40
    books.gateway.days[day] = lines
    run = books.run(books.source, day)
    assert (run.found, run.resolved) == (0, 1)
    assert statements(books, books.source) == [("superseded", 4), ("current", 3)]
    assert balance(books, clearing) == money - fees
    books.run(books.source, day)
    assert balance(books, clearing) == money - fees


def test_a_payout_that_came_back_is_booked_back(books: Books) -> None:
    day = yesterday()
    (row,) = books.fill(day, 1, 1)
    left = payout(f"po_{books.seed}", 500, row.at)
    books.gateway.days[day] = [charge(row), left, replace(left, id="txp_back", amount=500)]
    assert books.run(books.source, day).found == 0
    assert balance(books, f"clearing:{books.gateway.name}") == row.amount - fee_of(row.amount)


class Silent:
    """A gateway that falls silent after a line."""

    def __init__(self, name: str, line: StatementLine) -> None:
        self.name = name
        self._line = line

    def list_statement(self, day: date) -> Iterator[StatementLine]:
        yield replace(self._line, occurred_at=self._line.occurred_at)
        raise StatementUnavailable(day)


def test_half_a_statement_is_none(books: Books) -> None:
    day = yesterday()
    (row,) = books.fill(day, 1, 1)
    deps, whole = books.deps, books.gateway
    silent = Silent(whole.name, charge(row))
    gateways = type(deps.gateways)([silent], {})  # type: ignore[list-item]
    books.deps = replace(deps, payments=replace(deps.payments, gateways=gateways))
    with books.rooms.units.open(actor="test") as uow:
        asked = service.request_run(uow, books.deps, books.source, day, cause="test")
    event = RunRequested(run_id=asked.id)
    with books.rooms.units.open(actor="test") as uow:
        service.perform_run(uow, books.deps, event)
    with books.rooms.units.open(actor="test", read_only=True) as uow:
        assert service.read_run(uow, asked.id).status == "waiting"
    assert [status for status, _ in statements(books, books.source)] == ["staging"]
    assert books.differences() == []
    books.deps, whole.days[day] = deps, [charge(row)]
    run = books.run(books.source, day)
    assert (run.id, run.status, run.line_count) == (asked.id, "done", 1)
    assert statements(books, books.source) == [("discarded", 0), ("current", 1)]
    assert stored(books, books.source) == 1


def test_a_run_that_is_repeated_says_the_same(books: Books) -> None:
    day = yesterday()
    (row,) = books.fill(day, 1, 1)
    books.gateway.days[day] = [charge(row, fee=0)]
    run = books.run(books.source, day)
    with books.rooms.units.open(actor="test") as uow:
        service.perform_run(uow, books.deps, RunRequested(run_id=run.id))
    assert len(books.differences()) == 1


def test_one_run_of_a_day_at_a_time(books: Books) -> None:
    day = yesterday()

    def ask() -> str:
        with books.rooms.units.open(actor="test") as uow:
            return str(service.request_run(uow, books.deps, books.source, day, cause="test").id)

    assert len(set(at_once([ask] * 8))) == 1
    with pytest.raises(IntegrityError, match="uq_reconciliation_runs_live"):
        books.execute(
            "insert into reconciliation_runs (id, status, version, source, day, reason, line_count,"
            " matched, found, in_transit, resolved, requested_at) values (gen_random_uuid(),"
            " 'requested', 1, :source, :day, 'x', 0, 0, 0, 0, 0, now())",
            source=books.source,
            day=day,
        )


def test_a_day_has_one_statement_that_counts(books: Books) -> None:
    day = yesterday()
    books.gateway.days[day] = []
    books.run(books.source, day)
    with pytest.raises(IntegrityError, match="uq_channel_statements_current"):
        books.execute(
            "insert into channel_statements (id, status, version, source, day, profile, digest,"
            " line_count, created_at) values (gen_random_uuid(), 'current', 1, :source, :day, 'x',"
            " '', 0, now())",
            source=books.source,
            day=day,
        )
    with pytest.raises(IntegrityError, match="ck_channel_statements_digest"):
        books.execute(
            "update channel_statements set digest = null where source = :s", s=books.source
        )


def test_a_line_of_another_day_closes_what_was_missing(books: Books) -> None:
    day = yesterday() - timedelta(days=1)
    (row,) = books.fill(day, 1, 1)
    books.gateway.days = {day: [], day + timedelta(days=1): [charge(row)]}
    run = books.run(books.source, day)
    assert (run.found, run.in_transit) == (1, 0)
    run = books.run(books.source, day + timedelta(days=1))
    assert (run.resolved, run.found) == (1, 0)
    assert [d.resolution for d in books.differences(closed=True)] == ["later_run"]


def test_a_capture_of_which_days_are_not_read_is_in_transit(books: Books) -> None:
    day = yesterday()
    (row,) = books.fill(day, 1, 1)
    books.execute(
        "update payment_attempts set created_at = created_at - interval '1 day' where id = :id",
        id=row.attempt,
    )
    books.gateway.days = {day: [], day - timedelta(days=1): []}
    run = books.run(books.source, day)
    assert (run.found, run.in_transit) == (0, 1)
    assert [(d.kind, d.status) for d in books.differences()] == [
        ("missing_in_gateway", "in_transit")
    ]
    run = books.run(books.source, day - timedelta(days=1))
    assert (run.found, run.in_transit) == (1, 0)
    assert [(d.kind, d.status) for d in books.differences()] == [("missing_in_gateway", "open")]


def test_a_second_refund_of_ours_is_one_that_nobody_ordered(books: Books) -> None:
    day = yesterday()
    (row,) = books.fill(day, 1, 1, refunded=[1])
    books.gateway.days[day] = [charge(row), refund(row), refund(row, id="r2", refund_id="re_x")]
    books.run(books.source, day)
    assert [(d.kind, d.subject) for d in books.differences()] == [
        ("refund_missing_in_ledger", "refund:re_x")
    ]


def upload(
    client: FlaskClient, who: dict[str, str], raw: bytes, kind: str = "text/csv", **query: str
) -> TestResponse:
    return client.post(
        "/v1/reconciliation/files", data=raw, query_string=query, headers=who, content_type=kind
    )


@pytest.fixture
def finance(rooms: Rooms) -> dict[str, str]:
    return bearer(staff_token(rooms, "finance"))


def bank(**changes: str) -> dict[str, str]:
    day = yesterday() - timedelta(days=200)
    return {"source": "bank:main", "day": str(day), "profile": "bank-csv", **changes}


def test_a_file_is_imported_once(
    client: FlaskClient, rooms: Rooms, finance: dict[str, str]
) -> None:
    query = bank()
    raw = bank_file(date.fromisoformat(query["day"]), [("BK1234567", 100, "a")])
    first = upload(client, finance, raw, **query)
    assert (first.status_code, first.json["line_count"]) == (201, 1)
    again = upload(client, finance, raw, **query)
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])
    run_jobs(rooms)
    runs = client.get(
        f"/v1/reconciliation/runs?source=bank:main&day={query['day']}", headers=finance
    ).json["items"]
    assert {run["status"] for run in runs} == {"done"}
    listed = client.get(
        f"/v1/reconciliation/files?source=bank:main&day={query['day']}", headers=finance
    ).json["items"]
    assert [(one["id"], one["status"]) for one in listed] == [(first.json["id"], "current")]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"source": "bank:nobody"}, 422, "reconciliation-source-unknown"),
        ({"source": "biller:nobody"}, 422, "reconciliation-source-unknown"),
        ({"source": "gateway:stripe"}, 422, "reconciliation-source-unknown"),
        ({"profile": "camt054"}, 422, "reconciliation-source-unknown"),
        ({"profile": "mt940"}, 422, "statement-file-invalid"),
        ({"day": "2024-01-01"}, 422, "statement-of-another-day"),
        ({"day": "2099-01-01"}, 409, "reconciliation-day-not-over"),
        ({"day": "9999-12-31"}, 422, "invalid-input"),
        ({"source": "stripe"}, 422, "invalid-input"),
    ],
)
def test_what_is_not_right_about_a_file_is_said(
    client: FlaskClient,
    finance: dict[str, str],
    books: Books,
    changes: dict[str, str],
    status: int,
    code: str,
) -> None:
    query = bank()
    raw = bank_file(date.fromisoformat(query["day"]), [("BK7654321", 100, "a")])
    before = stored(books, "bank:main")
    answer = upload(client, finance, raw, **{**query, **changes})
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert stored(books, "bank:main") == before


def test_every_wrong_line_is_named_and_nothing_imported(
    client: FlaskClient, finance: dict[str, str], books: Books
) -> None:
    query = {"source": "biller:shiyan-gas", "day": "2025-03-01", "profile": "postings-csv"}
    good = postings_file([(f"G{n}", "", 100, ago(days=1)) for n in range(4)])
    lines = good.split(b"\r\n")
    lines[2] = lines[2].replace(b",1.00,", b",1.0000,")
    lines[4] = lines[4].replace(b"G3", b"=G3")
    answer = upload(client, finance, b"\r\n".join(lines), **query)
    assert (answer.status_code, answer.json["code"]) == (422, "statement-file-invalid")
    assert [fault["line"] for fault in answer.json["errors"]] == [3, 5]
    assert answer.json["error_count"] == 2
    assert statements(books, "biller:shiyan-gas") == []
