"""What the tables of this plug-in have in common."""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import CheckConstraint

from app.sdk import base_for


def among(column: str, values: Iterable[StrEnum]) -> str:
    """Return the condition that a column holds one of these values."""
    names = ", ".join(f"'{value}'" for value in values)
    return f"{column} in ({names})"


def one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """Return the check that a column holds one of these values, named as the column."""
    return CheckConstraint(among(column, values), name=column)


class Base(base_for("traffic")):  # type: ignore[misc] # mypy knows no computed base class
    """The tables of this plug-in, in its own schema."""

    __abstract__ = True
