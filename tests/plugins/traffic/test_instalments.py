"""A fine in parts: the parts are the whole, and due as the rule says."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.traffic.service.instalments import Instalment, plan_instalments, split
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.terms import add_months, next_open_day
from tests.plugins.traffic.examples import STEADY, of_kind

(RULE,) = find_rules().instalments
DAYS_OFF = find_rules().days_off
DAY = date(2026, 12, 31)


@pytest.mark.parametrize("example", of_kind("instalments"))
def test_a_worked_example(example: dict[str, Any]) -> None:
    parts = example["parts"]
    plan = plan_instalments(example["amount"], example["first_due"], len(parts), RULE, DAYS_OFF)
    assert plan == tuple(
        Instalment(number, amount, due_on) for number, (amount, due_on) in enumerate(parts, 1)
    )


@pytest.mark.parametrize(
    ("amount", "parts"), [(20_000, 5), (100_000, 7), (9_999, 2), (20_000, 0), (20_000, -1)]
)
def test_more_parts_than_the_rule_allows_are_refused(amount: int, parts: int) -> None:
    with pytest.raises(ValueError, match="not split"):
        plan_instalments(amount, DAY, parts, RULE, DAYS_OFF)


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, [1, 1, 1], (34, 33, 33)),
        # 49.5, 29.7 and 19.8: the two fen left go to the remainders .8 and .7.
        (99, [5, 3, 2], (49, 30, 20)),
        (1, [1, 1], (1, 0)),
        (0, [3, 4], (0, 0)),
        (7, [0, 1], (0, 7)),
    ],
)
def test_the_largest_remainder_has_what_is_left(
    amount: int, weights: list[int], parts: tuple[int, ...]
) -> None:
    assert split(amount, weights) == parts


@pytest.mark.parametrize(("amount", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_what_cannot_be_split_is_refused(amount: int, weights: list[int]) -> None:
    with pytest.raises(ValueError):
        split(amount, weights)


WEIGHTS = st.builds(
    lambda some, one: [*some, one],
    st.lists(st.integers(0, 10**6), max_size=12),
    st.integers(1, 10**6),
)


@STEADY
@given(st.integers(0, 10**10), WEIGHTS)
def test_parts_are_the_whole_and_none_is_a_fen_off(amount: int, weights: list[int]) -> None:
    parts = split(amount, weights)
    assert sum(parts) == amount
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert part >= 0
        assert abs(part * whole - amount * weight) < whole


@STEADY
@given(st.integers(1, 10**8), st.dates(date(2024, 1, 1), date(2030, 12, 31)), st.data())
def test_a_plan_is_the_whole_in_time(amount: int, first_due: date, data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, RULE.most_parts_of(amount)))
    plan = plan_instalments(amount, first_due, parts, RULE, DAYS_OFF)
    assert [part.number for part in plan] == list(range(1, parts + 1))
    assert sum(part.amount for part in plan) == amount
    assert max(p.amount for p in plan) - min(p.amount for p in plan) <= 1
    if parts > 1:
        assert min(part.amount for part in plan) >= RULE.least_part
    # Not chained: a short month does not shorten those after it.
    nominal = [add_months(first_due, n) for n in range(parts)]
    assert [p.due_on for p in plan] == [next_open_day(day, DAYS_OFF) for day in nominal]
    assert not any(DAYS_OFF.is_off(p.due_on) for p in plan)
