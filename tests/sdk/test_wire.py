# ruff: noqa: ANN401 - a value of the wire is anything
"""The SDK's values as JSON: what is said arrives, and what is not of the contract is refused."""

import json
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sdk.provider import Fulfilment, Payable, PaymentNotice
from app.sdk.wire import NotOfTheContract, dump, load

BILL = Payable("W-1", {"zh": "水费", "en": "Water"}, 4250, "CNY", "w", date(2026, 12, 1), "1", "s")
NOTICE = PaymentNotice("k", "W-1", 4250, "CNY", datetime(2026, 11, 22, 8, 30, tzinfo=UTC), "w")
DONE = Fulfilment("B-1", datetime(2026, 11, 22, 8, 30, 1, 500_000, tzinfo=UTC))

moments = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - the offset is drawn beside it
    datetime(2100, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.integers(-840, 840).map(lambda m: timezone(timedelta(minutes=m))),
)
titles = st.dictionaries(st.text(max_size=3), st.text(max_size=9), max_size=3)
bills = st.builds(
    Payable,
    reference=st.text(max_size=20),
    title=titles,
    amount=st.integers(-(10**12), 10**12),
    currency=st.text(max_size=3),
    payee=st.text(max_size=9),
    due_date=st.none() | st.dates(),
    version=st.text(max_size=9),
    service=st.text(max_size=9),
    contestable=st.booleans(),
)
notices = st.builds(
    PaymentNotice,
    key=st.text(max_size=40),
    reference=st.text(max_size=20),
    amount=st.integers(0, 10**12),
    currency=st.text(max_size=3),
    paid_at=moments,
    payee=st.text(max_size=9),
)
confirmations = st.builds(Fulfilment, reference=st.text(max_size=20), at=moments)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([f.name for f in fields(Payable)] + ["x"]), inner)
    ),
    max_leaves=12,
)


@given(thing=bills | notices | confirmations)
def test_what_is_said_arrives(thing: Any) -> None:
    assert load(type(thing), json.loads(json.dumps(dump(thing)))) == thing


@given(value=json_values)
def test_anything_else_is_refused_and_never_crashes(value: object) -> None:
    for kind in (Payable, PaymentNotice, Fulfilment):
        try:
            found = load(kind, value)
        except NotOfTheContract:
            continue
        assert isinstance(found, kind)


def test_members_with_a_default_may_be_missing() -> None:
    said = dump(BILL)
    del said["service"], said["contestable"]
    found = load(Payable, said)
    assert (found.service, found.contestable) == ("", False)


@pytest.mark.parametrize(
    ("kind", "thing", "changes"),
    [
        (Payable, BILL, {"extra": 1}),
        (Payable, BILL, {"amount": 42.5}),
        (Payable, BILL, {"amount": "4250"}),
        (Payable, BILL, {"amount": True}),
        (Payable, BILL, {"contestable": 0}),
        (Payable, BILL, {"title": "水费"}),
        (Payable, BILL, {"title": {"zh": None}}),
        (Payable, BILL, {"due_date": "2026-12-01T00:00:00Z"}),
        (Payable, BILL, {"due_date": "2026-02-30"}),
        (Payable, BILL, {"due_date": "20261201"}),
        (Payable, BILL, {"reference": None}),
        (PaymentNotice, NOTICE, {"paid_at": "2026-11-22T08:30:00"}),
        (PaymentNotice, NOTICE, {"paid_at": 1_795_000_000}),
        (Fulfilment, DONE, {"at": "2026-11-22"}),
        (Fulfilment, DONE, {"at": "2026-W47-7T08:30:00Z"}),
        (Fulfilment, DONE, {"at": "2026-11-22T25:30:00Z"}),
        (Fulfilment, DONE, {"reference": 7}),
    ],
    ids=lambda value: repr(value) if isinstance(value, dict) else "",
)
def test_nothing_is_bent_into_shape(kind: Any, thing: Any, changes: dict[str, object]) -> None:
    assert load(kind, dump(thing)) == thing
    with pytest.raises(NotOfTheContract):
        load(kind, {**dump(thing), **changes})


@pytest.mark.parametrize("name", ["reference", "title", "amount", "due_date", "version"])
def test_no_member_without_a_default_may_be_missing(name: str) -> None:
    said = dump(BILL)
    del said[name]
    with pytest.raises(NotOfTheContract, match=name):
        load(Payable, said)


def test_a_refusal_names_the_member_and_not_what_stood_in_it() -> None:
    with pytest.raises(NotOfTheContract) as caught:
        load(Payable, {**dump(BILL), "amount": "secret"})
    assert str(caught.value) == "amount"
