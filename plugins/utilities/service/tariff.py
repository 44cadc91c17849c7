"""A price in steps that explains itself: each figure with the rule it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

FEWEST_TO_COMPARE = 3
UNUSUAL_FACTOR = Decimal(2)


@dataclass(frozen=True, slots=True)
class Tier:
    """A step: what is used beyond the step before and up to `to` (None: all) costs `price` fen."""

    to: Decimal | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class Tariff:
    """A biller's prices from one day on; `rule` is the id by which a figure names them."""

    rule: str
    valid_from: date
    unit: str
    tiers: tuple[Tier, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the price made: quantity times price, rounded to the fen."""

    rule: str
    beyond: Decimal
    to: Decimal | None
    price: Decimal
    quantity: Decimal
    amount: int


@dataclass(frozen=True, slots=True)
class Usual:
    """How a quantity compares with the median of the periods before."""

    median: Decimal | None
    is_unusual: bool


def tariff_on(day: date, tariffs: Sequence[Tariff]) -> Tariff | None:
    """Return the prices in force on a day, or None."""
    in_force = [tariff for tariff in tariffs if tariff.valid_from <= day]
    return max(in_force, key=lambda tariff: tariff.valid_from, default=None)


def used_between(previous: Decimal, current: Decimal, *, digits: int | None = None) -> Decimal:
    """Return what a meter counted; one that passed its last digit began again at zero.

    Raise `ValueError` when the readings go backwards and the meter's digits are not known.
    """
    if current >= previous:
        return current - previous
    if digits is None or previous >= 10**digits:
        raise ValueError("the readings go backwards")
    return current + Decimal(10) ** digits - previous


def explain(quantity: Decimal, tariff: Tariff) -> tuple[Step, ...]:
    """Return the steps that a quantity falls on, lowest first.

    The quantities add up to the whole. Each step is rounded half up by itself, as bills print it.
    """
    steps, beyond = list[Step](), Decimal(0)
    for tier in tariff.tiers:
        upper = quantity if tier.to is None else min(quantity, tier.to)
        if upper <= beyond:
            break
        amount = int(((upper - beyond) * tier.price).quantize(Decimal(1), ROUND_HALF_UP))
        steps.append(Step(tariff.rule, beyond, tier.to, tier.price, upper - beyond, amount))
        beyond = upper
    return tuple(steps)


def compare(quantity: Decimal, before: Sequence[Decimal]) -> Usual:
    """Say whether a quantity is unusual: more than twice the median of at least three before."""
    if len(before) < FEWEST_TO_COMPARE:
        return Usual(None, is_unusual=False)
    middle = Decimal(median(before))
    return Usual(middle, is_unusual=quantity > middle * UNUSUAL_FACTOR)
