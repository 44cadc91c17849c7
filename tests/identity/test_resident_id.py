"""Resident identity numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity.errors import ResidentIdInvalid
from app.identity.service.resident_id import canonical_resident_id

# Worked out by hand from GB 11643: the first is the standard's own example.
GOOD = ["11010519491231002X", "440524188001010014"]


@pytest.mark.parametrize("number", GOOD)
def test_good_numbers(number: str) -> None:
    assert canonical_resident_id(number) == number
    assert canonical_resident_id(f" {number.lower()} ") == number


@pytest.mark.parametrize(
    "number",
    [
        "",
        "11010519491231002",
        "11010519491231002XX",
        "110105194912310020",
        "110105194902300023",
        "010105194912310024",
        "1101051949123100２X",
        "110105491231002",
        "A1010519491231002X",
    ],
)
def test_bad_numbers(number: str) -> None:
    with pytest.raises(ResidentIdInvalid):
        canonical_resident_id(number)


def with_check(body: str) -> str:
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def test_a_birthday_that_has_not_come_is_refused() -> None:
    assert canonical_resident_id(with_check("42030220200229001"))
    for day in ("20210229", "20201301", "20200001", "29990101", "18491231"):
        with pytest.raises(ResidentIdInvalid):
            canonical_resident_id(with_check(f"420302{day}001"))


@given(st.integers(min_value=0, max_value=999), st.integers(min_value=0, max_value=16))
def test_one_wrong_digit_is_always_found(sequence: int, place: int) -> None:
    number = with_check(f"42030219850312{sequence:03d}")
    assert canonical_resident_id(number) == number
    for digit in "0123456789":
        if digit != number[place]:
            wrong = number[:place] + digit + number[place + 1 :]
            with pytest.raises(ResidentIdInvalid):
                canonical_resident_id(wrong)
