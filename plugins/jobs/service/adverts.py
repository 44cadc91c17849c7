"""Which adverts are refused, and by which passage: rules as data, read once from `adverts.toml`.

A text is read without blanks, signs and invisible characters, in half width, lower case and
simplified characters: whoever writes a forbidden word otherwise is found all the same.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from plugins.jobs.errors import AdvertRefused
from plugins.jobs.values import Advert, EmploymentType, Finding, PayUnit, city_today

_FILE = Path(__file__).parent.parent / "adverts.toml"
_BORDERS = frozenset("，。；！？,;!?\n\r")
"""What ends a clause; a denial reaches no further."""
_NEAR = 8
_AROUND = 6
_MONTHLY = (EmploymentType.FULL_TIME, EmploymentType.TEMPORARY, EmploymentType.OTHER)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it finds, what excuses it, and what is said to whoever wrote it."""

    id: str
    kind: str
    words: tuple[str, ...]
    patterns: re.Pattern[str] | None
    deniable: bool
    about: tuple[str, ...]
    after: tuple[str, ...]
    reason: Mapping[str, str]
    source: str

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where a text has what the rule finds."""
        for word in self.words:
            at = text.find(word)
            while at >= 0:
                yield at, at + len(word)
                at = text.find(word, at + 1)
        if self.patterns is not None:
            yield from (match.span() for match in self.patterns.finditer(text))


@dataclass(frozen=True, slots=True)
class LowestWage:
    """The lowest wage of some districts from a day on, in fen for a month and for an hour."""

    valid_from: date
    districts: frozenset[str]
    month: int
    hour: int
    source: str


@dataclass(frozen=True, slots=True)
class Denials:
    """How a passage is denied, and what insists that whoever applies is meant."""

    marks: re.Pattern[str]
    denials: frozenset[str]
    touching: frozenset[str]
    allowed_after: tuple[str, ...]
    denied_again: re.Pattern[str]
    insists: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that `adverts.toml` says."""

    same: Mapping[str, str]
    denials: Denials
    rules: tuple[Rule, ...]
    numbers: tuple[Rule, ...]
    digits: Mapping[int, str]
    wages: tuple[LowestWage, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A text as it is read: its characters, where each stands, and in which clause."""

    original: str
    text: str
    places: Sequence[int]
    clauses: Sequence[int]

    def clause_start(self, at: int) -> int:
        """Return where the clause of a character begins."""
        first = at
        while first > 0 and self.clauses[first - 1] == self.clauses[at]:
            first -= 1
        return first

    def passage(self, start: int, end: int) -> str:
        """Return a passage as it was written, with a little of what stands around it."""
        first = self.places[max(0, start - _AROUND)]
        last = self.places[min(len(self.places), end + _AROUND) - 1] + 1
        return self.original[first:last]


def check_advert(advert: Advert) -> None:
    """Raise `AdvertRefused` naming each passage, its rule and the source, when a rule is broken."""
    findings = find_faults(advert)
    if findings:
        raise AdvertRefused(
            errors=[{"pointer": f.pointer, "message": f.message} for f in findings],
            findings=[f.to_json() for f in findings],
        )


def find_faults(advert: Advert) -> list[Finding]:
    """Return what the rules refuse of an advert: of each rule the first passage in each part."""
    parts = ("title", "description", "address", "qualifications", "skills")
    found: list[Finding] = []
    for part in parts:
        text = getattr(advert, part)
        if text:
            found += find_in_text(text, f"/{part}")
    return [*found, *_wage_faults(advert, city_today())]


def find_in_text(text: str, pointer: str) -> list[Finding]:
    """Return what the rules refuse of one text."""
    read = read_text(text)
    found = []
    for rule in RULES.rules:
        span = next((s for s in rule.spans(read.text) if _counts(rule, read, *s)), None)
        if span is not None:
            found.append(_finding(rule, pointer, read.passage(*span)))
    plain = unicodedata.normalize("NFKC", text).translate(RULES.digits)
    for rule in RULES.numbers:
        for start, end in rule.spans(plain):
            found.append(_finding(rule, pointer, plain[start:end]))
            break
    return found


def read_text(text: str) -> Read:
    """Return a text as it is read."""
    signs: list[str] = []
    places: list[int] = []
    clauses: list[int] = []
    clause = 0
    for place, sign in enumerate(text):
        if sign in _BORDERS:
            clause += 1
            continue
        for plain in _plain(sign):
            signs.append(plain)
            places.append(place)
            clauses.append(clause)
    return Read(text, "".join(signs), places, clauses)


def lowest_wage(district: str, day: date) -> LowestWage | None:
    """Return the lowest wage of a district on a day, or None where none is known."""
    known = [w for w in RULES.wages if district in w.districts and w.valid_from <= day]
    return max(known, key=lambda wage: wage.valid_from, default=None)


def read_rules(text: str) -> Rules:
    """Return the rules; raise `ValueError` or `KeyError` for anything unclear."""
    raw = tomllib.loads(text)
    reading = raw["reading"]
    (numbers,) = raw["numbers"]
    marks = sorted([*reading["denials"], *reading["demands"]], key=len, reverse=True)
    return Rules(
        same={pair[0]: pair[1] for pair in reading["same"].split()},
        denials=Denials(
            marks=_any_of(marks),
            denials=frozenset(reading["denials"]),
            touching=frozenset(reading["touching"]),
            allowed_after=tuple(reading["allowed_after"]),
            denied_again=_any_of(reading["denied_again"]),
            insists=_any_of(reading["insists"]),
        ),
        rules=tuple(_rule(one) for one in raw["rules"]),
        numbers=(_rule(numbers),),
        digits={ord(pair[0]): pair[1] for pair in numbers["digits"].split()},
        wages=tuple(_wage(one) for one in raw["lowest_wages"]),
    )


@lru_cache(maxsize=20_000)
def _plain(sign: str) -> str:
    """Return what a character is read as: nothing for blanks and signs."""
    folded = unicodedata.normalize("NFKC", sign).casefold()
    return "".join(RULES.same.get(one, one) for one in folded if one.isalnum())


def _counts(rule: Rule, read: Read, start: int, end: int) -> bool:
    """Say whether a passage means what the rule is against."""
    before = read.text[read.clause_start(start) : start]
    behind = read.text[end : end + _NEAR]
    is_about = any(word in before for word in rule.about) or behind.startswith(rule.after)
    if is_about and not RULES.denials.insists.search(before + behind):
        return False
    return not (rule.deniable and _is_denied(read, end, before))


def _is_denied(read: Read, end: int, before: str) -> bool:
    rules = RULES.denials
    if rules.denied_again.search(read.text[end : end + _NEAR * 2]):
        return False
    if any(word in read.text[end : end + _NEAR] for word in rules.allowed_after):
        return True
    # Whatever stands last says what is meant: 不收押金, but 不限经验需交押金.
    marks = list(rules.marks.finditer(before))
    if not marks or marks[-1][0] not in rules.denials:
        return False
    return marks[-1][0] not in rules.touching or marks[-1].end() == len(before)


def _wage_faults(advert: Advert, today: date) -> Iterator[Finding]:
    wage = lowest_wage(advert.district, today)
    if wage is None:
        return
    is_hourly = advert.pay_unit == PayUnit.HOUR
    if not is_hourly and advert.employment_type not in _MONTHLY:
        return  # how many hours a month's pay is for is not known
    lowest, unit = (wage.hour, "小时") if is_hourly else (wage.month, "月")
    if advert.pay_from < lowest:
        reason = {
            "zh": f"工资低于当地最低工资标准（{lowest / 100:g}元/{unit}）",
            "en": "The pay is less than the local minimum wage",
        }
        passage = f"{advert.pay_from / 100:g}元/{unit}"
        yield Finding("/pay_from", passage, "minimum-wage", "wage", reason, wage.source)


def _finding(rule: Rule, pointer: str, passage: str) -> Finding:
    return Finding(pointer, passage, rule.id, rule.kind, rule.reason, rule.source)


def _rule(raw: Mapping[str, Any]) -> Rule:
    if raw["basis"] not in {"law", "local"}:
        raise ValueError(f"{raw['id']} has no basis")
    patterns = "|".join(raw.get("patterns", ()))
    return Rule(
        id=raw["id"],
        kind=raw["kind"],
        words=tuple(raw.get("words", ())),
        patterns=re.compile(patterns) if patterns else None,
        deniable=raw.get("deniable", False),
        about=tuple(raw.get("about", ())),
        after=tuple(raw.get("after", ())),
        reason=raw["reason"],
        source=raw["source"],
    )


def _wage(raw: Mapping[str, Any]) -> LowestWage:
    return LowestWage(
        valid_from=date.fromisoformat(raw["valid_from"]),
        districts=frozenset(raw["districts"]),
        month=raw["month"],
        hour=raw["hour"],
        source=raw["source"],
    )


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(word) for word in words))


RULES = read_rules(_FILE.read_text(encoding="utf-8"))
