"""The desk: who may do what with a difference, and that two people end it."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.ledger import service as ledger
from tests.factories import bearer, later, staff_token
from tests.payments.helpers import new_key
from tests.reconciliation.books import Books, charge, yesterday

PATH = "/v1/reconciliation"
EXPLAINED = (
    "status = 'closed', resolution = 'explained', reason_sealed = '', closed_at = now(),"
    " explained_by = id"
)


@dataclass
class Desk:
    """Two people of finance and an auditor before one difference."""

    client: FlaskClient
    one: dict[str, str]
    other: dict[str, str]
    auditor: dict[str, str]
    difference: dict[str, Any]

    def post(self, path: str, who: dict[str, str], body: object = None) -> TestResponse:
        headers = {**who, "Idempotency-Key": new_key()}
        return self.client.post(f"{PATH}{path}", json=body, headers=headers)

    def about(self, verb: str, who: dict[str, str], body: object = None) -> TestResponse:
        return self.post(f"/differences/{self.difference['id']}/{verb}", who, body)

    def read(self) -> dict[str, Any]:
        path = f"{PATH}/differences/{self.difference['id']}"
        seen = self.client.get(path, headers=self.auditor)
        assert seen.status_code == 200, seen.text
        body: dict[str, Any] = seen.json
        return body


@pytest.fixture
def desk(client: FlaskClient, rooms: Rooms, books: Books) -> Desk:
    """Return the desk with a capture of which the gateway has another amount."""
    day = yesterday()
    (row,) = books.fill(day, 1, 1)
    books.gateway.days[day] = [charge(row, amount=row.amount + 7)]
    books.run(books.source, day)
    one, other, auditor = (
        bearer(staff_token(rooms, role)) for role in ("finance", "finance", "auditor")
    )
    asked = f"{PATH}/differences?source={books.source}"
    (found,) = client.get(asked, headers=auditor).json["items"]
    return Desk(client, one, other, auditor, found)


def test_a_difference_says_what_it_is(desk: Desk, books: Books) -> None:
    seen = desk.difference
    assert seen["kind"] == "amount_mismatch"
    assert (seen["theirs_amount"], seen["our_amount"], seen["currency"]) == (1008, 1001, "CNY")
    assert seen["payment_id"] == str(books.row(1, yesterday()).payment)
    assert (seen["status"], seen["age"], seen["department"]) == ("open", "0-1", "finance")
    assert seen["title"]["zh"] == "收款金额不一致"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("kind=amount_mismatch", 1),
        ("kind=fee_mismatch", 0),
        ("status=open", 1),
        ("status=closed", 0),
        ("age=0-1", 1),
        ("age=over-30", 0),
        ("owner=01890a5d-ac96-774b-bcce-b302099a8057", 0),
    ],
)
def test_the_list_is_filtered(desk: Desk, books: Books, query: str, count: int) -> None:
    asked = f"{PATH}/differences?source={books.source}&{query}"
    assert len(desk.client.get(asked, headers=desk.one).json["items"]) == count


def test_differences_age(desk: Desk, rooms: Rooms, books: Books) -> None:
    with later(10 * 86_400):
        auditor = bearer(staff_token(rooms, "auditor"))
        asked = f"{PATH}/differences?source={books.source}&age=8-30"
        (seen,) = desk.client.get(asked, headers=auditor).json["items"]
    assert seen["age"] == "8-30"


def test_an_explanation_is_reviewed_by_somebody_else(desk: Desk) -> None:
    reason = {"reason": "汇率尾差，银行已书面确认"}
    early = desk.about("explanation", desk.one, reason)
    assert (early.status_code, early.json["code"]) == (409, "reconciliation-not-owner")
    assert desk.about("assignment", desk.one, {}).json["status"] == "assigned"
    foreign = desk.about("explanation", desk.other, reason)
    assert foreign.json["code"] == "reconciliation-not-owner"
    explained = desk.about("explanation", desk.one, reason)
    assert (explained.status_code, explained.json["status"]) == (200, "explained")
    own = desk.about("review", desk.one, {"accept": True})
    assert (own.status_code, own.json["code"]) == (409, "reconciliation-second-person-needed")
    assert desk.read()["status"] == "explained"
    closed = desk.about("review", desk.other, {"accept": True})
    assert (closed.json["status"], closed.json["resolution"]) == ("closed", "explained")
    assert closed.json["reason"] == reason["reason"]


def test_an_explanation_that_does_not_hold_opens_it_again(desk: Desk) -> None:
    assert desk.about("review", desk.other, {"accept": True}).json["code"] == (
        "reconciliation-not-explained"
    )
    desk.about("assignment", desk.one, {})
    desk.about("explanation", desk.one, {"reason": "不清楚原因，待查"})
    assert desk.about("review", desk.other, {"accept": False}).json["status"] == "open"


def test_what_two_have_explained_stays_closed_while_nothing_changes(
    desk: Desk, books: Books
) -> None:
    desk.about("assignment", desk.one, {})
    desk.about("explanation", desk.one, {"reason": "渠道已书面确认差额"})
    desk.about("review", desk.other, {"accept": True})
    day = yesterday()
    assert books.run(books.source, day).found == 0
    assert books.differences() == []
    row = books.row(1, day)
    books.gateway.days[day] = [charge(row, amount=row.amount + 8)]
    assert books.run(books.source, day).found == 1
    assert [d.theirs_amount for d in books.differences()] == [1009]


def test_only_who_works_on_differences_gets_one(desk: Desk) -> None:
    nobody = {"owner": "01890a5d-ac96-774b-bcce-b302099a8057"}
    answer = desk.about("assignment", desk.one, nobody)
    assert (answer.status_code, answer.json["code"]) == (422, "reconciliation-owner-unknown")
    assert desk.read()["status"] == "open"


def test_an_auditor_reads_and_does_nothing(desk: Desk) -> None:
    for verb, body in (("assignment", {}), ("review", {"accept": True})):
        assert desk.about(verb, desk.auditor, body).status_code == 403
    assert desk.read()["status"] == "open"


def wish(books: Books, amount: int = 7) -> dict[str, Any]:
    return {
        "debit": f"clearing:{books.gateway.name}",
        "credit": f"payee:{books.biller}",
        "amount": amount,
        "reason": "按渠道实收补记",
    }


def balance(rooms: Rooms, code: str) -> int:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return {a.code: a.balance for a in ledger.read_trial_balance(uow).accounts}[code]


def test_a_correction_is_booked_by_a_second_person(desk: Desk, rooms: Rooms, books: Books) -> None:
    clearing = f"clearing:{books.gateway.name}"
    before = balance(rooms, clearing)
    desk.about("assignment", desk.one, {})
    unknown = desk.about("adjustments", desk.one, {**wish(books), "credit": "payee:nobody-at-all"})
    assert unknown.status_code in {404, 422}
    proposed = desk.about("adjustments", desk.one, wish(books))
    assert proposed.status_code == 201, proposed.text
    again = desk.about("adjustments", desk.one, wish(books))
    assert again.json["code"] == "reconciliation-adjustment-pending"
    path = f"/adjustments/{proposed.json['id']}"
    own = desk.post(f"{path}/approval", desk.one)
    assert (own.status_code, own.json["code"]) == (409, "reconciliation-second-person-needed")
    assert (desk.read()["status"], balance(rooms, clearing)) == ("assigned", before)
    approved = desk.post(f"{path}/approval", desk.other)
    assert approved.status_code == 200, approved.text
    assert balance(rooms, clearing) == before + 7
    seen = desk.read()
    assert (seen["status"], seen["resolution"]) == ("closed", "adjusted")
    assert seen["booking"] == approved.json["booking"]
    twice = desk.post(f"{path}/approval", desk.other)
    assert twice.status_code == 404
    assert balance(rooms, clearing) == before + 7


def test_a_rejected_correction_books_nothing(desk: Desk, rooms: Rooms, books: Books) -> None:
    clearing = f"clearing:{books.gateway.name}"
    before = balance(rooms, clearing)
    desk.about("assignment", desk.one, {})
    proposed = desk.about("adjustments", desk.one, wish(books)).json
    rejected = desk.post(f"/adjustments/{proposed['id']}/rejection", desk.other)
    assert rejected.status_code == 200, rejected.text
    assert desk.post(f"/adjustments/{proposed['id']}/approval", desk.other).status_code == 404
    assert (desk.read()["status"], balance(rooms, clearing)) == ("assigned", before)


def test_a_later_run_ends_a_difference_by_itself(desk: Desk, books: Books) -> None:
    day = yesterday()
    desk.about("assignment", desk.one, {})
    books.gateway.days[day] = [charge(books.row(1, day))]
    run = books.run(books.source, day)
    assert (run.resolved, run.found) == (1, 0)
    seen = desk.read()
    assert (seen["status"], seen["resolution"]) == ("closed", "later_run")


def test_the_export_is_no_formula(desk: Desk, books: Books) -> None:
    books.execute(
        "update differences set line_id = :evil where id = :id",
        evil='=HYPERLINK("http://x")',
        id=desk.difference["id"],
    )
    answer = desk.client.get(
        f"{PATH}/differences/export?source={books.source}", headers=desk.auditor
    )
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [(row["kind"], row["theirs_amount"]) for row in rows] == [("amount_mismatch", "1008")]
    assert rows[0]["line_id"].startswith("'=")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'assigned'", "owner_id"),
        ("status = 'explained'", "resolved"),
        ("status = 'closed', resolution = 'later_run'", "closed_at"),
        ("status = 'explained', resolution = 'explained'", "explanation"),
        ("status = 'adjusted', resolution = 'adjusted'", "booking_id"),
        (
            f"{EXPLAINED}, closed_by = id",
            "second_person",
        ),
        (
            EXPLAINED,
            "closed_by",
        ),
        ("kind = 'odd'", "kind"),
    ],
)
def test_postgresql_keeps_the_rules_of_a_difference(
    desk: Desk, books: Books, change: str, constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=f"ck_differences_{constraint}"):
        books.execute(
            f"update differences set {change} where id = :id",  # noqa: S608 - the test's own
            id=desk.difference["id"],
        )


def test_postgresql_wants_two_people_for_a_correction(desk: Desk, books: Books) -> None:
    desk.about("assignment", desk.one, {})
    proposed = desk.about("adjustments", desk.one, wish(books)).json
    with pytest.raises(IntegrityError, match="ck_difference_adjustments_second_person"):
        books.execute(
            "update difference_adjustments set approved_by = requested_by,"
            " booking_id = id where id = :id",
            id=proposed["id"],
        )


def test_a_difference_lives_once(desk: Desk, books: Books) -> None:
    with pytest.raises(IntegrityError, match="uq_differences_live"):
        books.execute(
            "insert into differences (id, status, version, source, day, kind, subject, occurrence,"
            " run_id, found_at) select gen_random_uuid(), 'open', 1, source, day, kind, subject,"
            " occurrence, run_id, found_at from differences where id = :id",
            id=desk.difference["id"],
        )


def test_findings_are_kept_for_ever(desk: Desk, rooms: Rooms) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text("delete from reconciliation_findings"))
    assert desk.read()["status"] == "open"
