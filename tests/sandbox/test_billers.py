"""The four companies differ where real ones do, and misbehave when asked."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import urllib3

from tests.sandbox.conftest import Answer, Caller

ALL = ("shiyan-water", "shiyan-power", "shiyan-gas", "shiyan-heat")
KNOW_KEYS = ("shiyan-water", "shiyan-heat")
KNOW_NO_KEYS = ("shiyan-power", "shiyan-gas")
OFFER_INQUIRY = ("shiyan-power", "shiyan-heat")

NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Case:
    """One company and one fresh open bill of 42.50."""

    call: Caller
    biller: str
    account: str
    reference: str

    def notice(self, **changed: object) -> dict[str, object]:
        return {
            "key": f"key-{self.reference}",
            "reference": self.reference,
            "amount": 4250,
            "currency": "CNY",
            "paid_at": "2026-11-22T10:35:10+08:00",
        } | changed

    def post(self, **changed: object) -> Answer:
        return self.call("POST", f"/billers/{self.biller}/postings", self.notice(**changed))

    def inquire(self) -> Answer:
        return self.call("GET", f"/billers/{self.biller}/postings/by-key/key-{self.reference}")

    def postings(self) -> list[dict[str, Any]]:
        path = f"/billers/{self.biller}/postings?reference={self.reference}"
        items: list[dict[str, Any]] = self.call("GET", path).body["items"]
        return items

    def status(self) -> str:
        """What a test sees, whatever mode is set."""
        path = f"/billers/{self.biller}/bills?account={self.account}"
        (bill,) = self.call("GET", path).body["items"]
        return str(bill["status"])

    def behave(self, mode: str, **more: object) -> None:
        path = f"/billers/{self.biller}/behaviour"
        assert self.call("PUT", path, {"mode": mode, **more}).status == 200


@pytest.fixture
def biller() -> str:
    return "shiyan-water"


@pytest.fixture
def case(city: Caller, biller: str) -> Iterator[Case]:
    number = next(NUMBERS)
    made = Case(city, biller, f"77{number:06d}", f"B-{number:06d}")
    account = {"number": made.account, "holder_name": "李雷"}
    assert city("POST", f"/billers/{biller}/accounts", account).body == account
    bill = {
        "account": made.account,
        "reference": made.reference,
        "amount": 4250,
        "currency": "CNY",
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
        "due_date": "2026-12-07",
    }
    assert city("POST", f"/billers/{biller}/bills", bill).body == bill | {
        "status": "open",
        "paid_at": None,
    }
    yield made
    made.behave("ok")


@pytest.mark.parametrize("biller", ALL)
def test_a_notice_pays_the_bill(case: Case) -> None:
    booked = case.post()
    assert booked.status == 201
    assert case.postings() == [
        {
            "key": f"key-{case.reference}",
            "reference": case.reference,
            "amount": 4250,
            "currency": "CNY",
            "paid_at": "2026-11-22T02:35:10.000Z",
            "received_at": booked.body["at"],
            "effective": True,
            "duplicate": False,
            "outcome": "booked",
            "posting_reference": booked.body["reference"],
        }
    ]
    bill = case.call("GET", f"/billers/{case.biller}/bills/{case.reference}").body
    assert (bill["status"], bill["paid_at"]) == ("paid", booked.body["at"])
    path = f"/billers/{case.biller}/accounts/{case.account}/bills"
    assert case.call("GET", f"{path}?status=open").body == {"items": []}
    assert case.call("GET", path).body == {"items": [bill]}


@pytest.mark.parametrize("biller", KNOW_KEYS)
def test_who_knows_keys_books_once(case: Case) -> None:
    first, second = case.post(), case.post()
    assert (first.status, second.status, second.body) == (201, 201, first.body)
    assert [(n["effective"], n["duplicate"], n["outcome"]) for n in case.postings()] == [
        (True, False, "booked"),
        (False, False, "repeated"),
    ]
    for changed, status, code in (
        ({"amount": 4251}, 422, "key-reused"),
        ({"key": f"other-{case.reference}"}, 409, "bill-already-paid"),
    ):
        refused = case.post(**changed)
        assert (refused.status, refused.body["code"]) == (status, code)


@pytest.mark.parametrize("biller", KNOW_NO_KEYS)
def test_who_knows_no_keys_books_twice(case: Case) -> None:
    first, second = case.post(), case.post()
    assert (first.status, second.status) == (201, 201)
    assert first.body["reference"] != second.body["reference"]
    assert [(n["effective"], n["duplicate"], n["outcome"]) for n in case.postings()] == [
        (True, False, "booked"),
        (False, True, "booked"),
    ]


@pytest.mark.parametrize("biller", OFFER_INQUIRY)
def test_an_inquiry_tells_what_was_booked(case: Case) -> None:
    before = case.inquire()
    assert (before.status, before.body["code"]) == (404, "posting-not-found")
    booked = case.post().body
    case.post()
    assert case.inquire().body == {
        "key": f"key-{case.reference}",
        "reference": booked["reference"],
        "bill": case.reference,
        "amount": 4250,
        "currency": "CNY",
        "at": booked["at"],
        "effective": True,
    }


@pytest.mark.parametrize("biller", [one for one in ALL if one not in OFFER_INQUIRY])
def test_some_offer_no_inquiry(case: Case) -> None:
    case.post()
    answer = case.inquire()
    assert (answer.status, answer.body["code"]) == (404, "not-offered")


@pytest.mark.parametrize("biller", ALL)
@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"amount": 4251}, 422, "amount-differs"),
        ({"currency": "USD"}, 422, "currency-differs"),
        ({"reference": "B-nobody"}, 404, "bill-not-found"),
    ],
)
def test_a_refusal_is_final_and_has_no_effect(
    case: Case, changed: dict[str, object], status: int, code: str
) -> None:
    refused = case.post(**changed)
    assert (refused.status, refused.body["code"]) == (status, code)
    assert case.status() == "open"
    path = f"/billers/{case.biller}/postings?key=key-{case.reference}"
    (notice,) = case.call("GET", path).body["items"]
    assert (notice["outcome"], notice["effective"], notice["posting_reference"]) == (
        code,
        False,
        None,
    )
    if case.biller in OFFER_INQUIRY:
        assert case.inquire().body["code"] == "posting-not-found"


@pytest.mark.parametrize("biller", ALL)
def test_a_bill_paid_at_the_counter(case: Case) -> None:
    path = f"/billers/{case.biller}/bills/{case.reference}/counter-payments"
    assert case.call("POST", path).body["status"] == "paid"
    assert case.call("POST", path).body["code"] == "bill-already-paid"
    answer = case.post()
    (notice,) = case.postings()
    assert not notice["effective"]
    if case.biller in KNOW_KEYS:
        assert (answer.status, answer.body["code"]) == (409, "bill-already-paid")
        assert not notice["duplicate"]
    else:
        assert answer.status == 201
        assert notice["duplicate"]


@pytest.mark.parametrize("biller", ALL)
def test_a_bill_is_changed_until_it_is_paid(case: Case) -> None:
    path = f"/billers/{case.biller}/bills/{case.reference}"
    assert case.call("PUT", path, {"amount": 77}).body["amount"] == 77
    assert case.call("GET", path).body["amount"] == 77
    case.call("POST", f"{path}/counter-payments")
    assert case.call("PUT", path, {"amount": 78}).body["code"] == "bill-already-paid"


@pytest.mark.parametrize("biller", ALL)
def test_notices_at_the_same_moment_pay_once(case: Case) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: case.post(), range(8)))
    assert {answer.status for answer in answers} == {201}
    references = {answer.body["reference"] for answer in answers}
    assert len(references) == (1 if case.biller in KNOW_KEYS else 8)
    assert sum(notice["effective"] for notice in case.postings()) == 1


@pytest.mark.parametrize("biller", ALL)
def test_down_takes_nothing(case: Case) -> None:
    case.behave("down")
    refused = case.post()
    assert (refused.status, refused.body["code"]) == (503, "down")
    for path in (
        f"accounts/{case.account}",
        f"accounts/{case.account}/bills",
        f"bills/{case.reference}",
        f"postings/by-key/key-{case.reference}",
        "bill-file",
    ):
        assert case.call("GET", f"/billers/{case.biller}/{path}").status == 503
    assert (case.postings(), case.status()) == ([], "open")


@pytest.mark.parametrize("biller", ALL)
def test_a_lost_answer_has_taken_effect(case: Case) -> None:
    case.behave("answer_lost", times=1)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        case.post()
    assert ([n["effective"] for n in case.postings()], case.status()) == ([True], "paid")
    if case.biller in OFFER_INQUIRY:
        assert case.inquire().body["reference"] == case.postings()[0]["posting_reference"]
    case.post()
    assert [n["duplicate"] for n in case.postings()] == [False, case.biller in KNOW_NO_KEYS]


def test_a_slow_answer_has_taken_effect_before_it_comes(case: Case) -> None:
    case.behave("slow", seconds=4.0, times=1)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(case.post)
        while not case.postings():
            assert not late.done()
        assert case.status() == "paid"
        assert late.result(timeout=60).status == 201


@pytest.mark.parametrize("biller", ALL)
def test_refusing_for_good(case: Case) -> None:
    case.behave("refuse", times=1)
    assert case.call("GET", f"/billers/{case.biller}/bills/{case.reference}").status == 200
    refused = case.post()
    assert (refused.status, refused.body["code"]) == (422, "refused-by-biller")
    assert case.status() == "open"
    assert [n["outcome"] for n in case.postings()] == ["refused-by-biller"]


def test_garbage_means_nothing_and_does_nothing(case: Case) -> None:
    case.behave("garbage")
    for answer in (
        case.post(),
        case.call("GET", f"/billers/{case.biller}/accounts/{case.account}"),
    ):
        assert (answer.status, answer.content_type, answer.body) == (200, "text/html", None)
    assert (case.postings(), case.status()) == ([], "open")


def test_behaviour_ends_after_so_many_affected_calls(case: Case) -> None:
    case.behave("answer_lost", times=2)
    path = f"/billers/{case.biller}/behaviour"
    account = f"/billers/{case.biller}/accounts/{case.account}"
    assert case.call("GET", account).status == 200
    assert case.call("GET", path).body == {"mode": "answer_lost", "times": 2, "seconds": 30.0}
    for _ in "12":
        with pytest.raises(urllib3.exceptions.ProtocolError):
            case.post()
    assert case.call("GET", path).body["mode"] == "ok"
    assert case.post().status == 201


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("biller", ["shiyan-heat"])
def test_the_bill_file_lists_open_bills_and_their_sum(case: Case, encoding: str) -> None:
    answer = case.call("GET", f"/billers/shiyan-heat/bill-file?encoding={encoding}")
    assert answer.content_type == f"text/csv; charset={encoding}"
    header, *lines, totals = csv.reader(io.StringIO(answer.content.decode(encoding)))
    assert header == ["户号", "户名", "账单号", "账期起", "账期止", "金额(元)", "缴费截止日"]
    bills = case.call("GET", "/billers/shiyan-heat/bills?status=open").body["items"]
    assert [line[2] for line in lines] == [bill["reference"] for bill in bills]
    fen = sum(bill["amount"] for bill in bills)
    assert totals == ["合计", str(len(bills)), f"{fen // 100}.{fen % 100:02d}"]
    assert "陈𬱖" in {line[1] for line in lines}
    assert [
        case.account,
        "李雷",
        case.reference,
        "2026-10-01",
        "2026-10-31",
        "42.50",
        "2026-12-07",
    ] in lines


def test_bills_are_found_by_day_and_account(case: Case) -> None:
    path = f"/billers/{case.biller}/bills?account={case.account}"
    for query, found in (
        ("&due_from=2026-12-07&due_to=2026-12-07", 1),
        ("&due_from=2026-12-08", 0),
        ("&due_to=2026-12-06", 0),
        ("&status=paid", 0),
        ("&status=open", 1),
    ):
        assert len(case.call("GET", path + query).body["items"]) == found


def test_the_first_accounts_have_two_or_three_open_bills(city: Caller) -> None:
    companies = city("GET", "/billers").body["items"]
    assert {c["id"]: (c["honours_key"], c["offers_inquiry"]) for c in companies} == {
        one: (one in KNOW_KEYS, one in OFFER_INQUIRY) for one in ALL
    }
    for company in companies:
        first = [a for a in company["accounts"] if not a["number"].startswith("77")]
        assert len(first) in {2, 3, 4}
        for account in first:
            path = f"/billers/{company['id']}/accounts/{account['number']}"
            assert city("GET", path).body == account
            assert len(city("GET", f"{path}/bills?status=open").body["items"]) in {2, 3}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/billers/shiyan-tea/accounts/1", 404, "biller-not-found"),
        ("GET", "/billers/shiyan-water/accounts/9999", 404, "account-not-found"),
        ("GET", "/billers/shiyan-water/accounts/9999/bills", 404, "account-not-found"),
        ("GET", "/billers/shiyan-water/bills/nothing", 404, "bill-not-found"),
        ("POST", "/billers/shiyan-water/bills/nothing/counter-payments", 404, "bill-not-found"),
        ("GET", "/billers/shiyan-water/bills?status=late", 422, "invalid"),
        ("GET", "/billers/shiyan-water/bill-file?encoding=big5", 422, "invalid"),
    ],
)
def test_what_is_not_there_is_said_so(
    city: Caller, method: str, path: str, status: int, code: str
) -> None:
    answer = city(method, path)
    assert (answer.status, answer.body["code"]) == (status, code)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": "4250"},
        {"amount": 42.5},
        {"amount": True},
        {"amount": -1},
        {"amount": 10**10 + 1},
        {"currency": "yuan"},
        {"paid_at": "2026-11-22"},
        {"paid_at": "2026-11-22T10:35:10"},
        {"key": ""},
        {"payee": "water"},
        {"reference": None},
    ],
)
def test_a_notice_that_is_not_as_agreed_is_not_kept(case: Case, changed: dict[str, object]) -> None:
    refused = case.post(**changed)
    assert (refused.status, refused.body["code"]) == (422, "invalid")
    assert case.postings() == []


def test_accounts_and_bills_are_made_once(case: Case) -> None:
    account = {"number": case.account, "holder_name": "李雷"}
    bill = {
        "account": case.account,
        "reference": case.reference,
        "amount": 1,
        "currency": "CNY",
        "period_from": "2026-10-01",
        "period_to": "2026-10-31",
        "due_date": "2026-12-07",
    }
    for path, body, status, code in (
        ("accounts", account, 409, "account-exists"),
        ("bills", bill, 409, "bill-exists"),
        ("bills", bill | {"account": "99999999"}, 404, "account-not-found"),
        ("bills", bill | {"period_to": "2026-09-30"}, 422, "invalid"),
        ("bills", bill | {"currency": "USD"}, 422, "invalid"),
    ):
        refused = case.call("POST", f"/billers/{case.biller}/{path}", body)
        assert (refused.status, refused.body["code"]) == (status, code)


def an_order(case: Case, **changed: object) -> dict[str, object]:
    laid = {"account": case.account, "parts": [{"reference": case.reference, "amount": 1250}]}
    return case.notice(
        **{"reference": f"O-{case.reference}", "amount": 1250, "laid": laid} | changed
    )


@pytest.mark.parametrize("biller", ALL)
def test_a_part_of_a_bill_is_paid_and_the_rest_stays_open(case: Case) -> None:
    path = f"/billers/{case.biller}/postings"
    booked = case.call("POST", path, an_order(case))
    assert (booked.status, booked.body["effective"]) == (201, True)
    (bill,) = booked.body["bills"]
    assert (bill["status"], bill["paid_amount"]) == ("open", 1250)
    assert case.post(key=f"whole-{case.reference}").body.get("code") == "amount-differs"
    assert case.post(key=f"rest-{case.reference}", amount=3000).status == 201
    assert case.status() == "paid"


@pytest.mark.parametrize("biller", ALL)
def test_an_order_for_a_paid_bill_is_refused_or_has_no_effect(case: Case) -> None:
    assert case.post().status == 201
    answer = case.call(
        "POST", f"/billers/{case.biller}/postings", an_order(case, key=f"second-{case.reference}")
    )
    if case.biller in KNOW_KEYS:
        assert (answer.status, answer.body["code"]) == (409, "bill-already-paid")
    else:
        assert (answer.status, answer.body["effective"]) == (201, False)


def test_an_order_whose_parts_are_not_the_whole_is_refused(case: Case) -> None:
    answer = case.call("POST", f"/billers/{case.biller}/postings", an_order(case, amount=1251))
    assert (answer.status, answer.body["code"]) == (422, "invalid")
    assert case.postings() == []
