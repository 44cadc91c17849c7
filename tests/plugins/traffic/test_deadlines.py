"""Until when what must be done: worked examples, and what holds for every day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.traffic.service.dated import NoRule
from plugins.traffic.service.deadlines import Deadlines, find_defence_day, reckon_deadlines
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.terms import add_months, day_of
from tests.plugins.traffic.examples import STEADY, of_kind

RULES = find_rules()
DAYS = st.dates(date(2024, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize("example", of_kind("deadlines"))
def test_a_worked_example(example: dict[str, Any]) -> None:
    found = reckon_deadlines(
        example["received"], example["procedure"], RULES, answered_on=example.get("answered")
    )
    is_summary = example["procedure"] == "summary"
    assert found == Deadlines(
        received_on=example["received"],
        pay_by=example["pay_by"],
        reconsider_by=example["reconsider_by"],
        litigate_by=example.get("litigate_by"),
        review_first=is_summary and example["received"] >= date(2024, 1, 1),
    )


@pytest.mark.parametrize("example", of_kind("defence"))
def test_a_notice_is_answered_until(example: dict[str, Any]) -> None:
    assert find_defence_day(example["notified"], RULES) == example["until"]


@pytest.mark.parametrize("example", of_kind("day"))
def test_a_moment_is_on_a_day_of_the_city(example: dict[str, Any]) -> None:
    assert day_of(example["moment"]) == example["day"]


def test_a_moment_without_a_zone_has_no_day() -> None:
    with pytest.raises(ValueError, match="zone"):
        day_of(datetime(2026, 11, 29, 12, tzinfo=UTC).replace(tzinfo=None))


def test_a_decision_older_than_the_rules_is_refused() -> None:
    with pytest.raises(NoRule):
        reckon_deadlines(date(2004, 4, 30), "ordinary", RULES)


@pytest.mark.parametrize(
    ("day", "months", "found"),
    [
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 12, 15), 13, date(2028, 1, 15)),
        (date(2027, 3, 31), -1, date(2027, 2, 28)),
        (date(2027, 1, 10), -12, date(2026, 1, 10)),
    ],
)
def test_months_end_with_the_year_and_in_short_months(day: date, months: int, found: date) -> None:
    assert add_months(day, months) == found


@STEADY
@given(DAYS, st.integers(-60, 60))
def test_the_corresponding_day_or_the_last_of_the_month(day: date, months: int) -> None:
    found = add_months(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    is_last = (found + timedelta(days=1)).day == 1
    assert found.day == day.day or (is_last and found.day < day.day)


@STEADY
@given(DAYS, st.sampled_from(["summary", "ordinary"]))
def test_no_term_is_short_and_none_ends_on_a_day_off(received: date, procedure: str) -> None:
    found = reckon_deadlines(received, procedure, RULES)
    assert found.pay_by >= received + timedelta(days=15)
    assert found.reconsider_by >= received + timedelta(days=60)
    ends = [found.pay_by, found.reconsider_by, find_defence_day(received, RULES)]
    if procedure == "summary":
        assert found.litigate_by is None
    else:
        assert found.litigate_by is not None
        assert found.litigate_by >= add_months(received, 6)
        assert found.litigate_by > found.reconsider_by
        ends.append(found.litigate_by)
    assert not any(RULES.days_off.is_off(day) for day in ends)


@STEADY
@given(DAYS)
def test_who_receives_later_is_never_due_earlier(received: date) -> None:
    one = reckon_deadlines(received, "ordinary", RULES)
    next_one = reckon_deadlines(received + timedelta(days=1), "ordinary", RULES)
    assert one.pay_by <= next_one.pay_by
    assert one.reconsider_by <= next_one.reconsider_by
