"""Rules that hold from a day on, and where they come from."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeVar


class Basis(StrEnum):
    """Whether a rule's source says its figures, or the city has chosen them."""

    LAW = "law"
    LOCAL = "local"


class NoRule(LookupError):
    """No rule was in force on that day."""


class Dated(Protocol):
    """A rule that holds from a day on."""

    @property
    def valid_from(self) -> date:
        """The first day on which the rule holds."""


_R = TypeVar("_R", bound=Dated)


def in_force(rules: Iterable[_R], on: date) -> _R:
    """Return the latest rule that holds on a day, or raise `NoRule`."""
    held = [rule for rule in rules if rule.valid_from <= on]
    if not held:
        raise NoRule(f"no rule was in force on {on}")
    return max(held, key=lambda rule: rule.valid_from)
