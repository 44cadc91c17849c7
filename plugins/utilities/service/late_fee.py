"""What paying late costs, to the fen and the day, by rules that are dated and name their source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

_PER = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class LateFeeRule:
    """A biller's rule from one day on: so many ten-thousandths a day, from the day after due.

    `grace_days` after the due date cost nothing. The year's end may change the rate: days of the
    year in which a bill fell due cost `per_day`, those of later years `per_day_later`. The fee
    never exceeds `most_percent` of what is late. `source` names the text it was taken from.
    """

    valid_from: date
    per_day: Decimal
    per_day_later: Decimal
    grace_days: int
    most_percent: int
    source: str


@dataclass(frozen=True, slots=True)
class LateFee:
    """A fee in fen with its reckoning; `rule` is None when none was in force."""

    amount: int
    days: int
    days_later: int
    capped: bool
    due_date: date
    rule: LateFeeRule | None


def reckon_late_fee(
    amount: int,
    due_date: date,
    on: date,
    rules: Sequence[LateFeeRule],
    closed_days: frozenset[date] = frozenset(),
) -> LateFee:
    """Return what has been added to an amount that is still unpaid on a day.

    A due date on which the counters are closed moves to the next day on which they are open. The
    rule is the one in force on the due date so moved. Half a fen is rounded up, once, at the end.
    """
    due = _open_day(due_date, closed_days)
    rule = max(
        (rule for rule in rules if rule.valid_from <= due),
        key=lambda rule: rule.valid_from,
        default=None,
    )
    if rule is None or amount <= 0:
        return LateFee(0, 0, 0, capped=False, due_date=due, rule=rule)
    first = due + timedelta(days=rule.grace_days + 1)
    new_year = date(due.year + 1, 1, 1)
    days = max(0, (min(on + timedelta(days=1), new_year) - first).days)
    later = max(0, (on + timedelta(days=1) - max(first, new_year)).days)
    exact = Decimal(amount) * (rule.per_day * days + rule.per_day_later * later) / _PER
    fee = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    most = amount * rule.most_percent // 100
    return LateFee(min(fee, most), days, later, fee > most, due, rule)


def _open_day(day: date, closed: frozenset[date]) -> date:
    while day in closed:
        day += timedelta(days=1)
    return day
