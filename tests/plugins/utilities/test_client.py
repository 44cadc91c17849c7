"""Whatever a biller answers is understood as what it is, or as nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sdk import (
    DomainError,
    HttpClient,
    NoAnswer,
    OutcomeUnknown,
    PaymentNotice,
    Reply,
    Unavailable,
    now,
)
from plugins.utilities.client import AnswerUnclear, BillerClient
from plugins.utilities.errors import BillerUnavailable

BILL = {
    "reference": "W-1",
    "account": "1002003001",
    "amount": 4250,
    "currency": "CNY",
    "period_from": "2026-10-01",
    "period_to": "2026-10-31",
    "due_date": "2026-12-07",
    "status": "open",
    "paid_at": None,
}
POSTING = {
    "key": "k",
    "reference": "PWR-000004",
    "bill": "W-1",
    "amount": 4250,
    "currency": "CNY",
    "at": "2026-11-22T02:35:10.480Z",
}
NOTICE = PaymentNotice("key-1", "shiyan-power.W-1", 4250, "CNY", now(), "shiyan-power")
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@dataclass
class Biller:
    """Answers every request alike and remembers what it was asked."""

    status: int = 200
    body: bytes = b""
    asked: list[tuple[str, str, object]] = field(default_factory=list)

    def request(self, method: str, url: str, *, body: object | None = None, **_: object) -> Reply:
        self.asked.append((method, url, body))
        return Reply(self.status, {}, self.body)


def client(status: int, body: object) -> BillerClient:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return BillerClient(HttpClient(Biller(status, raw)), "http://biller")


def changed(**values: Any) -> Mapping[str, Any]:  # noqa: ANN401 - any JSON value
    return {**BILL, **values}


def test_a_bill_is_read() -> None:
    bill = client(200, BILL).bill("shiyan-water", "W-1")
    assert bill is not None
    assert (bill.account, bill.amount, str(bill.status)) == ("1002003001", 4250, "open")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>OK?",
        b"",
        [],
        {},
        {"error": 1},
        changed(amount="4250"),
        changed(amount=42.5),
        changed(amount=True),
        changed(amount=-1),
        changed(amount=10**10 + 1),
        changed(currency="USD"),
        changed(status="lost"),
        changed(status="paid"),
        changed(status="paid", paid_at="2026-11-22T00:00:00"),
        changed(due_date="tomorrow"),
        changed(due_date=None),
        changed(period_to="2026-09-01"),
        changed(account="a b"),
        changed(account=1002003001),
        changed(reference="W-2"),
        changed(reference="W\x001"),
    ],
)
def test_a_bill_that_makes_no_sense_is_no_bill(body: object) -> None:
    with pytest.raises(BillerUnavailable):
        client(200, body).bill("shiyan-water", "W-1")


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 404, 429, 500, 502, 503])
def test_another_status_is_no_bill(status: int) -> None:
    with pytest.raises(BillerUnavailable):
        client(status, BILL).bill("shiyan-water", "W-1")


def test_only_the_billers_own_word_says_that_there_is_none() -> None:
    assert client(404, {"code": "bill-not-found"}).bill("shiyan-water", "W-1") is None
    assert client(404, {"code": "account-not-found"}).holder_of("shiyan-water", "1") is None
    assert client(404, {"code": "account-not-found"}).bills_of("shiyan-water", "1") == []
    with pytest.raises(BillerUnavailable):
        client(404, {"code": "biller-not-found"}).bill("shiyan-water", "W-1")


def test_one_bill_of_a_list_that_makes_no_sense_makes_the_list_none() -> None:
    with pytest.raises(BillerUnavailable):
        client(200, {"items": [BILL, changed(amount=None)]}).bills_of("shiyan-water", "1")
    with pytest.raises(BillerUnavailable):
        client(200, {"items": {}}).bills_of("shiyan-water", "1")


def test_a_bill_whose_number_cannot_be_a_reference_is_left_out() -> None:
    items = [BILL, changed(reference="水/1"), changed(reference="W" * 52)]
    bills = client(200, {"items": items}).bills_of("shiyan-water", "1")
    assert [bill.number for bill in bills] == ["W-1"]


def test_numbers_are_quoted_in_addresses() -> None:
    biller = Biller(404, b'{"code": "bill-not-found"}')
    BillerClient(HttpClient(biller), "http://biller").bill("shiyan-water", "../a?b#c")
    assert biller.asked == [("GET", "http://biller/shiyan-water/bills/..%2Fa%3Fb%23c", None)]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, POSTING),
        (201, {}),
        (201, b"<html>"),
        (201, {"reference": "X"}),
        (201, {"reference": "", "at": "2026-11-22T02:35:10Z"}),
        (201, {"reference": "X", "at": "yesterday"}),
        (204, b""),
        (400, {"code": "invalid"}),
        (401, {}),
        (404, {"code": "biller-not-found"}),
        (404, b"<html>Not Found"),
        (409, {}),
        (409, {"code": "something-new"}),
        (422, {"code": "something-new"}),
        (422, b""),
        (429, {}),
        (500, {"code": "down"}),
        (502, b"Bad Gateway"),
        (503, b"<html>"),
        (503, {"code": "maintenance"}),
        (504, {}),
    ],
)
def test_an_answer_that_does_not_say_leaves_the_outcome_open(status: int, body: object) -> None:
    with pytest.raises(AnswerUnclear):
        client(status, body).post("shiyan-power", "W-1", NOTICE)


@pytest.mark.parametrize(
    ("status", "code", "ours"),
    [
        (404, "bill-not-found", "bill-not-found"),
        (409, "bill-already-paid", "already-paid"),
        (422, "amount-differs", "refused-by-biller"),
        (422, "currency-differs", "refused-by-biller"),
        (422, "key-reused", "refused-by-biller"),
        (422, "refused-by-biller", "refused-by-biller"),
        (422, "invalid", "refused-by-biller"),
        (503, "down", "biller-unavailable"),
    ],
)
def test_a_final_answer_is_known_by_status_and_code(status: int, code: str, ours: str) -> None:
    with pytest.raises(DomainError) as refused:
        client(status, {"code": code}).post("shiyan-power", "W-1", NOTICE)
    assert refused.value.code == ours


@pytest.mark.parametrize(
    ("may_have_acted", "error"), [(True, OutcomeUnknown), (False, Unavailable)]
)
def test_no_answer_is_unknown_unless_nothing_was_sent(
    error: type[Exception], *, may_have_acted: bool
) -> None:
    class Silent:
        def request(self, *_: object, **__: object) -> Reply:
            raise NoAnswer("silence", may_have_acted=may_have_acted)

    with pytest.raises(error):
        BillerClient(HttpClient(Silent()), "http://biller").post("shiyan-gas", "W-1", NOTICE)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"code": "not-offered"}),
        (404, b""),
        (200, b"<html>"),
        (200, {**POSTING, "bill": None}),
        (200, {**POSTING, "at": 5}),
        (500, {}),
    ],
)
def test_an_inquiry_that_does_not_say_tells_nothing(status: int, body: object) -> None:
    with pytest.raises(OutcomeUnknown):
        client(status, body).posting("shiyan-power", "k")


def test_an_inquiry_finds_or_surely_finds_not() -> None:
    found = client(200, POSTING).posting("shiyan-power", "k")
    assert found is not None
    assert (found.bill_number, found.amount) == ("W-1", 4250)
    assert found.booking.fulfilment.reference == "PWR-000004"
    assert client(404, {"code": "posting-not-found"}).posting("shiyan-power", "k") is None


@given(st.sampled_from([200, 201, 404, 409, 422, 500, 503]), JSON_VALUES)
def test_no_answer_breaks_the_client(status: int, body: object) -> None:
    biller = client(status, body)
    calls = (
        lambda: biller.holder_of("shiyan-water", "1"),
        lambda: biller.bills_of("shiyan-water", "1"),
        lambda: biller.bill("shiyan-water", "W-1"),
        lambda: biller.post("shiyan-water", "W-1", NOTICE),
        lambda: biller.posting("shiyan-water", "k"),
    )
    for call in calls:
        with pytest.raises((DomainError, OutcomeUnknown)):
            call()
