"""What each biller asks for and allows, read once from `billers.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from plugins.utilities.service.late_fee import LateFeeRule
from plugins.utilities.service.tariff import Tariff, Tier
from plugins.utilities.values import (
    BILLERS,
    AmountRule,
    CustomerParam,
    Fetch,
    Follows,
    Pending,
    ReversalReason,
    TopUp,
    find_biller,
)

_FILE = Path(__file__).parent.parent / "billers.toml"


@dataclass(frozen=True, slots=True)
class Terms:
    """A biller's metadata: enough for an app to draw its form."""

    customer_params: tuple[CustomerParam, ...]
    fetch: Fetch
    amount_rule: AmountRule
    partial_allowed: bool
    advance_allowed: bool
    min_amount: int
    pending: Pending
    top_up: TopUp
    settlement_day: int
    closed_days: frozenset[date]
    late_fees: tuple[LateFeeRule, ...]
    tariffs: tuple[Tariff, ...]
    reversals: Mapping[ReversalReason, Follows]
    reversals_source: str


def find_terms(biller_id: str) -> Terms:
    """Return the terms of a biller, or raise `NotFound`."""
    return TERMS[find_biller(biller_id).id]


def read_terms(text: str) -> Mapping[str, Terms]:
    """Return the terms of every biller; raise `ValueError` or `KeyError` for anything unclear."""
    found = {biller: _terms(values) for biller, values in tomllib.loads(text).items()}
    if set(found) != set(BILLERS):
        raise ValueError("billers.toml and the manifest name other billers")
    return found


def _terms(values: Mapping[str, Any]) -> Terms:
    reversals = dict(values["reversals"])
    source = reversals.pop("source")
    rules = {ReversalReason(reason): Follows(rule) for reason, rule in reversals.items()}
    gives_back = rules.get(ReversalReason.NOT_LOADED) == Follows.MONEY_BACK
    if TopUp(values["top_up"]) == TopUp.REMOTE and not gives_back:
        raise ValueError("whoever loads meters gives the money of one that is not loaded back")
    return Terms(
        customer_params=tuple(CustomerParam(**param) for param in values["customer_params"]),
        fetch=Fetch(values["fetch"]),
        amount_rule=AmountRule(values["amount_rule"]),
        partial_allowed=values["partial_allowed"],
        advance_allowed=values["advance_allowed"],
        min_amount=values["min_amount"],
        pending=Pending(values["pending"]),
        top_up=TopUp(values["top_up"]),
        settlement_day=values["settlement_day"],
        closed_days=frozenset(date.fromisoformat(day) for day in values["closed_days"]),
        late_fees=tuple(_late_fee(rule) for rule in values.get("late_fees", ())),
        tariffs=tuple(_tariff(tariff) for tariff in values.get("tariffs", ())),
        reversals=rules,
        reversals_source=source,
    )


def _late_fee(rule: Mapping[str, Any]) -> LateFeeRule:
    return LateFeeRule(
        valid_from=date.fromisoformat(rule["valid_from"]),
        per_day=Decimal(rule["per_day"]),
        per_day_later=Decimal(rule["per_day_later"]),
        grace_days=rule["grace_days"],
        most_percent=rule["most_percent"],
        source=rule["source"],
    )


def _tariff(tariff: Mapping[str, Any]) -> Tariff:
    tiers = tuple(
        Tier(Decimal(tier["to"]) if "to" in tier else None, Decimal(tier["price"]))
        for tier in tariff["tiers"]
    )
    bounds = [tier.to for tier in tiers if tier.to is not None]
    endless = [tier.to is None for tier in tiers]
    if endless.index(True) != len(tiers) - 1 or bounds != sorted(set(bounds)):
        raise ValueError("steps rise, and the last has no end")
    return Tariff(
        rule=tariff["rule"],
        valid_from=date.fromisoformat(tariff["valid_from"]),
        unit=tariff["unit"],
        tiers=tiers,
        source=tariff["source"],
    )


TERMS: Mapping[str, Terms] = read_terms(_FILE.read_text(encoding="utf-8"))
