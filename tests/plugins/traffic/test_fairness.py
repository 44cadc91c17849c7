"""The fairness sheet: cases reckoned by hand, and what holds for every fine and every day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.traffic.service.fairness import (
    Due,
    Ending,
    Outcome,
    Part,
    Prospect,
    Remedy,
    RemedyState,
    Standing,
    make_sheet,
)
from plugins.traffic.service.instalments import split
from plugins.traffic.service.rules import find_rules
from plugins.traffic.service.surcharge import Halt, Pause
from tests.plugins.traffic.examples import STEADY

RULES = find_rules()
RECEIVED = date(2026, 11, 2)
PAY_BY = date(2026, 11, 17)
# Of the examples: 60 days are Monday 4 January, 6 months Wednesday 5 May.
RECONSIDER_BY, LITIGATE_BY = date(2027, 1, 4), date(2027, 5, 5)
UNPAID = Standing(20_000, RECEIVED, "ordinary")
PAID = Standing(
    20_000, RECEIVED, "ordinary", (Part(20_000, PAY_BY, date(2026, 11, 20)),), surcharge_paid=1_800
)


def review(begins: date, ends: date | None = None, kind: Halt = Halt.RECONSIDERATION) -> Pause:
    return Pause(kind, begins, ends)


def outcomes(prospect: Prospect | None) -> dict[Ending, tuple[int, int]]:
    assert prospect is not None
    return {o.ending: (o.due.total, o.back) for o in prospect.outcomes}


def states(remedies: tuple[Remedy, ...]) -> dict[Halt, tuple[RemedyState, date | None, int]]:
    return {r.kind: (r.state, r.until, r.days_left) for r in remedies}


def test_a_fine_that_is_late() -> None:
    # 18 to 27 November are 10 days of 6.00; the 34th is 21 December.
    sheet = make_sheet(UNPAID, date(2026, 11, 27), RULES)
    assert (sheet.due, sheet.due.total, sheet.paid, sheet.back) == (
        Due(20_000, 6_000),
        26_000,
        0,
        0,
    )
    assert (sheet.tomorrow, sheet.most, sheet.full_on) == (600, 40_000, date(2026, 12, 21))
    assert sheet.stopped_by == ()
    assert set(sheet.stops) == {Halt.RECONSIDERATION, Halt.LITIGATION, Halt.DEFERRAL}
    assert "art. 72" in sheet.surcharge_source
    # 3 + 31 + 4 days to 4 January; 3 + 31 + 31 + 28 + 31 + 30 + 5 to 5 May.
    assert states(sheet.remedies) == {
        Halt.RECONSIDERATION: (RemedyState.OPEN, RECONSIDER_BY, 38),
        Halt.LITIGATION: (RemedyState.OPEN, LITIGATE_BY, 159),
    }
    assert [r.stops_surcharge for r in sheet.remedies] == [True, True]
    assert "art. 20" in sheet.remedies[0].source
    # 60 days from 27 November are 26 January: 70 late days by then, and 9 (18 to 26 November) with
    # a review that begins today; of 100.00 the 9 days are 27.00.
    assert sheet.prospect == Prospect(
        review=Halt.RECONSIDERATION,
        answer_by=date(2027, 1, 26),
        unopposed=Due(20_000, 20_000),
        outcomes=(
            Outcome(Ending.UPHELD, 20_000, Due(20_000, 5_400), 0),
            Outcome(Ending.REDUCED, 10_000, Due(10_000, 2_700), 0),
            Outcome(Ending.CANCELLED, 0, Due(0, 0), 0),
        ),
    )
    other = make_sheet(UNPAID, date(2026, 11, 27), RULES, reduced_to=5_000).prospect
    assert outcomes(other)[Ending.REDUCED] == (6_350, 0)  # 50.00 and 9 days of 1.50


def test_within_the_term_nothing_is_added_yet() -> None:
    sheet = make_sheet(UNPAID, date(2026, 11, 16), RULES)
    assert (sheet.due, sheet.tomorrow) == (Due(20_000, 0), 0)
    last = make_sheet(UNPAID, PAY_BY, RULES)
    assert (last.due, last.tomorrow) == (Due(20_000, 0), 600)
    # The whole review stops the clock, and the term is over when it ends.
    assert outcomes(last.prospect)[Ending.UPHELD] == (20_000, 0)


def test_what_was_paid_comes_back_as_far_as_it_was_too_much() -> None:
    # Paid on 20 November with three days of 6.00; half the fine would have had three of 3.00.
    sheet = make_sheet(PAID, date(2026, 11, 27), RULES)
    assert (sheet.due, sheet.paid, sheet.back) == (Due(0, 0), 21_800, 0)
    assert (sheet.tomorrow, sheet.full_on) == (0, None)
    assert outcomes(sheet.prospect) == {
        Ending.UPHELD: (0, 0),
        Ending.REDUCED: (0, 21_800 - 10_900),
        Ending.CANCELLED: (0, 21_800),
    }


def test_a_review_that_goes_on_stops_the_clock() -> None:
    standing = replace(UNPAID, pauses=(review(date(2026, 11, 5)),))
    sheet = make_sheet(standing, date(2026, 12, 10), RULES)
    assert (sheet.due, sheet.tomorrow, sheet.full_on) == (Due(20_000, 0), 0, None)
    assert sheet.stopped_by == (Halt.RECONSIDERATION,)
    assert states(sheet.remedies) == {
        Halt.RECONSIDERATION: (RemedyState.RUNNING, RECONSIDER_BY, 0),
        Halt.LITIGATION: (RemedyState.LATER, None, 0),
    }
    # 60 days from 5 November: 25 of November, 31 of December, 4 January.
    assert sheet.prospect is not None
    assert sheet.prospect.answer_by == date(2027, 1, 4)
    assert outcomes(sheet.prospect)[Ending.UPHELD] == (20_000, 0)


def test_after_a_reconsideration_a_court_has_fifteen_days() -> None:
    standing = replace(UNPAID, pauses=(review(date(2026, 11, 20), date(2027, 1, 20)),))
    sheet = make_sheet(standing, date(2027, 1, 25), RULES)
    # 69 late days, of which 11 + 31 + 20 were under review.
    assert sheet.due == Due(20_000, 4_200)
    assert states(sheet.remedies) == {
        Halt.RECONSIDERATION: (RemedyState.USED, RECONSIDER_BY, 0),
        Halt.LITIGATION: (RemedyState.OPEN, date(2027, 2, 4), 10),
    }
    assert "art. 45" in sheet.remedies[1].source
    # A court has six months from 25 January; that day is not counted either: 6 days of 6.00.
    assert sheet.prospect is not None
    assert (sheet.prospect.review, sheet.prospect.answer_by) == (Halt.LITIGATION, date(2027, 7, 25))
    assert outcomes(sheet.prospect)[Ending.UPHELD] == (23_600, 0)
    # On the day of the answer the court is open already, and the clock still stands.
    answered = make_sheet(standing, date(2027, 1, 20), RULES)
    assert states(answered.remedies) == {
        Halt.RECONSIDERATION: (RemedyState.USED, RECONSIDER_BY, 0),
        Halt.LITIGATION: (RemedyState.OPEN, date(2027, 2, 4), 15),
    }
    assert (answered.stopped_by, answered.due) == ((Halt.RECONSIDERATION,), Due(20_000, 1_200))
    over = make_sheet(standing, date(2027, 2, 5), RULES)
    assert over.prospect is None
    assert states(over.remedies)[Halt.LITIGATION] == (RemedyState.OVER, date(2027, 2, 4), 0)


def test_a_decision_on_the_spot_is_reconsidered_first() -> None:
    standing = replace(UNPAID, procedure="summary")
    sheet = make_sheet(standing, date(2026, 11, 27), RULES)
    assert states(sheet.remedies)[Halt.LITIGATION] == (RemedyState.LATER, None, 0)
    assert sheet.deadlines.review_first
    missed = make_sheet(standing, RECONSIDER_BY + timedelta(days=1), RULES)
    assert {state for state, _, _ in states(missed.remedies).values()} == {RemedyState.OVER}
    assert missed.prospect is None
    answered = replace(standing, pauses=(review(date(2026, 11, 20), date(2027, 1, 20)),))
    court = states(make_sheet(answered, date(2027, 1, 25), RULES).remedies)[Halt.LITIGATION]
    assert court == (RemedyState.OPEN, date(2027, 2, 4), 10)


def test_who_goes_to_court_has_nothing_left_to_reconsider() -> None:
    standing = replace(UNPAID, pauses=(review(date(2026, 11, 20), kind=Halt.LITIGATION),))
    sheet = make_sheet(standing, date(2026, 12, 1), RULES)
    assert {kind: state for kind, (state, _, _) in states(sheet.remedies).items()} == {
        Halt.RECONSIDERATION: RemedyState.OVER,
        Halt.LITIGATION: RemedyState.RUNNING,
    }


def test_each_instalment_is_late_by_its_own_day() -> None:
    plan = (
        Part(6_667, date(2026, 12, 31), date(2026, 12, 30)),
        Part(6_667, date(2027, 1, 31), None),
        Part(6_666, date(2027, 2, 28), None),
    )
    standing = replace(UNPAID, parts=plan)
    # Ten days of 2.0001 for the second; the first was in time, the third is not due.
    sheet = make_sheet(standing, date(2027, 2, 10), RULES)
    assert (sheet.due, sheet.paid, sheet.most) == (Due(13_333, 2_000), 6_667, 40_000)
    # The third has grown to its most 34 days after 28 February.
    assert sheet.full_on == date(2027, 4, 3)
    # A reduction to 80.00 leaves the first part, 13.33 of the second and nothing of the third.
    # An action before the court begins on 10 February (the 60 days are over): nine days of 0.3999.
    lowered = make_sheet(standing, date(2027, 2, 10), RULES, reduced_to=8_000).prospect
    assert lowered is not None
    assert lowered.review is Halt.LITIGATION
    assert outcomes(lowered)[Ending.REDUCED] == (1_333 + 359, 0)


def test_a_deferral_stops_the_clock_and_is_no_remedy() -> None:
    granted = Pause(Halt.DEFERRAL, date(2026, 11, 18), date(2026, 12, 31))
    sheet = make_sheet(replace(UNPAID, pauses=(granted,)), date(2026, 12, 31), RULES)
    assert (sheet.due, sheet.tomorrow) == (Due(20_000, 0), 600)
    assert sheet.stopped_by == (Halt.DEFERRAL,)
    assert states(sheet.remedies)[Halt.RECONSIDERATION] == (RemedyState.OPEN, RECONSIDER_BY, 4)


@pytest.mark.parametrize(
    ("on", "reduced_to"),
    [(date(2026, 11, 27), 20_001), (date(2026, 11, 27), -1), (date(2026, 11, 1), 1)],
)
def test_a_sheet_that_makes_no_sense_is_refused(on: date, reduced_to: int) -> None:
    with pytest.raises(ValueError, match="lowers"):
        make_sheet(UNPAID, on, RULES, reduced_to=reduced_to)


@pytest.mark.parametrize(
    ("fine", "parts", "surcharge_paid"),
    [(0, (), 0), (-1, (), 0), (1, (), -1), (3, (Part(2, PAY_BY, None),), 0)],
)
def test_a_standing_that_makes_no_sense_is_refused(
    fine: int, parts: tuple[Part, ...], surcharge_paid: int
) -> None:
    with pytest.raises(ValueError):
        Standing(fine, RECEIVED, "ordinary", parts, surcharge_paid)


@st.composite
def standings(draw: Callable[[Any], Any]) -> Standing:
    fine = draw(st.integers(1, 10**7))
    amounts = split(fine, [1] * draw(st.integers(1, 4)))
    parts = []
    for place, amount in enumerate(amounts):
        pay_by = PAY_BY + timedelta(days=30 * place)
        paid = draw(st.none() | st.integers(-10, 20))
        parts.append(Part(amount, pay_by, None if paid is None else pay_by + timedelta(days=paid)))
    pauses = []
    for kind in draw(st.lists(st.sampled_from(Halt), max_size=3, unique=True)):
        begins = RECEIVED + timedelta(days=draw(st.integers(1, 90)))
        lasts = draw(st.none() | st.integers(0, 90))
        ends = None if lasts is None else begins + timedelta(days=lasts)
        pauses.append(Pause(kind, begins, ends))
    procedure = draw(st.sampled_from(["summary", "ordinary"]))
    is_paid = any(part.paid_on is not None for part in parts)
    surcharge_paid = draw(st.integers(0, fine)) if is_paid else 0
    return Standing(fine, RECEIVED, procedure, tuple(parts), surcharge_paid, tuple(pauses))


# Nobody asks before the last payment or the last review that is known: a sheet looks at the past.
TIMES = st.integers(200, 500).map(lambda days: RECEIVED + timedelta(days=days))


@STEADY
@given(standings(), TIMES)
def test_money_is_either_due_or_back_and_both_add_up(standing: Standing, on: date) -> None:
    sheet = make_sheet(standing, on, RULES)
    assert min(sheet.due.fine, sheet.due.surcharge, sheet.back, sheet.tomorrow) >= 0
    assert sheet.due.total == 0 or sheet.back == 0
    assert sheet.paid + sheet.due.total - sheet.back <= sheet.most <= 2 * standing.fine
    assert sheet.due.fine <= standing.fine
    if make_sheet(standing, on + timedelta(days=1), RULES).stopped_by:
        assert sheet.tomorrow == 0


@STEADY
@given(standings(), TIMES, st.data())
def test_an_objection_never_costs_more(standing: Standing, on: date, data: st.DataObject) -> None:
    lowered = data.draw(st.integers(0, standing.fine))
    prospect = make_sheet(standing, on, RULES, reduced_to=lowered).prospect
    if prospect is None:
        return
    assert prospect.answer_by >= on
    upheld, reduced, cancelled = (o.due.total - o.back for o in prospect.outcomes)
    assert cancelled <= reduced <= upheld
    assert upheld <= prospect.unopposed.total
    assert prospect.outcomes[2].back == make_sheet(standing, on, RULES).paid


@STEADY
@given(standings(), TIMES)
def test_remedies_say_until_when(standing: Standing, on: date) -> None:
    for remedy in make_sheet(standing, on, RULES).remedies:
        assert remedy.days_left >= 0
        if remedy.state is RemedyState.OPEN:
            assert remedy.until is not None
            assert (remedy.until - on).days == remedy.days_left
        else:
            assert remedy.days_left == 0
