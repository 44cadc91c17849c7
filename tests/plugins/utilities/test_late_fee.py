"""What paying late costs, reckoned by hand: grace, the year's end, the Spring Festival, the cap."""

from datetime import date
from decimal import Decimal

import pytest

from plugins.utilities.service.late_fee import LateFeeRule, reckon_late_fee
from plugins.utilities.service.terms import find_terms

RULE = LateFeeRule(date(2026, 1, 1), Decimal(10), Decimal(30), 0, 100, "a price list")
FESTIVAL = find_terms("shiyan-water").closed_days


@pytest.mark.parametrize(
    ("on", "fee"),
    [
        (date(2026, 12, 28), 0),
        (date(2026, 12, 29), 10),  # one day at 1 in a thousand of 100.00 yuan
        (date(2026, 12, 31), 30),
        (date(2027, 1, 1), 60),  # three days, and one of the new year at 3 in a thousand
        (date(2027, 1, 10), 330),
    ],
)
def test_days_of_a_later_year_have_a_rate_of_their_own(on: date, fee: int) -> None:
    assert reckon_late_fee(10_000, date(2026, 12, 28), on, [RULE]).amount == fee


@pytest.mark.parametrize(
    ("on", "fee"),
    [(date(2027, 2, 11), 0), (date(2027, 2, 12), 0), (date(2027, 2, 13), 10)],
)
def test_a_due_date_in_the_spring_festival_moves_to_the_day_after_it(on: date, fee: int) -> None:
    late = reckon_late_fee(10_000, date(2027, 2, 6), on, [RULE], FESTIVAL)
    assert (late.due_date, late.amount) == (date(2027, 2, 12), fee)


def test_half_a_fen_is_rounded_up_once_and_the_fee_never_exceeds_its_cap() -> None:
    half = reckon_late_fee(500, date(2026, 3, 1), date(2026, 3, 2), [RULE])
    assert half.amount == 1
    gas = find_terms("shiyan-gas")
    capped = reckon_late_fee(10_000, date(2026, 3, 1), date(2029, 3, 1), gas.late_fees)
    assert (capped.amount, capped.capped) == (3000, True)
    graced = reckon_late_fee(10_000, date(2026, 3, 1), date(2026, 3, 11), gas.late_fees)
    assert graced.amount == 0
    first = reckon_late_fee(10_000, date(2026, 3, 1), date(2026, 3, 12), gas.late_fees)
    assert (first.amount, first.days) == (5, 1)


def test_a_bill_that_fell_due_before_any_rule_costs_nothing() -> None:
    assert reckon_late_fee(10_000, date(2025, 12, 31), date(2026, 6, 1), [RULE]).rule is None
