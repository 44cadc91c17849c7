"""How one amount is laid on what is owed: the oldest period first, then by head.

Nothing here knows a database or a biller; `tests/plugins/utilities/test_apportionment.py` holds the
worked vectors, which are the promise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Owed:
    """One line of one bill, in fen; a negative one is a rebate, and is laid before what it eases.

    `order` is the rank of the head within its bill: what has a lower one is paid first.
    """

    bill: str
    period_from: date
    order: int
    head: str
    amount: int


@dataclass(frozen=True, slots=True)
class Part:
    """What of a payment falls on one line."""

    bill: str
    head: str
    amount: int


@dataclass(frozen=True, slots=True)
class Apportionment:
    """What falls on each line, and what remains as an advance.

    The parts and the advance add up to what was paid.
    """

    parts: tuple[Part, ...]
    advance: int


def apportion(amount: int, owed: Iterable[Owed]) -> Apportionment:
    """Lay an amount on lines: oldest period, then bill, negatives first, then order of the head.

    A rebate stands in the parts as a negative amount and adds to what the lines of its own bill
    may take; what exceeds its bill stays with the next ones, as an advance does. A bill's parts
    never exceed what the bill asks for, and an amount of zero still settles rebates against lines.
    Raise `ValueError` for a negative amount.
    """
    if amount < 0:
        raise ValueError("a payment is not negative")
    left, parts = amount, list[Part]()
    for line in sorted(owed, key=_rank):
        taken = line.amount if line.amount < 0 else min(line.amount, left)
        if taken != 0:
            parts.append(Part(line.bill, line.head, taken))
            left -= taken
    return Apportionment(tuple(parts), left)


def total_owed(owed: Sequence[Owed]) -> int:
    """Return what all lines ask for together; negative when rebates exceed them."""
    return sum(line.amount for line in owed)


def _rank(line: Owed) -> tuple[date, str, bool, int, str]:
    return line.period_from, line.bill, line.amount >= 0, line.order, line.head
