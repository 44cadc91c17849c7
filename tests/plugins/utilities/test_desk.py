"""The desk: a client works for the biller that staff gave it, and for nobody else at all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.http.server import Server
from app.sdk import Citizen, House, new_id, now
from plugins.utilities import service
from plugins.utilities.errors import AlreadyPaid
from plugins.utilities.models import Bill, BillChange, Posting, UploadedFile
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.values import BillStatus, PostingState
from tests.factories import bearer, staff_token
from tests.oauth.support import plain
from tests.plugins.utilities.conftest import Subscriber, link, notice_of, statements
from tests.plugins.utilities.desk import SCOPES, Desk, admit, bill_file, open_desk

WATER, GAS = "shiyan-water", "shiyan-gas"


@pytest.fixture
def desk(app: Server, client: FlaskClient, rooms: Rooms) -> Desk:
    return open_desk(app, client, rooms)


@pytest.fixture
def mark() -> str:
    """A beginning of numbers that no other test uses."""
    return f"D-{uuid4().hex[:10]}"


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json"
    return answer.status_code, answer.json["code"]


def upload(desk: Desk, mark: str, *bills: tuple[str, int], encoding: str = "utf-8") -> Any:  # noqa: ANN401
    lines = [("1002003001", number, fen) for number, fen in bills or [(f"{mark}-1", 4250)]]
    answer = desk.send("bill-files", bill_file(mark, lines).encode(encoding))
    assert answer.status_code == 201, answer.text
    return answer.json


def stored(house: House, number: str, biller: str = WATER) -> Bill | None:
    with house.unit_of_work() as uow:
        return uow.scalar(
            select(Bill).where(Bill.biller == biller, Bill.biller_reference == number)
        )


def count(house: House, table: type[UploadedFile | BillChange], biller_reference: str) -> int:
    column = table.__table__.c["number" if table is UploadedFile else "biller_reference"]
    with house.unit_of_work() as uow:
        wanted = select(func.count()).select_from(table).where(column == biller_reference)
        return uow.scalar(wanted) or 0


def trail(rooms: Rooms, event: str, client_id: object) -> list[str]:
    """Return the details that the trail holds of a client's events of one kind."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        found = uow.scalars(
            text(
                "select details::text from audit_entries where event = :event"
                " and (actor = :actor or details::text like :like)"
            ),
            {"event": event, "actor": f"integrator:{client_id}", "like": f"%{client_id}%"},
        )
        return list(found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_file_is_stored_once_however_often_it_comes(
    desk: Desk, house: House, mark: str, encoding: str
) -> None:
    raw = bill_file(mark, [("1002003001", f"{mark}-1", 4250)]).encode(encoding)
    first = desk.send("bill-files", raw)
    assert first.status_code == 201
    seen = {k: first.json[k] for k in ("biller", "number", "day", "lines", "total", "created")}
    assert seen == {
        "biller": WATER,
        "number": mark,
        "day": "2026-11-29",
        "lines": 1,
        "total": 4250,
        "created": 1,
    }
    again = desk.send("bill-files", raw)
    assert (again.status_code, again.json) == (200, first.json)
    bill = stored(house, f"{mark}-1")
    assert bill is not None
    assert (bill.amount, bill.status) == (4250, BillStatus.OPEN)
    assert count(house, UploadedFile, mark) == 1


def test_another_file_under_the_same_number_is_refused(desk: Desk, house: House, mark: str) -> None:
    upload(desk, mark)
    other = bill_file(mark, [("1002003001", f"{mark}-1", 9900), ("1002003001", f"{mark}-2", 1)])
    assert refusal(desk.send("bill-files", other.encode())) == (409, "file-number-reused")
    bill = stored(house, f"{mark}-1")
    assert bill is not None
    assert bill.amount == 4250
    assert stored(house, f"{mark}-2") is None


def test_the_same_number_at_once_is_taken_once(
    app: Server, client: FlaskClient, rooms: Rooms, house: House, mark: str
) -> None:
    desks = [open_desk(app, client, rooms) for _ in range(4)]
    raws = [
        bill_file(mark, [("1002003001", f"{mark}-1", fen)]).encode() for fen in (100, 100, 200, 200)
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda one: one[0].send("bill-files", one[1]), zip(desks, raws, strict=False))
        )
    assert sorted(a.status_code for a in answers) == [200, 201, 409, 409]
    bill = stored(house, f"{mark}-1")
    (made,) = (a.json for a in answers if a.status_code == 201)
    assert bill is not None
    assert bill.amount == made["total"]


def test_a_file_with_a_fault_stores_nothing_and_names_the_cell(
    desk: Desk, house: House, mark: str
) -> None:
    text_ = bill_file(mark, [("1002003001", f"{mark}-1", 4250), ("12", f"{mark}-2", 1)])
    answer = desk.send("bill-files", text_.encode())
    assert refusal(answer) == (422, "bill-file-invalid")
    (fault,) = answer.json["errors"]
    assert (fault["line"], fault["column"]) == (4, 1)
    assert stored(house, f"{mark}-1") is None
    assert count(house, UploadedFile, mark) == 0
    assert upload(desk, mark)["created"] == 1


def test_an_amendment_changes_the_bill_and_keeps_what_stood_there(
    desk: Desk, house: House, rooms: Rooms, mark: str
) -> None:
    upload(desk, mark)
    wanted = {"bill_number": f"{mark}-1", "reason": "court_settlement", "amount": 4000}
    made = desk.post("amendments", wanted)
    assert made.status_code == 201, made.text
    assert (made.json["amount_before"], made.json["amount"]) == (4250, 4000)
    assert (made.json["kind"], made.json["status"]) == ("amended", "open")
    later = desk.post("amendments", {**wanted, "reason": "correction", "due_date": "2027-01-31"})
    assert later.json["due_date_before"] == "2026-12-07"
    assert later.json["due_date"] == "2027-01-31"
    bill = stored(house, f"{mark}-1")
    assert bill is not None
    assert (bill.amount, bill.due_date.isoformat()) == (4000, "2027-01-31")
    assert count(house, BillChange, f"{mark}-1") == 2
    assert len(trail(rooms, "utilities.bill_changed", desk.id)) == 2
    assert refusal(desk.post("amendments", wanted)) == (422, "nothing-amended")


@pytest.mark.parametrize(
    "wanted",
    [
        {"reason": "correction"},
        {"reason": "because", "amount": 1},
        {"reason": "correction", "amount": -1},
        {"reason": "correction", "amount": 10**10 + 1},
        {"reason": "correction", "amount": 1, "status": "paid"},
        {"amount": 1},
    ],
)
def test_an_amendment_that_makes_no_sense_is_refused(
    desk: Desk, house: House, mark: str, wanted: dict[str, object]
) -> None:
    upload(desk, mark)
    answer = desk.post("amendments", {"bill_number": f"{mark}-1", **wanted})
    assert refusal(answer) == (422, "invalid-input")
    bill = stored(house, f"{mark}-1")
    assert bill is not None
    assert bill.amount == 4250


def test_a_withdrawn_bill_is_owed_no_more(desk: Desk, house: House, mark: str) -> None:
    upload(desk, mark)
    wanted = {"bill_number": f"{mark}-1", "reason": "duplicate"}
    made = desk.post("withdrawals", wanted)
    assert (made.status_code, made.json["status"]) == (201, "withdrawn")
    bill = stored(house, f"{mark}-1")
    assert bill is not None
    assert bill.status == BillStatus.WITHDRAWN
    assert refusal(desk.post("withdrawals", wanted)) == (409, "bill-not-open")
    amended = desk.post("amendments", {**wanted, "amount": 1})
    assert refusal(amended) == (409, "bill-not-open")
    assert count(house, BillChange, f"{mark}-1") == 1


def test_a_bill_that_is_paid_or_about_to_be_is_left_alone(
    desk: Desk,
    house: House,
    provider: UtilitiesProvider,
    citizen: Citizen,
    open_account: Callable[..., Subscriber],
) -> None:
    subscriber = open_account()
    number = subscriber.add_bill()
    link(house, citizen, subscriber)
    provider.get_payable(subscriber.reference(number), citizen)
    key = str(new_id())
    with house.unit_of_work() as uow:
        uow.add(
            Posting(
                key=key,
                biller=WATER,
                biller_reference=number,
                amount=4250,
                currency="CNY",
                state=PostingState.SENT,
                sent_at=now(),
            )
        )
    wanted = {"bill_number": number, "reason": "correction"}
    assert refusal(desk.post("withdrawals", wanted)) == (409, "payment-under-way")
    with house.unit_of_work() as uow:
        uow.delete(uow.get_one(Posting, key))
    provider.fulfil(notice_of(subscriber, number))
    for what, more in (("withdrawals", {}), ("amendments", {"amount": 1})):
        assert refusal(desk.post(what, {**wanted, **more})) == (409, "already-paid")
    with pytest.raises(AlreadyPaid):
        provider.get_payable(subscriber.reference(number), citizen)
    assert count(house, BillChange, number) == 0


CALLS = (
    ("bill-files", "send"),
    ("comparisons", "send"),
    ("amendments", "post"),
    ("withdrawals", "post"),
    ("postings", "get"),
    ("posting-file", "get"),
    ("statement", "get"),
)


def call(desk: Desk, what: str, how: str, biller: str, mark: str) -> TestResponse:
    own = Desk(desk.party, biller)
    if how == "send":
        raw = bill_file(mark, [("1002003001", f"{mark}-1", 1)], biller=biller).encode()
        return own.send(what, raw, **({"day": "2026-11-29"} if what == "comparisons" else {}))
    if how == "post":
        body = {"bill_number": f"{mark}-1", "reason": "other"}
        return own.post(what, body | ({"amount": 1} if what == "amendments" else {}))
    return own.get(what, **({} if what == "postings" else {"day": "2026-11-29"}))


@pytest.mark.promise("P41")
def test_a_client_reaches_its_own_biller_and_no_other(
    app: Server,
    client: FlaskClient,
    rooms: Rooms,
    house: House,
    mark: str,
    shows: Callable[[str], None],
) -> None:
    water, gas = open_desk(app, client, rooms), open_desk(app, client, rooms, GAS)
    upload(water, mark)
    unbound = Desk(plain(app, rooms, scopes=SCOPES), WATER)
    tried = 0
    for who, biller in ((gas, WATER), (water, GAS), (unbound, WATER), (water, "no-such-biller")):
        for what, how in CALLS:
            tried += 1
            assert refusal(call(who, what, how, biller, mark)) == (404, "not-found"), what
    bill = stored(house, f"{mark}-1")
    assert bill is not None
    assert (bill.amount, bill.status) == (4250, BillStatus.OPEN)
    assert stored(house, f"{mark}-1", GAS) is None
    for who in (water, gas, unbound):
        told = trail(rooms, "utilities.desk_refused", who.id)
        assert len(told) == len(CALLS) * (2 if who is water else 1)
    assert refusal(gas.post("withdrawals", {"bill_number": f"{mark}-1", "reason": "other"})) == (
        404,
        "bill-not-found",
    )
    shows(f"{tried} calls for other billers, by 3 clients: all 404, in the trail, nothing changed")


def test_a_client_without_the_scope_and_a_citizen_are_refused(
    app: Server, client: FlaskClient, rooms: Rooms, mark: str
) -> None:
    reader = Desk(plain(app, rooms, scopes=SCOPES[1:]), WATER)
    assert admit(client, rooms, reader).status_code == 200
    answer = reader.party.post(
        "/oauth/token", {"grant_type": "client_credentials", "scope": SCOPES[1]}
    )
    headers = bearer(answer.json["access_token"])
    path = f"/v1/utilities/desk/billers/{WATER}"
    assert client.get(f"{path}/postings", headers=headers).status_code == 200
    body = {"bill_number": f"{mark}-1", "reason": "other"}
    written = client.post(f"{path}/withdrawals", json=body, headers=headers)
    assert refusal(written) == (403, "forbidden")
    assert refusal(client.get(f"{path}/postings")) == (401, "unauthenticated")
    office = bearer(staff_token(rooms, "security-admin"))
    assert refusal(client.get(f"{path}/postings", headers=office)) == (403, "forbidden")


def test_staff_admits_and_dismisses_within_the_department(
    app: Server, client: FlaskClient, rooms: Rooms, desk: Desk, mark: str
) -> None:
    upload(desk, mark)
    path = f"/v1/utilities/billers/{WATER}/clients"
    headers = bearer(staff_token(rooms, "security-admin"))
    listed = client.get(path, headers=headers).json["items"]
    assert str(desk.id) in {one["client_id"] for one in listed}
    operator = bearer(staff_token(rooms, "department-operator", "water-bureau"))
    assert client.put(f"{path}/{new_id()}", headers=operator).status_code == 403
    assert admit(client, rooms, desk, method="delete").status_code == 204
    assert admit(client, rooms, desk, method="delete").status_code == 404
    assert refusal(desk.get("postings")) == (404, "not-found")
    assert len(trail(rooms, "utilities.desk_client_admitted", desk.id)) == 2


def test_a_thousand_bills_take_as_many_statements_as_ten(
    desk: Desk, rooms: Rooms, house: House, mark: str
) -> None:
    seen = []
    for number, size in (("a", 10), ("b", 1_000)):
        lines = [(f"10020{n:05d}", f"{mark}-{number}-{n}", n) for n in range(size)]
        raw = bill_file(f"{mark}-{number}", lines).encode("gb18030")
        with statements(rooms.units.write) as run, house.unit_of_work() as uow:
            service.upload_bills(house, uow, desk.id, WATER, raw)
        seen.append(len([statement for statement in run if "plugin_utilities." in statement]))
    assert seen[0] == seen[1] > 0


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("update {s}.uploaded_files set created = 99 where number = :mark", "counts"),
        (
            (
                "insert into {s}.uploaded_files select gen_random_uuid(), biller, number, digest,"
                " day, lines, total, created, updated, unchanged, client_id, taken_at"
                " from {s}.uploaded_files where number = :mark"
            ),
            "uq_uploaded_files_biller_number",
        ),
        ("update {s}.bill_changes set reason = 'other' where biller_reference = :mark", "denied"),
        ("delete from {s}.bill_changes where biller_reference = :mark", "denied"),
        (
            (
                "insert into {s}.bill_changes select gen_random_uuid(), biller, biller_reference,"
                " kind, 'mood', amount_before, amount, due_date_before, due_date,"
                " client_id, changed_at from {s}.bill_changes limit 1"
            ),
            "ck_bill_changes_reason",
        ),
        (
            (
                "insert into {s}.bill_changes select gen_random_uuid(), biller, biller_reference,"
                " 'withdrawn', reason, 1, 2, due_date_before, due_date, client_id, changed_at"
                " from {s}.bill_changes limit 1"
            ),
            "ck_bill_changes_change",
        ),
    ],
)
def test_what_breaks_a_promise_of_the_tables_is_refused(
    desk: Desk, rooms: Rooms, mark: str, statement: str, broken: str
) -> None:
    upload(desk, mark, (mark, 4250))
    wanted = {"bill_number": mark, "reason": "correction", "amount": 4000}
    assert desk.post("amendments", wanted).status_code == 201
    with pytest.raises(DBAPIError, match=broken), rooms.units.open(actor="test") as uow:
        uow.execute(text(statement.format(s="plugin_utilities")), {"mark": mark})
