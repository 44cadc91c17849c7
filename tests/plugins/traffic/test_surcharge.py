"""What paying late adds: worked examples to the fen and the day, and what holds for every fine."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.traffic.service.deadlines import reckon_deadlines
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.surcharge import (
    Halt,
    Pause,
    Surcharge,
    find_full_day,
    reckon_surcharge,
)
from tests.plugins.traffic.examples import STEADY, of_kind

RULE = find_rules().surcharge(date(2026, 11, 2))
PAY_BY = date(2026, 11, 17)


@pytest.mark.parametrize("example", of_kind("surcharge"))
def test_a_worked_example(example: dict[str, Any]) -> None:
    rules = find_rules()
    pay_by = reckon_deadlines(example["received"], "ordinary", rules).pay_by
    assert pay_by == example["pay_by"]
    pauses = [Pause(Halt(p["kind"]), p["begins"], p.get("ends")) for p in example.get("pauses", [])]
    rule = rules.surcharge(example["received"])
    assert reckon_surcharge(example["fine"], pay_by, example["on"], rule, pauses) == Surcharge(
        amount=example["amount"],
        days=example["days"],
        paused_days=example.get("paused_days", 0),
        capped=example.get("capped", False),
        first_day=pay_by + timedelta(days=1),
        rule=rule,
    )


@pytest.mark.promise("M15")
def test_the_examples_are_many_and_name_their_laws(shows: Callable[[str], None]) -> None:
    counts = {
        kind: len(of_kind(kind)) for kind in ("surcharge", "deadlines", "instalments", "points")
    }
    assert min(counts.values()) >= 7
    reasons = str([example.id for kind in counts for example in of_kind(kind)])
    for word in ("Spring Festival 2026", "Spring Festival 2027", "the year's end"):
        assert word in reasons
    rules = find_rules()
    for kind in (rules.surcharges, rules.instalments, rules.terms, rules.points, rules.studies):
        assert all(rule.source for rule in kind)
    shows("worked examples: " + ", ".join(f"{count} of {kind}" for kind, count in counts.items()))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        reckon_surcharge(-1, PAY_BY, PAY_BY, RULE)
    with pytest.raises(ValueError, match="before it begins"):
        Pause(Halt.LITIGATION, PAY_BY, PAY_BY - timedelta(days=1))


@pytest.mark.parametrize(
    ("fine", "pauses", "full"),
    [
        # 34 days after 17 November, as in the examples.
        (20_000, [], date(2026, 12, 21)),
        # 30 days of review put it off by as many.
        (
            20_000,
            [Pause(Halt.RECONSIDERATION, date(2026, 11, 20), date(2026, 12, 19))],
            date(2027, 1, 20),
        ),
        # A review of one day that begins when the first reckoning ends.
        (
            20_000,
            [Pause(Halt.LITIGATION, date(2026, 12, 21), date(2026, 12, 21))],
            date(2026, 12, 22),
        ),
        (20_000, [Pause(Halt.LITIGATION, date(2026, 12, 1), None)], None),
        (0, [], None),
        # 0.03 fen a day: 34 days for the one fen of the fine.
        (1, [], date(2026, 12, 21)),
    ],
)
def test_the_day_on_which_it_has_grown_to_its_most(
    fine: int, pauses: list[Pause], full: date | None
) -> None:
    assert find_full_day(fine, PAY_BY, RULE, pauses) == full


FINES = st.integers(0, 10**8)
DAYS = st.integers(-40, 400).map(lambda days: PAY_BY + timedelta(days=days))


@st.composite
def pauses(draw: Callable[[Any], Any]) -> Pause:
    begins = draw(DAYS)
    length = draw(st.none() | st.integers(0, 120))
    ends = None if length is None else begins + timedelta(days=length)
    return Pause(draw(st.sampled_from(Halt)), begins, ends)


PAUSES = st.lists(pauses(), max_size=5)


def counted_one_by_one(fine: int, on: date, stops: list[Pause]) -> tuple[int, int]:
    """Reckon the simple way: look at every day and at every pause."""
    days, day = 0, PAY_BY
    while day < on:
        day += timedelta(days=1)
        days += not any(p.begins <= day and (p.ends is None or day <= p.ends) for p in stops)
    return days, min(fine, fine * 3 * days // 100)


@STEADY
@given(FINES, DAYS, PAUSES)
def test_it_is_what_counting_day_by_day_says(fine: int, on: date, stops: list[Pause]) -> None:
    added = reckon_surcharge(fine, PAY_BY, on, RULE, stops)
    assert (added.days, added.amount) == counted_one_by_one(fine, on, stops)
    assert added.days + added.paused_days == max(0, (on - PAY_BY).days)


@STEADY
@given(FINES, DAYS, PAUSES)
def test_it_is_never_negative_and_never_above_the_fine(
    fine: int, on: date, stops: list[Pause]
) -> None:
    added = reckon_surcharge(fine, PAY_BY, on, RULE, stops)
    assert 0 <= added.amount <= fine
    assert added.capped == (added.amount == fine > 0)
    if on <= PAY_BY:
        assert added.amount == 0


@STEADY
@given(FINES, DAYS, DAYS, PAUSES)
def test_it_never_shrinks_with_time(fine: int, one: date, other: date, stops: list[Pause]) -> None:
    early, late = sorted((one, other))
    sooner = reckon_surcharge(fine, PAY_BY, early, RULE, stops)
    assert sooner.amount <= reckon_surcharge(fine, PAY_BY, late, RULE, stops).amount


@STEADY
@given(FINES, FINES, DAYS, PAUSES)
def test_it_never_shrinks_with_the_fine(one: int, other: int, on: date, stops: list[Pause]) -> None:
    less, more = sorted((one, other))
    lower = reckon_surcharge(less, PAY_BY, on, RULE, stops).amount
    assert lower <= reckon_surcharge(more, PAY_BY, on, RULE, stops).amount


@STEADY
@given(FINES, DAYS, PAUSES, pauses())
def test_one_more_pause_never_raises_it(
    fine: int, on: date, stops: list[Pause], another: Pause
) -> None:
    with_it = reckon_surcharge(fine, PAY_BY, on, RULE, [*stops, another])
    assert with_it.amount <= reckon_surcharge(fine, PAY_BY, on, RULE, stops).amount
    assert with_it == reckon_surcharge(fine, PAY_BY, on, RULE, [another, *reversed(stops)])


@STEADY
@given(st.integers(1, 10**8), PAUSES)
def test_the_full_day_is_the_first_full_one(fine: int, stops: list[Pause]) -> None:
    full = find_full_day(fine, PAY_BY, RULE, stops)
    if full is None:
        assert any(pause.ends is None for pause in stops)
        return
    assert reckon_surcharge(fine, PAY_BY, full, RULE, stops).capped
    the_day_before = full - timedelta(days=1)
    assert not reckon_surcharge(fine, PAY_BY, the_day_before, RULE, stops).capped


@STEADY
@given(st.integers(0, 10**8))
def test_a_day_is_three_per_cent_without_parts_of_a_fen(fine: int) -> None:
    one_day = reckon_surcharge(fine, PAY_BY, PAY_BY + timedelta(days=1), RULE).amount
    assert 0 <= Decimal(fine) * Decimal("0.03") - one_day < 1
