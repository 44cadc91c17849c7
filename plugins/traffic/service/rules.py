"""The rules of fines, terms, parts and points, read once from `rules.toml` when first asked."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from plugins.traffic.service.dated import Basis, Dated, NoRule, in_force
from plugins.traffic.service.instalments import InstalmentRule
from plugins.traffic.service.leniency import FirstOffenceRule
from plugins.traffic.service.points import PointsRule, StudyRule
from plugins.traffic.service.similar import SimilarRule
from plugins.traffic.service.surcharge import Halt, SurchargeRule
from plugins.traffic.service.terms import DaysOff, Term

_FILE = Path(__file__).parent.parent / "rules.toml"
PROCEDURES = frozenset({"summary", "ordinary"})
STUDIES = frozenset({"online", "classroom", "service"})


@dataclass(frozen=True, slots=True)
class ReviewFirst:
    """Which decisions go to reconsideration before a court takes them."""

    valid_from: date
    procedures: frozenset[str]
    basis: Basis
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that `rules.toml` says; each kind has one rule or more, by the day they begin."""

    surcharges: tuple[SurchargeRule, ...]
    terms: tuple[Term, ...]
    review_first: tuple[ReviewFirst, ...]
    instalments: tuple[InstalmentRule, ...]
    points: tuple[PointsRule, ...]
    studies: tuple[StudyRule, ...]
    first_offences: tuple[FirstOffenceRule, ...]
    similar: tuple[SimilarRule, ...]
    days_off: DaysOff

    def surcharge(self, received: date) -> SurchargeRule:
        """Return the rule for a decision received on a day, or raise `NoRule`."""
        return in_force(self.surcharges, received)

    def term(self, name: str, on: date) -> Term:
        """Return a term as it is for what was received on a day, or raise `NoRule`."""
        return in_force([term for term in self.terms if term.name == name], on)

    def goes_to_review_first(self, procedure: str, received: date) -> bool:
        """Tell whether a court takes a decision only after its reconsideration."""
        try:
            return procedure in in_force(self.review_first, received).procedures
        except NoRule:
            return False


@cache
def find_rules() -> Rules:
    """Return the rules that the city has set."""
    return read_rules(_FILE.read_text(encoding="utf-8"))


def read_rules(text: str) -> Rules:
    """Return the rules that a file says.

    Raises `ValueError`, `KeyError` or `TypeError` for whatever is not clear: a name that is not
    known, one that is missing, a figure that makes no sense, two rules of a kind from the same day.
    """
    said = tomllib.loads(text)
    rules = Rules(
        surcharges=tuple(_surcharge(rule) for rule in said.pop("surcharge")),
        terms=tuple(_term(rule) for rule in said.pop("terms")),
        review_first=tuple(_review_first(rule) for rule in said.pop("review_first")),
        instalments=tuple(InstalmentRule(**_common(rule)) for rule in said.pop("instalments")),
        points=tuple(PointsRule(**_common(rule)) for rule in said.pop("points")),
        studies=tuple(_study(rule) for rule in said.pop("study")),
        first_offences=tuple(_first_offence(rule) for rule in said.pop("first_offence")),
        similar=tuple(SimilarRule(**_common(rule)) for rule in said.pop("similar")),
        days_off=_days_off(said.pop("days_off")),
    )
    if said:
        raise ValueError(f"rules of no kind: {', '.join(said)}")
    _check(rules)
    return rules


def _common(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule's fields with those that every rule has in their own types."""
    if not rule["source"]:
        raise ValueError("a rule names its source")
    return {
        **rule,
        "valid_from": date.fromisoformat(rule["valid_from"]),
        "basis": Basis(rule["basis"]),
    }


def _surcharge(rule: Mapping[str, Any]) -> SurchargeRule:
    return SurchargeRule(
        **{
            **_common(rule),
            "per_day_percent": Decimal(rule["per_day_percent"]),
            "stopped_by": frozenset(Halt(kind) for kind in rule["stopped_by"]),
        }
    )


def _term(rule: Mapping[str, Any]) -> Term:
    return Term(**{"days": None, "months": None, **_common(rule)})


def _review_first(rule: Mapping[str, Any]) -> ReviewFirst:
    procedures = frozenset(rule["procedures"])
    if not procedures <= PROCEDURES:
        raise ValueError("a procedure is summary or ordinary")
    return ReviewFirst(**{**_common(rule), "procedures": procedures})


def _study(rule: Mapping[str, Any]) -> StudyRule:
    if rule["points"].keys() != STUDIES:
        raise ValueError("a rule of study says the points of each kind")
    return StudyRule(**_common(rule))


def _first_offence(rule: Mapping[str, Any]) -> FirstOffenceRule:
    said = _common(rule)
    return FirstOffenceRule(is_open=said.pop("open"), **{**said, "codes": frozenset(said["codes"])})


def _days_off(years: Sequence[Mapping[str, Any]]) -> DaysOff:
    off, worked = set[date](), set[date]()
    for said in years:
        year = _common({**said, "valid_from": f"{said['year']}-01-01"})["valid_from"].year
        of_year = {day for span in said["off"] for day in _days(span)}
        worked_in = {date.fromisoformat(day) for day in said["worked"]}
        if of_year & worked_in or any(day.year != year for day in of_year | worked_in):
            raise ValueError(f"the days off of {year} make no sense")
        off |= of_year
        worked |= worked_in
    return DaysOff(frozenset(off), frozenset(worked))


def _days(span: str) -> Iterator[date]:
    begins, _, ends = span.partition("/")
    day, last = date.fromisoformat(begins), date.fromisoformat(ends)
    if last < day:
        raise ValueError(f"{span} ends before it begins")
    while day <= last:
        yield day
        day += timedelta(days=1)


def _check(rules: Rules) -> None:
    kinds: tuple[Sequence[Dated], ...] = (
        rules.surcharges,
        rules.review_first,
        rules.instalments,
        rules.points,
        rules.studies,
        rules.first_offences,
        rules.similar,
        *([t for t in rules.terms if t.name == name] for name in {t.name for t in rules.terms}),
    )
    for kind in kinds:
        if not kind or len({rule.valid_from for rule in kind}) < len(kind):
            raise ValueError("a kind has no rule, or two from the same day")
    figures = [
        *(rule.per_day_percent for rule in rules.surcharges),
        *(rule.most_percent for rule in rules.surcharges),
        *(term.days if term.months is None else term.months for term in rules.terms),
        *(rule.most_parts for rule in rules.instalments),
        *(rule.least_part for rule in rules.instalments),
        *(rule.months_between for rule in rules.instalments),
        *(rule.cycle_months for rule in rules.points),
        *(rule.full for rule in rules.points),
        *(points for rule in rules.studies for points in rule.points.values()),
        *(rule.least for rule in rules.similar),
        *(rule.years for rule in rules.similar),
    ]
    if not all(figure is not None and figure > 0 for figure in figures):
        raise ValueError("a figure of a rule is not positive")
