"""What the samples of a drill say, and which promises they keep."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tools.drill.load import Sample

QUICK = 0.050
AT_ONCE = 0.5
IN_A_ROW = 40
"""More than a provider's own route is asked while one call hangs: none of them was let through."""

FEWEST_SAMPLES = 500
ROUTE_BOUND = 2.5
OTHERS_BOUND = 1.2
RECOVERY_BOUND = 30.0
_BROKEN = 500
_UNAUTHENTICATED = 401
"""Whoever is not known is answered quickly, and that says nothing of the city."""


@dataclass(frozen=True, slots=True)
class Felt:
    """What one misdeed did in one round; seconds, None for what did not come to pass.

    `others` and `baseline` are pairs of p50 and p99, each of at least so many `samples`, `errors`
    and `errors_before` what part of those was not answered as it should be. `slowest` is how long
    its own route took to fail at most, `opened` when it began to fail at once, `once_open`
    how long it took then (median), `probes` how many requests were let through to ask.
    """

    mode: str
    baseline: tuple[float, float]
    others: tuple[float, float]
    samples: int
    errors: float
    errors_before: float
    slowest: float
    opened: float | None
    once_open: float | None
    probes: int
    recovery: float | None

    @property
    def ratio(self) -> float:
        """Return how much longer the p99 of other routes was than just before."""
        return self.others[1] / self.baseline[1]


def quantiles(samples: Sequence[Sample]) -> tuple[float, float]:
    """Return p50 and p99 of how long requests took."""
    taken = sorted(sample.seconds for sample in samples)
    return median(taken), taken[min(len(taken) - 1, int(0.99 * len(taken)))]


def judge_round(
    mode: str,
    before: Sequence[Sample],
    others: Sequence[Sample],
    own: Sequence[Sample],
    began: float,
    recovery: float | None,
) -> Felt:
    """Return what was felt of a misdeed that began at a moment."""
    failures = sorted(
        (s for s in own if s.at >= began and not 0 < s.status < _BROKEN), key=lambda s: s.at
    )
    start = _settled(failures)
    later = failures[start:] if start is not None else []
    return Felt(
        mode=mode,
        baseline=quantiles(before),
        others=quantiles(others),
        samples=min(len(before), len(others)),
        errors=_broken(others),
        errors_before=_broken(before),
        slowest=max((s.seconds for s in failures), default=0.0),
        opened=later[0].at - began if later else None,
        once_open=median(s.seconds for s in later) if later else None,
        probes=sum(s.seconds >= AT_ONCE for s in later),
        recovery=recovery,
    )


def _broken(samples: Sequence[Sample]) -> float:
    return sum(
        not 0 < sample.status < _BROKEN or sample.status == _UNAUTHENTICATED for sample in samples
    ) / len(samples)


def _settled(failures: Sequence[Sample]) -> int | None:
    """Return from which failure on so many in a row came at once."""
    run = 0
    for number, sample in enumerate(failures):
        run = run + 1 if sample.seconds < AT_ONCE else 0
        if run == IN_A_ROW:
            return number - IN_A_ROW + 1
    return None


def verdicts(rounds: Sequence[Felt]) -> list[tuple[bool, str]]:
    """Return, for the rounds of one misdeed, each promise: whether it was kept, and the figure.

    Of ratios and times the median over the rounds counts; of failures the slowest.
    """
    ratio = median(felt.ratio for felt in rounds)
    fewest = min(felt.samples for felt in rounds)
    slowest = max(felt.slowest for felt in rounds)
    errors = max(felt.errors for felt in rounds)
    said = [
        (fewest >= FEWEST_SAMPLES, f"at least {fewest} samples of others in each p99"),
        (ratio <= OTHERS_BOUND, f"others' p99 {ratio:.2f} times the baseline"),
        (errors <= 0.001, f"others' errors {errors:.2%}"),  # noqa: PLR2004 - one in a thousand
        (slowest <= ROUTE_BOUND, f"its own route failed within {slowest:.2f} s"),
    ]
    opened = [felt.once_open for felt in rounds if felt.once_open is not None]
    whole = len(opened) == len(rounds)
    said.append(
        (whole and median(opened) <= QUICK, f"once open within {1000 * median(opened):.0f} ms")
        if opened
        else (False, "its breaker did not open")
    )
    back = [felt.recovery for felt in rounds if felt.recovery is not None]
    said.append(
        (len(back) == len(rounds) and max(back) <= RECOVERY_BOUND, f"well again {max(back):.1f} s")
        if back
        else (False, "it was not well again")
    )
    return said


def report(rounds: Sequence[Felt]) -> Iterator[str]:
    """Return the lines of a report: each misdeed, its rounds as medians, and its promises."""
    yield (
        f"{'':8} {'others p50/p99 ms':>18} {'before':>14} {'p99':>6} {'slowest':>8} {'opened':>7}"
        f" {'open':>6} {'probes':>6} {'back':>6}"
    )
    for mode in dict.fromkeys(felt.mode for felt in rounds):
        own = [felt for felt in rounds if felt.mode == mode]
        yield (
            f"{mode:8} {_pair([f.others for f in own]):>18} {_pair([f.baseline for f in own]):>14}"
            f" {median(f.ratio for f in own):5.2f}x {max(f.slowest for f in own):6.2f} s"
            f" {_middle([f.opened for f in own], 's'):>7}"
            f" {_middle([f.once_open for f in own], 'ms'):>6} {sum(f.probes for f in own):6}"
            f" {_middle([f.recovery for f in own], 's'):>6}"
        )
    for mode in dict.fromkeys(felt.mode for felt in rounds):
        for is_kept, what in verdicts([felt for felt in rounds if felt.mode == mode]):
            yield f"{'kept  ' if is_kept else 'MISSED'}  {mode}: {what}"


def line(felt: Felt) -> str:
    """Return what one round of a misdeed was like, all its figures."""
    return (
        f"{felt.mode:8} others {_pair([felt.others])} ms, before {_pair([felt.baseline])} ms"
        f" ({felt.samples} samples): p99 {felt.ratio:.2f}x, errors {felt.errors:.2%}"
        f" (before {felt.errors_before:.2%}); its own slowest {felt.slowest:.2f} s,"
        f" opened {_middle([felt.opened], 's')}, then {_middle([felt.once_open], 'ms')},"
        f" probes {felt.probes}, back {_middle([felt.recovery], 's')}"
    )


def is_kept(rounds: Sequence[Felt]) -> bool:
    """Say whether every promise was kept."""
    modes = {felt.mode for felt in rounds}
    return all(
        kept for mode in modes for kept, _ in verdicts([f for f in rounds if f.mode == mode])
    )


def _pair(pairs: Sequence[tuple[float, float]]) -> str:
    p50, p99 = (median(pair[place] for pair in pairs) for place in (0, 1))
    return f"{1000 * p50:.1f} / {1000 * p99:.1f}"


def _middle(values: Sequence[float | None], unit: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    value = median(known)
    return f"{1000 * value:.0f} ms" if unit == "ms" else f"{value:.1f} s"
