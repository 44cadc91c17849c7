"""Values as JSON has them: for a person's copy, and for evidence that is kept."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID


def plain_values(values: Mapping[str, object]) -> dict[str, Any]:
    """Return JSON values: days and moments in ISO 8601, ids and exact numbers as text."""
    return {name: _json(value) for name, value in values.items()}


def _json(value: object) -> object:
    if isinstance(value, date):  # a moment is a day too
        return value.isoformat()
    if isinstance(value, Mapping):
        return plain_values(value)
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return str(value) if isinstance(value, UUID | Decimal) else value
