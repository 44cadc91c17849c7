"""A fine in parts: how much each is, and when it is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from plugins.traffic.service.dated import Basis
from plugins.traffic.service.terms import DaysOff, add_months, next_open_day


@dataclass(frozen=True, slots=True)
class InstalmentRule:
    """Into how many parts a fine may be split, how small one may be (fen), and how far apart.

    `over_days_off`: a part whose day is a day off is due on the next one that is not.
    """

    valid_from: date
    most_parts: int
    least_part: int
    months_between: int
    over_days_off: bool
    basis: Basis
    source: str

    def most_parts_of(self, amount: int) -> int:
        """Return into how many parts an amount may be split; 1 when it is too small for more."""
        return max(1, min(self.most_parts, amount // self.least_part))


@dataclass(frozen=True, slots=True)
class Instalment:
    """One part of a fine, in fen, and the last day on which it is in time."""

    number: int
    amount: int
    due_on: date


def plan_instalments(
    amount: int, first_due: date, parts: int, rule: InstalmentRule, days_off: DaysOff
) -> tuple[Instalment, ...]:
    """Return a plan of equal parts, whose fen that do not divide are in the first ones.

    Parts are due on the first one's day of the month, or on the month's last, and never in a day
    off where the rule says so. Raise `ValueError` when it does not allow so many.
    """
    if not 1 <= parts <= rule.most_parts_of(amount):
        raise ValueError(f"{amount} fen are not split into {parts}")

    def due_on(number: int) -> date:
        day = add_months(first_due, (number - 1) * rule.months_between)
        return next_open_day(day, days_off) if rule.over_days_off else day

    return tuple(
        Instalment(number, part, due_on(number))
        for number, part in enumerate(split(amount, [1] * parts), start=1)
    )


def split(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split an amount by weights, whole and without loss: the largest remainder has the fen left.

    Of equal remainders the earlier is served first, so the same question has the same answer.
    Raise `ValueError` for a negative amount, and for weights that are negative or all zero.
    """
    whole = sum(weights)
    if amount < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("only a sum is split, and by weights that are positive")
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda place: (-(amount * weights[place] % whole), place)
    )
    for place in by_remainder[: amount - sum(parts)]:
        parts[place] += 1
    return tuple(parts)
