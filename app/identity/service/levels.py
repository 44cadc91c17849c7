"""Which evidence makes which level: the one table (levels.toml), and what follows from it."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app.core.tokens import LEVELS
from app.identity.values import EvidenceKind

_FEBRUARY_28 = 28


@dataclass(frozen=True, slots=True)
class KindRule:
    """What a kind of evidence is called, and how long it counts."""

    title: Mapping[str, str]
    years: int | None
    is_linked: bool
    follows_phone: bool


@dataclass(frozen=True, slots=True)
class LevelRule:
    """What a level needs besides the level before it."""

    level: str
    all_of: frozenset[EvidenceKind]
    any_of: frozenset[EvidenceKind]
    linked: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The whole table, with its date and where it comes from."""

    as_of: date
    source: str
    levels: Sequence[LevelRule]
    kinds: Mapping[EvidenceKind, KindRule]

    def level_of(self, held: Collection[EvidenceKind]) -> str:
        """Return the highest level that these kinds of evidence make."""
        kinds = frozenset(held)
        linked = sum(self.kinds[kind].is_linked for kind in kinds)
        reached = "basic"
        for rule in self.levels:
            if not (rule.all_of <= kinds and rule.any_of & kinds and linked >= rule.linked):
                break
            reached = rule.level
        return reached

    def standing(
        self, held: Collection[tuple[EvidenceKind, datetime | None]], moment: datetime
    ) -> tuple[str, datetime | None]:
        """Return the level at a moment, and when it drops by itself (None: never).

        `held` are the kinds of evidence with their ends.
        """

        def level_at(when: datetime) -> str:
            return self.level_of([kind for kind, end in held if end is None or end > when])

        level = level_at(moment)
        ends = sorted(end for _, end in held if end is not None and end > moment)
        return level, next((end for end in ends if level_at(end) != level), None)

    def end_of(self, kind: EvidenceKind, obtained_at: datetime) -> datetime | None:
        """Return when evidence of a kind expires: so many calendar years later, or never."""
        years = self.kinds[kind].years
        if years is None:
            return None
        try:
            return obtained_at.replace(year=obtained_at.year + years)
        except ValueError:  # 29 February
            return obtained_at.replace(year=obtained_at.year + years, day=_FEBRUARY_28)


def read_rules(text: str) -> Rules:
    """Return the table of a TOML text, or raise `ValueError` for one that cannot be meant."""
    content = tomllib.loads(text)
    kinds = {
        EvidenceKind(name): KindRule(
            title=dict(rule["title"]),
            years=rule.get("years"),
            is_linked=rule.get("is_linked", False),
            follows_phone=rule.get("follows_phone", False),
        )
        for name, rule in content["kinds"].items()
    }
    if kinds.keys() != set(EvidenceKind):
        raise ValueError("every kind of evidence needs a rule, and no other")
    levels = [_level(rule) for rule in content["levels"]]
    order = [rule.level for rule in levels]
    if order != [level for level in LEVELS if level in order] or "basic" in order:
        raise ValueError("levels stand lowest first, above basic, each once")
    return Rules(content["as_of"], content["source"], levels, kinds)


def _level(rule: Mapping[str, Any]) -> LevelRule:
    return LevelRule(
        level=rule["level"],
        all_of=frozenset(map(EvidenceKind, rule["all_of"])),
        any_of=frozenset(map(EvidenceKind, rule["any_of"])),
        linked=rule["linked"],
    )


RULES = read_rules((Path(__file__).parent.parent / "levels.toml").read_text("utf-8"))
"""The table of this installation."""
