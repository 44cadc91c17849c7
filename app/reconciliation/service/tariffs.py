"""What gateways may keep of a charge, from `config/tariffs.toml`."""

import tomllib
from pathlib import Path
from typing import Any

from app.payments.values import Method
from app.reconciliation.values import Tariff, Tariffs

TARIFFS = "tariffs.toml"
_LARGEST = 10_000


class TariffsInvalid(ValueError):
    """The file of tariffs cannot be used; the message says what to mend."""


def read_tariffs(file: Path) -> Tariffs:
    """Return the tariffs of a file, or raise `TariffsInvalid`."""
    with file.open("rb") as stream:
        return parse_tariffs(tomllib.load(stream))


def parse_tariffs(content: dict[str, Any]) -> Tariffs:
    """Return tariffs by gateway and method, or raise `TariffsInvalid`."""
    return {
        gateway: {
            str(Method(method)): _tariff(gateway, method, row) for method, row in rows.items()
        }
        for gateway, rows in content.items()
    }


def _tariff(gateway: str, method: str, row: dict[str, Any]) -> Tariff:
    place = f"{gateway}.{method}"
    if set(row) != {"basis_points", "fixed"}:
        raise TariffsInvalid(f"{place}: basis_points and fixed are needed, and nothing else")
    if not all(type(number) is int and 0 <= number <= _LARGEST for number in row.values()):
        raise TariffsInvalid(f"{place}: whole numbers from 0 to {_LARGEST} are needed")
    return Tariff(row["basis_points"], row["fixed"])
