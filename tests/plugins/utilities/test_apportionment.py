"""How an amount is laid on what is owed: worked vectors, and what holds for every amount."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.utilities.service.apportionment import Owed, Part, apportion

AUGUST, SEPTEMBER = date(2026, 8, 1), date(2026, 9, 1)
OLD_WATER = Owed("B-8", AUGUST, 1, "water", 3000)
OLD_SEWAGE = Owed("B-8", AUGUST, 2, "sewage", 900)
OLD_REBATE = Owed("B-8", AUGUST, 3, "rebate", -400)
WATER = Owed("B-9", SEPTEMBER, 1, "water", 2000)
ALL = (WATER, OLD_SEWAGE, OLD_REBATE, OLD_WATER)
REBATE = Part("B-8", "rebate", -400)


@pytest.mark.parametrize(
    ("amount", "parts", "advance"),
    [
        (0, (REBATE, Part("B-8", "water", 400)), 0),
        (1000, (REBATE, Part("B-8", "water", 1400)), 0),
        (3000, (REBATE, Part("B-8", "water", 3000), Part("B-8", "sewage", 400)), 0),
        (
            3501,
            (
                REBATE,
                Part("B-8", "water", 3000),
                Part("B-8", "sewage", 900),
                Part("B-9", "water", 1),
            ),
            0,
        ),
        (
            6000,
            (
                REBATE,
                Part("B-8", "water", 3000),
                Part("B-8", "sewage", 900),
                Part("B-9", "water", 2000),
            ),
            500,
        ),
    ],
)
def test_the_oldest_period_comes_first_then_the_head_and_the_surplus_is_an_advance(
    amount: int, parts: tuple[Part, ...], advance: int
) -> None:
    laid = apportion(amount, ALL)
    assert laid.parts == parts
    assert laid.advance == advance


def test_a_negative_payment_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        apportion(-1, ALL)


_LINES = st.lists(
    st.builds(
        Owed,
        bill=st.sampled_from(["B-1", "B-2", "B-3"]),
        period_from=st.sampled_from([AUGUST, SEPTEMBER]),
        order=st.integers(1, 3),
        head=st.sampled_from(["water", "sewage", "late"]),
        amount=st.integers(-500, 5000),
    ),
    max_size=8,
    unique_by=lambda line: (line.bill, line.head),
)


@given(st.integers(0, 40_000), _LINES)
def test_parts_and_advance_are_the_whole_and_no_line_takes_more_than_it_asks(
    amount: int, lines: list[Owed]
) -> None:
    laid = apportion(amount, lines)
    assert sum(part.amount for part in laid.parts) + laid.advance == amount
    asked = {(line.bill, line.head): line.amount for line in lines}
    for part in laid.parts:
        owed = asked[part.bill, part.head]
        assert part.amount == owed if owed < 0 else 0 < part.amount <= owed
    assert laid.advance >= 0
    assert apportion(amount, reversed(lines)) == laid
