"""Texts and answers as they are kept: sealed for one table, column and row."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.sdk import House


def seal(house: House, table: str, column: str, row: UUID, plain: str | None) -> bytes | None:
    """Return a text sealed for its place; nothing stays nothing."""
    return None if plain is None else house.vault.seal(plain, place=f"{table}|{column}|{row}")


def unseal(house: House, table: str, column: str, row: UUID, sealed: bytes | None) -> str | None:
    """Return what `seal` was given."""
    return None if sealed is None else house.vault.unseal(sealed, place=f"{table}|{column}|{row}")


def seal_values(
    house: House, table: str, column: str, row: UUID, values: Mapping[str, Any]
) -> bytes:
    """Return JSON values sealed for their place."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return house.vault.seal(text, place=f"{table}|{column}|{row}")


def unseal_values(
    house: House, table: str, column: str, row: UUID, sealed: bytes | None
) -> Mapping[str, Any]:
    """Return what `seal_values` was given; nothing of an erased row."""
    if sealed is None:
        return {}
    values: dict[str, Any] = json.loads(house.vault.unseal(sealed, place=f"{table}|{column}|{row}"))
    return values
