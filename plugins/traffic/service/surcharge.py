"""What paying a fine late adds, to the fen and the day, and what stops it.

Nothing here knows a database, a clock or a request: days go in, fen come out. The promise is the
table of worked examples in `tests/plugins/traffic/examples.toml`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from enum import StrEnum

from plugins.traffic.service.dated import Basis

_DAY = timedelta(days=1)


class Halt(StrEnum):
    """Why the clock of the surcharge may stand still."""

    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"
    DEFERRAL = "deferral"


@dataclass(frozen=True, slots=True)
class Pause:
    """A time that is not counted: from one day to another, both included, or still going on."""

    kind: Halt
    begins: date
    ends: date | None

    def __post_init__(self) -> None:
        if self.ends is not None and self.ends < self.begins:
            raise ValueError("a pause ends before it begins")


@dataclass(frozen=True, slots=True)
class SurchargeRule:
    """So many per cent of the fine a day, never more than a share of it, and what stops that."""

    valid_from: date
    per_day_percent: Decimal
    most_percent: int
    stopped_by: frozenset[Halt]
    basis: Basis
    source: str

    def most_on(self, fine: int) -> int:
        """Return what a surcharge on a fine comes to at the most."""
        return fine * self.most_percent // 100


@dataclass(frozen=True, slots=True)
class Surcharge:
    """What was added up to a day, in fen, with its reckoning.

    `days` were counted and `paused_days` were not, although the fine was late; `first_day` is the
    first that may count.
    """

    amount: int
    days: int
    paused_days: int
    capped: bool
    first_day: date
    rule: SurchargeRule


def reckon_surcharge(
    fine: int, pay_by: date, on: date, rule: SurchargeRule, pauses: Iterable[Pause] = ()
) -> Surcharge:
    """Return what has been added to a fine that is unpaid at the end of a day.

    The first day that counts is the one after `pay_by`: of a decision received on day 0 and payable
    within 15 days the sixteenth. Pauses may overlap and lie anywhere; those that the rule does not
    know change nothing. Parts of a fen are dropped, once, at the end. A fine that is paid is asked
    about with the day of its payment. Raise `ValueError` for a negative fine.
    """
    if fine < 0:
        raise ValueError("a fine is not negative")
    first = pay_by + _DAY
    late = max(0, (on - pay_by).days)
    paused = sum(
        max(0, (min(ends, on) - max(begins, first)).days + 1)
        for begins, ends in _merged(pauses, rule, on)
    )
    days = late - paused
    exact = Decimal(fine) * rule.per_day_percent * days / 100
    added, most = int(exact.quantize(Decimal(1), ROUND_DOWN)), rule.most_on(fine)
    return Surcharge(min(added, most), days, paused, added >= most > 0, first, rule)


def find_full_day(
    fine: int, pay_by: date, rule: SurchargeRule, pauses: Sequence[Pause] = ()
) -> date | None:
    """Return the day on which a surcharge has grown to its most.

    None while a pause has no end, and for a fine too small to have a surcharge.
    """
    if any(pause.ends is None and pause.kind in rule.stopped_by for pause in pauses):
        return None
    if rule.most_on(fine) <= 0:
        return None
    exact = Decimal(rule.most_on(fine)) * 100 / (fine * rule.per_day_percent)
    missing = int(exact.to_integral_value(ROUND_CEILING))
    day = pay_by + timedelta(days=missing)
    # Each round makes up for the pauses that the days so far have met; there are finitely many.
    while True:
        counted = reckon_surcharge(fine, pay_by, day, rule, pauses).days
        if counted >= missing:
            return day
        day += timedelta(days=missing - counted)


def _merged(pauses: Iterable[Pause], rule: SurchargeRule, on: date) -> Iterator[tuple[date, date]]:
    """Yield the times that stop the clock, none of which shares a day with another."""
    last = date.min
    stopping = (pause for pause in pauses if pause.kind in rule.stopped_by)
    for pause in sorted(stopping, key=lambda pause: pause.begins):
        begins = pause.begins if pause.begins > last else last + _DAY
        ends = pause.ends or max(on, pause.begins)
        if ends >= begins:
            yield begins, ends
            last = ends
