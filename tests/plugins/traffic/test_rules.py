"""The rules are data: dated, each with its source, and read strictly."""

import ast
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from plugins.traffic.service import leniency, rules
from plugins.traffic.service.dated import Basis, NoRule
from plugins.traffic.service.rules import find_rules, read_rules

FOLDER = Path(rules.__file__).parent
FILE = FOLDER.with_name("rules.toml").read_text(encoding="utf-8")
PURE = (
    "dated",
    "deadlines",
    "fairness",
    "instalments",
    "leniency",
    "points",
    "rules",
    "similar",
    "surcharge",
    "terms",
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('per_day_percent = "3"', 'per_day_percent = "-3"'),
        ('stopped_by = ["deferral"]', 'stopped_by = ["weather"]'),
        ("days = 15\n", "days = 15\nmonths = 1\n"),
        ("days = 15\n", ""),
        ("days = 15\n", "days = 0\n"),
        ('basis = "local"', 'basis = "hearsay"'),
        ('procedures = ["summary"]', 'procedures = ["secret"]'),
        ("most_parts = 6", "most_part = 6"),
        ("least_part = 5000", "least_part = 0"),
        ('"2026-02-15/2026-02-23"', '"2026-02-23/2026-02-15"'),
        ('"2026-02-15/2026-02-23"', '"2026-02-15/2027-02-23"'),
        ('worked = ["2026-01-04"', 'worked = ["2026-01-03"'),
        ('valid_from = "2012-01-01"', 'valid_from = "2021-07-15"'),
        ('valid_from = "1999-10-01"', 'valid_from = "2024-01-01"'),
        ("[[points]]", "[[demerits]]"),
        ("[[review_first]]", "[gossip]\n[[review_first]]"),
    ],
)
def test_rules_that_make_no_sense_are_refused(old: str, new: str) -> None:
    assert old in FILE
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_rules(FILE.replace(old, new, 1))


def test_every_rule_names_its_source_and_whether_the_law_says_its_figures() -> None:
    found = find_rules()
    all_rules = [
        *found.surcharges,
        *found.terms,
        *found.review_first,
        *found.instalments,
        *found.points,
        *found.first_offences,
    ]
    assert len(all_rules) >= 14
    assert {rule.basis for rule in all_rules} == set(Basis)
    for rule in all_rules:
        assert "Law" in rule.source or "Regulation" in rule.source or rule.basis is Basis.LOCAL
        assert rule.valid_from <= date(2026, 11, 29)
    with pytest.raises(ValueError, match="source"):
        read_rules(FILE.replace('source = "State Council', 'source = "" # "State Council', 1))


def test_the_rule_of_a_day_is_the_latest_that_has_begun() -> None:
    found = find_rules()
    revision = date(2021, 7, 15)
    assert found.surcharge(revision).valid_from == revision
    assert found.surcharge(revision - timedelta(days=1)).valid_from == date(2012, 1, 1)
    with pytest.raises(NoRule):
        found.surcharge(date(2011, 12, 31))
    with pytest.raises(NoRule):
        found.term("appeal", revision)
    assert found.goes_to_review_first("summary", date(2024, 1, 1))
    assert not found.goes_to_review_first("summary", date(2023, 12, 31))
    assert not found.goes_to_review_first("ordinary", date(2024, 1, 1))


@pytest.mark.parametrize(
    ("code", "earlier", "is_open", "found"),
    [
        ("1039", [], True, True),
        ("1625", [], True, False),
        ("1039", [], False, False),
        # Twelve clean months before Sunday 29 November 2026, and not a day less.
        ("1039", [date(2025, 11, 28)], True, True),
        ("1039", [date(2025, 11, 29)], True, False),
        ("1039", [date(2026, 11, 29)], True, False),
        ("1039", [date(2026, 11, 30)], True, True),
    ],
)
def test_a_first_offence_may_go_unpunished(
    code: str, earlier: list[date], is_open: object, found: object
) -> None:
    text = FILE if is_open else FILE.replace("\nopen = true", "\nopen = false", 1)
    (rule,) = read_rules(text).first_offences
    on = date(2026, 11, 29)
    assert leniency.may_go_unpunished(code, on, earlier, rule) is found


def test_the_days_off_of_two_years() -> None:
    days_off = find_rules().days_off
    for off in ("2026-02-15", "2026-02-23", "2027-02-05", "2027-02-10", "2026-11-29", "2028-01-01"):
        assert days_off.is_off(date.fromisoformat(off)), off
    for worked in ("2026-02-14", "2026-02-24", "2026-02-28", "2027-02-04", "2027-02-11"):
        assert not days_off.is_off(date.fromisoformat(worked)), worked


def _names(module: str) -> set[str]:
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


@pytest.mark.parametrize("module", PURE)
def test_the_rules_know_no_database_no_clock_and_no_request(module: str) -> None:
    ours = {f"plugins.traffic.service.{name}" for name in PURE}
    for name in _names(module):
        if name.startswith("plugins."):
            assert name.rpartition(".")[0] in ours
        if name.startswith("app."):
            assert name == "app.sdk.CITY_TIME"
    assert not any("sqlalchemy" in name or "requests" in name for name in _names(module))


@pytest.mark.parametrize("module", PURE)
def test_values_are_frozen_and_slotted(module: str) -> None:
    namespace = vars(__import__(f"plugins.traffic.service.{module}", fromlist=["*"]))
    for value in namespace.values():
        if isinstance(value, type) and is_dataclass(value):
            assert value.__dataclass_params__.frozen, value
            assert "__slots__" in vars(value), value
            assert fields(value)


def test_importing_reads_no_file() -> None:
    # The rules are read when first asked for: `_FILE` is named, and read inside one function.
    tree = ast.parse((FOLDER / "rules.py").read_text(encoding="utf-8"))
    at_import = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    calls = {ast.unparse(n.func) for s in at_import for n in ast.walk(s) if isinstance(n, ast.Call)}
    assert calls == {"Path", "frozenset"}
