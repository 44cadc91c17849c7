"""A price in steps explains itself; meters that pass their last digit; use that is unusual."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.utilities.service.tariff import compare, explain, tariff_on, used_between
from plugins.utilities.service.terms import find_terms

(WATER,) = find_terms("shiyan-water").tariffs


@pytest.mark.parametrize(
    ("quantity", "amounts"),
    [("0", []), ("15", [3750]), ("15.5", [3750, 188]), ("30", [3750, 3750, 3750])],
)
def test_each_step_has_its_quantity_price_and_rule(quantity: str, amounts: list[int]) -> None:
    steps = explain(Decimal(quantity), WATER)
    assert [step.amount for step in steps] == amounts
    assert {step.rule for step in steps} <= {"water-2026"}


@given(st.decimals(0, 10_000, places=2))
def test_steps_add_up_to_what_was_used(quantity: Decimal) -> None:
    assert sum(step.quantity for step in explain(quantity, WATER)) == quantity


def test_prices_begin_on_their_day() -> None:
    assert tariff_on(date(2025, 12, 31), [WATER]) is None
    assert tariff_on(date(2026, 1, 1), [WATER]) == WATER


def test_a_meter_that_passed_its_last_digit_goes_on_and_one_that_ran_back_is_refused() -> None:
    assert used_between(Decimal(10), Decimal(25)) == 15
    assert used_between(Decimal(99_990), Decimal(5), digits=5) == 15
    with pytest.raises(ValueError, match="backwards"):
        used_between(Decimal(25), Decimal(10))


def test_use_is_unusual_beyond_twice_the_median_of_three_periods() -> None:
    before = [Decimal(10), Decimal(12), Decimal(11)]
    assert compare(Decimal(22), before).is_unusual is False
    assert compare(Decimal(23), before).is_unusual is True
    assert compare(Decimal(23), before[:2]).is_unusual is False
