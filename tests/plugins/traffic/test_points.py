"""The points of a licence: worked examples, and what holds for every history."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.traffic.service.points import (
    PointsBalance,
    PointsEntry,
    Study,
    count_points,
    find_cycle,
)
from plugins.traffic.service.rules import find_rules
from tests.plugins.traffic.examples import STEADY, of_kind

(RULE,) = find_rules().points
OPEN = replace(RULE, study_open=True)
ISSUED = date(2020, 2, 29)
DAYS = st.dates(ISSUED, date(2028, 12, 31))


@pytest.mark.parametrize("example", of_kind("points"))
def test_a_worked_example(example: dict[str, Any]) -> None:
    entries = [PointsEntry(e["on"], e["points"], e.get("settled_on")) for e in example["entries"]]
    studies = [Study(s["on"], s["points"]) for s in example.get("studies", [])]
    rule = replace(RULE, study_open=example.get("study_open", False))
    assert count_points(
        example["issued"],
        entries,
        example["on"],
        rule,
        studies=studies,
        passed_on=example.get("passed_on", []),
    ) == PointsBalance(
        cycle_from=example["cycle"][0],
        cycle_to=example["cycle"][1],
        points=example["points"],
        carried=example.get("carried", 0),
        left=example["left"],
        is_full=example.get("is_full", False),
    )


def test_there_are_no_points_before_the_licence() -> None:
    with pytest.raises(ValueError, match="before the licence"):
        find_cycle(ISSUED, ISSUED - timedelta(days=1), RULE)
    before = PointsEntry(ISSUED - timedelta(days=1), 3, None)
    with pytest.raises(ValueError, match="before the licence"):
        count_points(ISSUED, [before], date(2026, 1, 1), RULE)
    with pytest.raises(ValueError, match="given"):
        PointsEntry(ISSUED, -1, None)
    with pytest.raises(ValueError, match="away"):
        Study(ISSUED, -1)


@STEADY
@given(DAYS)
def test_cycles_lie_side_by_side(on: date) -> None:
    begins, ends = find_cycle(ISSUED, on, RULE)
    assert begins <= on <= ends
    assert 365 <= (ends - begins).days + 1 <= 366
    assert find_cycle(ISSUED, ends + timedelta(days=1), RULE)[0] == ends + timedelta(days=1)
    assert find_cycle(ISSUED, ends, RULE) == find_cycle(ISSUED, begins, RULE) == (begins, ends)


ENTRIES = st.lists(
    st.builds(
        lambda on, points, after: PointsEntry(
            on, points, None if after is None else on + timedelta(days=after)
        ),
        DAYS,
        st.sampled_from([0, 1, 3, 6, 9, 12]),
        st.none() | st.integers(0, 500),
    ),
    max_size=6,
)
STUDIES = st.lists(st.builds(Study, DAYS, st.integers(0, 6)), max_size=3)
PASSED = st.lists(DAYS, max_size=2)


@STEADY
@given(ENTRIES, DAYS, STUDIES, PASSED)
def test_points_are_among_what_was_given(
    entries: list[PointsEntry], on: date, studies: list[Study], passed: list[date]
) -> None:
    balance = count_points(ISSUED, entries, on, OPEN, studies=studies, passed_on=passed)
    given_by_then = sum(entry.points for entry in entries if entry.on <= on)
    assert 0 <= balance.carried <= balance.points <= given_by_then
    assert balance.left == max(0, 12 - balance.points)
    assert balance.is_full == (balance.points >= 12)
    assert (balance.cycle_from, balance.cycle_to) == find_cycle(ISSUED, on, OPEN)


@STEADY
@given(ENTRIES, DAYS)
def test_without_examination_points_of_the_cycle_all_count(
    entries: list[PointsEntry], on: date
) -> None:
    balance = count_points(ISSUED, entries, on, RULE)
    of_cycle = sum(e.points for e in entries if balance.cycle_from <= e.on <= on)
    assert balance.points == of_cycle + balance.carried


@STEADY
@given(ENTRIES, DAYS, DAYS)
def test_an_examination_leaves_what_came_after_it(
    entries: list[PointsEntry], one: date, other: date
) -> None:
    passed, on = sorted((one, other))
    balance = count_points(ISSUED, entries, on, RULE, passed_on=[passed])
    later = [entry for entry in entries if entry.on > passed]
    assert balance == count_points(ISSUED, later, on, RULE)


@STEADY
@given(ENTRIES, DAYS)
def test_paying_never_raises_points(entries: list[PointsEntry], on: date) -> None:
    paid = [replace(entry, settled_on=entry.on) for entry in entries]
    assert count_points(ISSUED, paid, on, RULE).points <= (
        count_points(ISSUED, entries, on, RULE).points
    )
