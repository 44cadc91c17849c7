"""What the tables of this plug-in have in common."""

from enum import StrEnum

from sqlalchemy import CheckConstraint

from app.sdk import base_for


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """Return the check that a column holds one of these states, named as the column."""
    names = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} in ({names})", name=column)


class Base(base_for("jobs")):  # type: ignore[misc] # mypy knows no computed base class
    """The tables of this plug-in, in its own schema."""

    __abstract__ = True
