"""The drill's figures say what was measured, and each promise can be missed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tools.drill.figures import Felt, is_kept, judge_round, line, quantiles, report, verdicts
from tools.drill.load import Sample

KEPT = Felt(
    mode="hang",
    baseline=(0.010, 0.100),
    others=(0.011, 0.110),
    samples=600,
    errors=0.0,
    errors_before=0.0,
    slowest=2.1,
    opened=4.0,
    once_open=0.012,
    probes=2,
    recovery=11.0,
)


def samples(*seconds: float, status: int = 200, at: float = 0.0) -> list[Sample]:
    return [Sample(at + number, taken, status) for number, taken in enumerate(seconds)]


def test_quantiles_are_of_what_was_taken() -> None:
    taken = samples(*(n / 1000 for n in range(100, 0, -1)))
    assert quantiles(taken) == (0.0505, 0.100)


def test_a_round_knows_when_the_breaker_opened_and_who_asked_meanwhile() -> None:
    slow = samples(*[2.0] * 12, status=503, at=100.0)
    quick = samples(*[0.004] * 40, status=503, at=112.0)
    probe = samples(2.0, status=503, at=152.0)
    quick_again = samples(*[0.006] * 50, status=503, at=153.0)
    earlier = samples(*[9.0] * 5, status=503, at=0.0)
    well = samples(*[0.02] * 5, status=404, at=101.0)
    felt = judge_round(
        "hang",
        before=samples(0.010, 0.010),
        others=[*samples(0.020, 0.020), Sample(0.0, 0.5, 500)],
        own=[*earlier, *slow, *well, *quick, *probe, *quick_again],
        began=100.0,
        recovery=11.0,
    )
    assert (felt.slowest, felt.opened, felt.probes) == (2.0, 12.0, 1)
    assert felt.once_open == pytest.approx(0.006)
    assert (felt.errors, felt.errors_before) == (pytest.approx(1 / 3), 0.0)
    assert felt.samples == 2
    assert line(felt).startswith(
        "hang     others 20.0 / 500.0 ms, before 10.0 / 10.0 ms (2 samples)"
    )


def test_a_breaker_that_never_opens_is_not_called_open() -> None:
    own = samples(*[0.004] * 39, 2.0, *[0.004] * 39, status=503)
    felt = judge_round("hang", samples(0.01), samples(0.01), own, 0.0, None)
    assert (felt.opened, felt.once_open, felt.probes) == (None, None, 0)


def test_a_round_that_keeps_everything_is_kept() -> None:
    assert is_kept([KEPT] * 5)
    assert sum(line.startswith("kept") for line in report([KEPT] * 5)) == 6


@pytest.mark.parametrize(
    "spoil",
    [
        lambda felt: replace(felt, others=(0.011, 0.130)),
        lambda felt: replace(felt, errors=0.01),
        lambda felt: replace(felt, samples=499),
        lambda felt: replace(felt, slowest=2.6),
        lambda felt: replace(felt, once_open=0.060),
        lambda felt: replace(felt, once_open=None),
        lambda felt: replace(felt, recovery=31.0),
        lambda felt: replace(felt, recovery=None),
    ],
)
def test_each_promise_can_be_missed(spoil: Callable[[Felt], Felt]) -> None:
    rounds = [spoil(KEPT)] * 5
    assert not is_kept(rounds)
    assert [kept for kept, _ in verdicts(rounds)].count(False) == 1
    assert any(line.startswith("MISSED") for line in report(rounds))


def test_one_bad_round_of_five_is_no_ratio_and_one_failure_is_a_failure() -> None:
    assert is_kept([replace(KEPT, others=(0.011, 0.9)), *[KEPT] * 4])
    assert not is_kept([replace(KEPT, slowest=3.0), *[KEPT] * 4])
