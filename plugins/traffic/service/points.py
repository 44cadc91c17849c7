"""The points of a driving licence in its own twelve months."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeAlias

from plugins.traffic.service.dated import Basis
from plugins.traffic.service.terms import add_months


@dataclass(frozen=True, slots=True)
class PointsRule:
    """How long a cycle is, how many points take the licence, and what study takes away."""

    valid_from: date
    cycle_months: int
    full: int
    study_most: int
    study_open: bool
    basis: Basis
    source: str


@dataclass(frozen=True, slots=True)
class StudyRule:
    """How many points a course of each kind takes away."""

    valid_from: date
    points: Mapping[str, int]
    basis: Basis
    source: str


@dataclass(frozen=True, slots=True)
class PointsEntry:
    """Points given on a day, and the day on which the fine they came with was paid, if it was.

    What came without a fine is settled on the day it was given.
    """

    on: date
    points: int
    settled_on: date | None

    def __post_init__(self) -> None:
        if self.points < 0:
            raise ValueError("points are given, study takes them away")


@dataclass(frozen=True, slots=True)
class Study:
    """Points that study on a day may take away."""

    on: date
    points: int

    def __post_init__(self) -> None:
        if self.points < 0:
            raise ValueError("study takes points away")


@dataclass(frozen=True, slots=True)
class PointsBalance:
    """How a licence stands on a day: its cycle (both days included), its points, and what is left.

    `carried` are those of earlier cycles; `is_full` means that the licence is withheld until its
    holder has passed the examination.
    """

    cycle_from: date
    cycle_to: date
    points: int
    carried: int
    left: int
    is_full: bool


_Event: TypeAlias = tuple[date, int, PointsEntry | Study | None]
"""A day, the order within it, and what happened; None is the examination."""


def find_cycle(issued_on: date, on: date, rule: PointsRule) -> tuple[date, date]:
    """Return the first and the last day of the cycle of a day, counted from the first issue.

    Raise `ValueError` for a day before the licence was issued.
    """
    if on < issued_on:
        raise ValueError("there are no points before the licence")
    months = (on.year - issued_on.year) * 12 + on.month - issued_on.month
    number = months // rule.cycle_months
    begins = add_months(issued_on, number * rule.cycle_months)
    if begins > on:
        number -= 1
        begins = add_months(issued_on, number * rule.cycle_months)
    next_one = add_months(issued_on, (number + 1) * rule.cycle_months)
    return begins, next_one - timedelta(days=1)


def count_points(
    issued_on: date,
    entries: Iterable[PointsEntry],
    on: date,
    rule: PointsRule,
    *,
    studies: Iterable[Study] = (),
    passed_on: Iterable[date] = (),
) -> PointsBalance:
    """Return the points of a licence at the end of a day; what lies after it is not looked at.

    At a cycle's end points whose fine is paid are struck off, and others go over into the next;
    a full licence keeps all of them until its holder passes the examination, which strikes off
    what was given up to then. Study takes away the oldest points first, within the rule's most for
    a cycle, and not of a full licence. Of one day points come first, then study, then the
    examination. Raise `ValueError` for points from before the licence.
    """
    happened: list[_Event] = sorted(
        (
            *((entry.on, 0, entry) for entry in entries if entry.on <= on),
            *((study.on, 1, study) for study in studies if study.on <= on and rule.study_open),
            *((day, 2, None) for day in passed_on if day <= on),
        ),
        key=lambda event: event[:2],
    )
    begins, ends = find_cycle(issued_on, min((event[0] for event in happened), default=on), rule)
    kept: list[PointsEntry] = []
    while True:
        kept = _go_through(kept, [e for e in happened if begins <= e[0] <= ends], rule)
        if ends >= on:
            break
        if _total(kept) < rule.full:
            kept = [e for e in kept if e.settled_on is None or e.settled_on > ends]
        begins, ends = find_cycle(issued_on, ends + timedelta(days=1), rule)
    total = _total(kept)
    return PointsBalance(
        cycle_from=begins,
        cycle_to=ends,
        points=total,
        carried=_total(entry for entry in kept if entry.on < begins),
        left=max(0, rule.full - total),
        is_full=total >= rule.full,
    )


def _go_through(
    kept: list[PointsEntry], happened: Iterable[_Event], rule: PointsRule
) -> list[PointsEntry]:
    """Return what is kept of points after the events of one cycle."""
    may_study = rule.study_most
    for _, _, event in happened:
        if isinstance(event, PointsEntry):
            kept = [*kept, event]
        elif event is None:
            kept = []
        elif _total(kept) < rule.full:
            away = min(event.points, may_study, _total(kept))
            may_study -= away
            kept = _take_away(kept, away)
    return kept


def _take_away(kept: Iterable[PointsEntry], points: int) -> list[PointsEntry]:
    left = []
    for entry in kept:
        away = min(entry.points, points)
        points -= away
        left.append(replace(entry, points=entry.points - away))
    return left


def _total(entries: Iterable[PointsEntry]) -> int:
    return sum(entry.points for entry in entries)
