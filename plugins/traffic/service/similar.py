"""How similar objections have ended, so that nobody can be singled out.

Cases are counted in blocks of k different persons, quarter by quarter: a block is counted when it
is full, and not before. Whoever compares the figures of two days sees k persons more or less, or
nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime

from app.sdk import CITY_TIME
from plugins.traffic.service.dated import Basis

_QUARTER = 3


@dataclass(frozen=True, slots=True)
class SimilarRule:
    """How many persons a block has at the least, and over how many years is looked back."""

    valid_from: date
    least: int
    years: int
    basis: Basis
    source: str

    def since(self, on: date) -> datetime:
        """Return the moment from which on is counted on a day: the beginning of a quarter."""
        month = on.month - (on.month - 1) % _QUARTER
        return datetime(on.year - self.years, month, 1, tzinfo=CITY_TIME)


@dataclass(frozen=True, slots=True)
class SimilarOutcomes:
    """How objections on one ground to one offence ended; whole blocks of persons."""

    ground: str
    decided: int
    upheld: int
    reduced: int
    cancelled: int
