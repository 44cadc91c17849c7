"""Money and times as the wallets write them: exactly, or not at all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import new_id
from app.core.money import MAX_AMOUNT
from app.payments.gateway.wallets import (
    city_moment,
    fee_to_fen,
    is_canonical,
    order_number,
    record_of,
    to_fen,
    to_yuan,
)


@given(st.integers(-MAX_AMOUNT * 20, MAX_AMOUNT * 20))
def test_fen_become_yuan_and_yuan_the_same_fen(amount: int) -> None:
    written = to_yuan(amount)
    assert to_fen(written) == amount
    assert fee_to_fen(written) == amount
    assert written[-3] == "."


@pytest.mark.parametrize(
    ("written", "amount"),
    [("0.01", 1), ("42.5", 4250), ("42", 4200), ("-0.60", -60), ("1.23000", 123), ("0.00", 0)],
)
def test_yuan_are_read_as_they_are_meant(written: str, amount: int) -> None:
    assert to_fen(written) == amount


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".5",
        "1.",
        "1,000.00",
        "1e3",
        "0.005",
        "1.001",
        "+1.00",
        " 1.00",
        "1.00\n",
        "٣.00",
        "NaN",
    ],
)
def test_what_is_no_whole_number_of_fen_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        to_fen(written)


@pytest.mark.parametrize(("written", "fee"), [("0.00600", 1), ("0.00400", 0), ("-0.00500", -1)])
def test_a_part_of_a_fen_is_rounded_in_fees_alone(written: str, fee: int) -> None:
    assert fee_to_fen(written) == fee
    with pytest.raises(ValueError, match="not a fee"):
        fee_to_fen(f"{written}x")


def test_a_number_stands_for_one_record_for_good() -> None:
    record_id = new_id()
    number = order_number(record_id)
    assert len(number) == 32  # as many as WeChat Pay takes
    assert record_of(number) == str(record_id)


@pytest.mark.parametrize("number", [None, 7, "", "T2026", "g" * 32, "A" * 32, "0" * 31, "0" * 33])
def test_a_number_of_somebody_else_stands_for_none_of_ours(number: object) -> None:
    assert record_of(number) is None


def test_a_time_without_a_zone_is_the_citys() -> None:
    assert city_moment("2026-11-28 08:00:00") == datetime(2026, 11, 28, tzinfo=UTC)
    with pytest.raises(ValueError, match="does not match"):
        city_moment("2026-11-28T08:00:00Z")


@pytest.mark.parametrize("signature", ["QQ=", "QR==", "QQ==\n", "QQ", " QQ==", "ＱQ==", "QQ===="])
def test_a_signature_has_one_spelling(signature: str) -> None:
    assert is_canonical("QQ==")
    assert not is_canonical(signature)
