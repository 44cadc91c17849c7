"""What the tables of this plug-in have in common."""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import CheckConstraint

from app.sdk import base_for

SCHEMA = "plugin_permits"


def among(column: str, states: Iterable[StrEnum]) -> str:
    """Return the condition that a column holds one of these states."""
    names = ", ".join(f"'{state}'" for state in sorted(states))
    return f"{column} in ({names})"


def one_of(column: str, states: Iterable[StrEnum]) -> CheckConstraint:
    """Return the check that a column holds one of these states, named as the column."""
    return CheckConstraint(among(column, states), name=column)


class Base(base_for("permits")):  # type: ignore[misc] # mypy knows no computed base class
    """The tables of this plug-in, in its own schema."""

    __abstract__ = True
