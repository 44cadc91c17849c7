"""Over HTTP: one's own accounts and bills, nobody else's; bill files for those who operate."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import Rooms
from plugins.utilities.service.bill_file import HEADER
from tests.conftest import World
from tests.factories import Citizen, bearer, later, log_in, staff_token
from tests.plugins.utilities.conftest import City, Subscriber

NOBODYS = "01a20300-d29a-7d7e-b940-86f637303309"
FILES = "/v1/utilities/billers/shiyan-water/bill-files"


@pytest.fixture
def me(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


@pytest.fixture
def other(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


@pytest.fixture
def operator(rooms: Rooms) -> dict[str, str]:
    return bearer(staff_token(rooms, "department-operator", "water-bureau"))


def post_account(
    client: FlaskClient, who: Citizen, subscriber: Subscriber, **changed: object
) -> TestResponse:
    body = {
        "biller": subscriber.biller,
        "number": subscriber.number,
        "holder_name": subscriber.holder_name,
    }
    return client.post("/v1/utilities/accounts", json=body | changed, headers=who.auth)


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json"
    return answer.status_code, answer.json["code"]


def post_file(
    client: FlaskClient, raw: bytes, headers: dict[str, str], content_type: str = "text/csv"
) -> TestResponse:
    return client.post(FILES, data=raw, headers=headers, content_type=content_type)


def a_file(number: str, bill: str, yuan: str = "42.50") -> bytes:
    line = f"{number},张伟,{bill},2026-10-01,2026-10-31,{yuan},2026-12-07"
    return f"{','.join(HEADER)}\n{line}\n合计,1,{yuan}\n".encode()


def test_link_see_and_unlink(client: FlaskClient, me: Citizen, subscriber: Subscriber) -> None:
    number = subscriber.add_bill()
    made = post_account(client, me, subscriber)
    assert made.status_code == 201
    account = made.json
    assert account["biller"] == "shiyan-water"
    assert account["status"] == "verified"
    assert subscriber.number not in made.text
    assert made.headers["Location"] == f"/v1/utilities/accounts/{account['id']}"
    assert post_account(client, me, subscriber).json["id"] == account["id"]
    shown = client.get(made.headers["Location"], headers=me.auth)
    assert shown.json == account
    listed = client.get("/v1/utilities/accounts?limit=5", headers=me.auth)
    assert listed.json == {"items": [account], "next_cursor": None}
    bills = client.get("/v1/utilities/bills?status=open&limit=20", headers=me.auth)
    assert bills.status_code == 200
    assert bills.json["next_cursor"] is None
    (bill,) = bills.json["items"]
    assert bill == {
        "id": bill["id"],
        "service": "water-bill",
        "reference": f"shiyan-water.{number}",
        "biller": "shiyan-water",
        "account_number_masked": account["number_masked"],
        "amount": 4250,
        "currency": "CNY",
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
        "due_date": "2026-12-07",
        "status": "open",
        "paid_at": None,
        "biller_reference": number,
        "posting_reference": None,
        "refreshed_at": bill["refreshed_at"],
        "standing": bill["standing"],
        "paid_amount": 0,
        "late_fee": 0,
        "owed": 4250,
        "expires_on": None,
        "edition": 1,
        "amended_for": None,
        "reversed_at": None,
        "lines": [],
        "reading": None,
        "steps": [],
    }
    assert client.get(f"/v1/utilities/bills/{bill['id']}", headers=me.auth).json == bill
    gone = client.delete(made.headers["Location"], headers=me.auth)
    assert (gone.status_code, gone.data) == (204, b"")
    again = client.delete(made.headers["Location"], headers=me.auth)
    assert refusal(again) == (404, "not-found")
    assert client.get("/v1/utilities/bills", headers=me.auth).json["items"] == []


def test_somebody_elses_records_look_like_none(
    client: FlaskClient, me: Citizen, other: Citizen, subscriber: Subscriber
) -> None:
    subscriber.add_bill()
    place = post_account(client, me, subscriber).headers["Location"]
    (bill,) = client.get("/v1/utilities/bills", headers=me.auth).json["items"]
    for theirs, nobodys in (
        (place, f"/v1/utilities/accounts/{NOBODYS}"),
        (f"/v1/utilities/bills/{bill['id']}", f"/v1/utilities/bills/{uuid4()}"),
    ):
        strangers = client.get(theirs, headers=other.auth)
        missing = client.get(nobodys, headers=other.auth)
        same = ("code", "title", "title_zh", "status", "type")
        assert [strangers.json[n] for n in same] == [missing.json[n] for n in same]
        assert strangers.status_code == missing.status_code == 404
    assert client.delete(place, headers=other.auth).status_code == 404
    assert client.get(place, headers=me.auth).status_code == 200


def test_a_mismatch_and_an_unknown_number_are_one_refusal(
    client: FlaskClient, me: Citizen, subscriber: Subscriber
) -> None:
    name = post_account(client, me, subscriber, holder_name="王芳")
    number = post_account(client, me, subscriber, number=f"no-{uuid4().hex[:8]}")
    assert refusal(name) == refusal(number) == (422, "account-mismatch")
    unique = ("request_id",)
    assert {k: v for k, v in name.json.items() if k not in unique} == {
        k: v for k, v in number.json.items() if k not in unique
    }
    assert client.get("/v1/utilities/accounts", headers=me.auth).json["items"] == []


def test_a_biller_that_is_down_is_503(
    client: FlaskClient, me: Citizen, subscriber: Subscriber
) -> None:
    subscriber.behave("down")
    answer = post_account(client, me, subscriber)
    assert refusal(answer) == (503, "biller-unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_attempts_are_limited_also_when_they_are_refused(
    client: FlaskClient, me: Citizen, subscriber: Subscriber
) -> None:
    for _ in range(10):
        wrong = post_account(client, me, subscriber, holder_name="王芳")
        assert refusal(wrong) == (422, "account-mismatch")
    refused = post_account(client, me, subscriber)
    assert refusal(refused) == (429, "too-many-link-attempts")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600


@pytest.mark.parametrize(
    "change",
    [
        {"biller": "shiyan-phone"},
        {"biller": 5},
        {"number": "12"},
        {"number": "a b c d"},
        {"number": "1" * 33},
        {"number": 1002003001},
        {"holder_name": ""},
        {"holder_name": "张" * 61},
        {"holder_name": "张\u202e伟"},
        {"extra": 1},
    ],
)
def test_input_that_is_not_understood_is_refused_and_counts_for_nothing(
    client: FlaskClient, me: Citizen, subscriber: Subscriber, change: dict[str, Any]
) -> None:
    assert refusal(post_account(client, me, subscriber, **change)) == (422, "invalid-input")


@pytest.mark.parametrize(
    "query", ["status=lost", "biller=nobody", "limit=0", "limit=101", "cursor=eA", "due=1"]
)
def test_a_query_that_is_not_understood_is_refused(
    client: FlaskClient, me: Citizen, query: str
) -> None:
    answer = client.get(f"/v1/utilities/bills?{query}", headers=me.auth)
    assert answer.status_code in {400, 422}
    assert answer.mimetype == "application/problem+json"


def test_bills_come_in_pages(client: FlaskClient, me: Citizen, subscriber: Subscriber) -> None:
    for day in ("09", "07", "08"):
        subscriber.add_bill(due_date=f"2026-12-{day}")
    post_account(client, me, subscriber)
    first = client.get("/v1/utilities/bills?limit=2", headers=me.auth).json
    rest = client.get(
        f"/v1/utilities/bills?limit=2&cursor={first['next_cursor']}", headers=me.auth
    ).json
    days = [bill["due_date"][-2:] for bill in [*first["items"], *rest["items"]]]
    assert days == ["07", "08", "09"]
    assert rest["next_cursor"] is None


def test_stored_bills_are_shown_when_the_biller_is_down(
    client: FlaskClient, me: Citizen, subscriber: Subscriber
) -> None:
    subscriber.add_bill()
    post_account(client, me, subscriber)
    before = client.get("/v1/utilities/bills", headers=me.auth).json
    subscriber.behave("down")
    with later(30):
        after = client.get("/v1/utilities/bills", headers=me.auth)
    assert after.status_code == 200
    assert after.json == before


def test_the_billers_are_listed(client: FlaskClient, me: Citizen) -> None:
    answer = client.get("/v1/utilities/billers", headers=me.auth)
    assert answer.json["next_cursor"] is None
    assert [(b["id"], b["service"], b["title"]["zh"]) for b in answer.json["items"]] == [
        ("shiyan-water", "water-bill", "十堰市自来水公司"),
        ("shiyan-power", "power-bill", "十堰市供电公司"),
        ("shiyan-gas", "gas-bill", "十堰市燃气公司"),
        ("shiyan-heat", "heat-bill", "十堰市热力公司"),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/utilities/accounts"),
        ("POST", "/v1/utilities/accounts"),
        ("GET", f"/v1/utilities/accounts/{NOBODYS}"),
        ("DELETE", f"/v1/utilities/accounts/{NOBODYS}"),
        ("GET", "/v1/utilities/bills"),
        ("GET", f"/v1/utilities/bills/{NOBODYS}"),
        ("GET", "/v1/utilities/billers"),
        ("POST", FILES),
    ],
)
def test_every_door_is_closed(
    client: FlaskClient, me: Citizen, operator: dict[str, str], method: str, path: str
) -> None:
    nobody = client.open(path, method=method)
    assert refusal(nobody) == (401, "unauthenticated")
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    wrong = me.auth if path == FILES else operator
    assert refusal(client.open(path, method=method, headers=wrong)) == (403, "forbidden")


@pytest.mark.parametrize("role", ["finance", "auditor", "system-admin"])
def test_other_staff_import_nothing(client: FlaskClient, rooms: Rooms, role: str) -> None:
    answer = post_file(client, b"", bearer(staff_token(rooms, role)))
    assert refusal(answer) == (403, "forbidden")


def test_a_bill_file_is_imported_once_and_its_bills_appear(
    client: FlaskClient, me: Citizen, operator: dict[str, str], subscriber: Subscriber
) -> None:
    bill = f"R-{uuid4().hex[:10]}"
    raw = a_file(subscriber.number, bill)
    first = post_file(client, raw, operator)
    assert first.status_code == 201
    assert first.json == {
        "id": first.json["id"],
        "biller": "shiyan-water",
        "lines": 1,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "imported_at": first.json["imported_at"],
    }
    again = post_file(client, raw, operator, content_type="text/csv; charset=utf-8")
    assert (again.status_code, again.json) == (200, first.json)
    post_account(client, me, subscriber)
    listed = client.get("/v1/utilities/bills", headers=me.auth).json["items"]
    assert [b["biller_reference"] for b in listed] == [bill]


def test_a_bad_file_is_refused_by_line_and_leaves_nothing(
    client: FlaskClient, me: Citizen, operator: dict[str, str], subscriber: Subscriber
) -> None:
    good = a_file(subscriber.number, f"R-{uuid4().hex[:10]}").decode()
    bad = good.replace("合计,1", f"{subscriber.number},张伟,bad/number,x,y,z,w\n合计,2")
    answer = post_file(client, bad.encode(), operator)
    assert refusal(answer) == (422, "bill-file-invalid")
    assert [fault["line"] for fault in answer.json["errors"]] == [3]
    assert answer.json["error_count"] == 1
    post_account(client, me, subscriber)
    assert client.get("/v1/utilities/bills", headers=me.auth).json["items"] == []


def test_other_media_types_other_billers_and_large_files_are_refused(
    client: FlaskClient, rooms: Rooms, operator: dict[str, str]
) -> None:
    raw = a_file("1002003001", "R-1")
    assert post_file(client, raw, operator, content_type="text/plain").status_code == 415
    assert post_file(client, raw, operator | {"Content-Encoding": "gzip"}).status_code == 415
    assert post_file(client, b"x" * (10 * 1024 * 1024 + 1), operator).status_code == 413
    nobodys = "/v1/utilities/billers/shiyan-phone/bill-files"
    answer = client.post(nobodys, data=raw, headers=operator, content_type="text/csv")
    assert refusal(answer) == (404, "not-found")
    power = bearer(staff_token(rooms, "department-operator", "power-company"))
    assert refusal(post_file(client, raw, power)) == (403, "other-departments-biller")


def test_the_files_of_the_sandbox_are_imported(
    client: FlaskClient,
    rooms: Rooms,
    city: City,
    open_account: Callable[..., Subscriber],
) -> None:
    for biller, department in (("shiyan-gas", "gas-company"), ("shiyan-heat", "heat-company")):
        open_account(biller).add_bill()
        raw = city("GET", f"/billers/{biller}/bill-file?encoding=gb18030").content
        answer = client.post(
            f"/v1/utilities/billers/{biller}/bill-files",
            data=raw,
            headers=bearer(staff_token(rooms, "department-operator", department)),
            content_type="text/csv",
        )
        assert answer.status_code == 201
        assert answer.json["lines"] > 0
