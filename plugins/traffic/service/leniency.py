"""Whether a first offence may go unpunished; a person decides, this only says who may ask."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from plugins.traffic.service.dated import Basis
from plugins.traffic.service.terms import add_months


@dataclass(frozen=True, slots=True)
class FirstOffenceRule:
    """Of which offences a first one may go unpunished, and how long before it must be clean."""

    valid_from: date
    is_open: bool
    codes: frozenset[str]
    clean_months: int
    basis: Basis
    source: str


def may_go_unpunished(
    offence_code: str, on: date, earlier: Iterable[date], rule: FirstOffenceRule
) -> bool:
    """Tell whether a violation on a day is a first one that the city may leave unpunished.

    `earlier` are the days of the same driver's other violations; the day itself counts, and what
    came later does not.
    """
    since = add_months(on, -rule.clean_months)
    is_first = not any(since <= day <= on for day in earlier)
    return rule.is_open and offence_code in rule.codes and is_first
