"""Split rules as data: read from files, checked, and published version by version."""

import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from marshmallow import ValidationError
from sqlalchemy import select, text

from app.core.pagination import Page, PageRequest, fetch_page
from app.core.unit_of_work import UnitOfWork
from app.ledger.events import SplitRulesPublished
from app.ledger.models import LedgerSplitRule
from app.ledger.service.rule_schema import SplitFileSchema
from app.ledger.values import WHOLE, FeeBearer, Part, PartKind, SplitRule

_LOCK = 7_302_062


class SplitRulesInvalid(ValueError):
    """The files of split rules cannot be published; each fault names its file and what to do."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def read_split_rules(folder: Path) -> tuple[SplitRule, ...]:
    """Return every version of every rule in a folder of TOML files, one file a payee or service.

    Raise `SplitRulesInvalid` with every fault of every file.
    """
    faults: list[str] = []
    found: list[SplitRule] = []
    owners: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        name = f"{folder.name}/{path.name}"
        try:
            # Percents are exact: a float would be another number than the file says.
            raw = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            faults.append(f"{name}: is not TOML in UTF-8: {error}; mend that line")
            continue
        try:
            SplitFileSchema().load(raw)
        except ValidationError as error:
            said = cast("dict[str, Any]", error.messages)
            faults += [f"{name}: `{field}`: {what}" for field, what in said.items()]
            continue
        rules = list(_rules_of(raw))
        earlier = owners.setdefault(raw["applies_to"], name)
        if earlier != name:
            faults.append(f"{name}: {raw['applies_to']} has its rules in {earlier}; keep one file")
        faults += [f"{name}: {fault}" for fault in _disorder(rules)]
        found += rules
    if faults:
        raise SplitRulesInvalid(faults)
    return tuple(found)


def _rules_of(raw: Mapping[str, Any]) -> Iterator[SplitRule]:
    for version in raw["versions"]:
        yield SplitRule(
            applies_to=raw["applies_to"],
            version=version["version"],
            valid_from=version["valid_from"].astimezone(UTC),
            fee_bearer=FeeBearer(version["fee_bearer"]),
            parts=tuple(
                Part(part["account"], PartKind(part["kind"]), _size(part), part.get("priority", 0))
                for part in version["parts"]
            ),
        )


def _size(part: Mapping[str, Any]) -> int:
    if part["kind"] == PartKind.FIXED:
        return int(part["amount"])
    if part["kind"] == PartKind.PERCENT:
        return int(Decimal(part["percent"]) * (WHOLE // 100))
    return 0


def _disorder(rules: Sequence[SplitRule]) -> Iterator[str]:
    for before, after in itertools.pairwise(rules):
        if after.version <= before.version or after.valid_from <= before.valid_from:
            yield (
                f"version {after.version} follows version {before.version}; "
                "numbers and `valid_from` must grow"
            )


def publish_split_rules(uow: UnitOfWork, rules: Sequence[SplitRule]) -> int:
    """Add the versions that are new, and return how many; idempotent.

    A version that was published is never changed, money was split by it: raise
    `SplitRulesInvalid` for another content under its number, and for a number or a moment that is
    not above all earlier ones of its rule.
    """
    uow.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    published: dict[str, dict[int, SplitRule]] = {}
    for row in uow.scalars(select(LedgerSplitRule)):
        published.setdefault(row.applies_to, {})[row.version] = rule_of(row)
    faults: list[str] = []
    new: list[SplitRule] = []
    for rule in rules:
        before = published.get(rule.applies_to, {})
        kept = before.get(rule.version)
        name = f"{rule.applies_to}: version {rule.version}"
        if kept is not None and kept != rule:
            faults.append(f"{name} was published with another content; give it the next version")
        elif kept is None and any(
            rule.version <= other.version or rule.valid_from <= other.valid_from
            for other in before.values()
        ):
            faults.append(f"{name} is not after the published ones in number and `valid_from`")
        elif kept is None:
            new.append(rule)
    if faults:
        raise SplitRulesInvalid(faults)
    uow.add_all(_row(rule) for rule in new)
    if new:
        named = tuple(f"{rule.applies_to}:{rule.version}" for rule in new)
        uow.record(SplitRulesPublished(rules=named))
    return len(new)


def rule_for(uow: UnitOfWork, service: str, payee_id: str, moment: datetime) -> SplitRule | None:
    """Return the version that is valid at a moment: of the service, else of the payee, else None.

    The highest version that has begun is the valid one.
    """
    names = (f"service:{service}", f"payee:{payee_id}")
    rows = uow.scalars(
        select(LedgerSplitRule)
        .where(LedgerSplitRule.applies_to.in_(names), LedgerSplitRule.valid_from <= moment)
        .order_by(LedgerSplitRule.applies_to.desc(), LedgerSplitRule.version.desc())
        .limit(1)
    ).one_or_none()
    return rule_of(rows) if rows else None


def list_split_rules(
    uow: UnitOfWork, page: PageRequest, applies_to: str | None
) -> Page[LedgerSplitRule]:
    """Return published versions by rule and number; of one payee or service when it is named."""
    statement = select(LedgerSplitRule)
    if applies_to is not None:
        statement = statement.where(LedgerSplitRule.applies_to == applies_to)
    keys = (LedgerSplitRule.applies_to, LedgerSplitRule.version)
    return fetch_page(uow, statement, keys, page)


def rule_of(row: LedgerSplitRule) -> SplitRule:
    """Return a stored version as it was published."""
    return SplitRule(
        applies_to=row.applies_to,
        version=row.version,
        valid_from=row.valid_from,
        fee_bearer=FeeBearer(row.fee_bearer),
        parts=tuple(
            Part(part["account"], PartKind(part["kind"]), part["size"], part["priority"])
            for part in row.parts
        ),
    )


def _row(rule: SplitRule) -> LedgerSplitRule:
    return LedgerSplitRule(
        applies_to=rule.applies_to,
        version=rule.version,
        valid_from=rule.valid_from,
        fee_bearer=rule.fee_bearer,
        parts=[
            {
                "account": part.account,
                "kind": part.kind.value,
                "size": part.size,
                "priority": part.priority,
            }
            for part in rule.parts
        ],
    )
