"""What somebody looks for among the vacancies: the same for a search and for one that is kept."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from plugins.jobs.values.vacancies import Advert, Education, monthly

MOST_QUERY, MOST_FRESH_DAYS = 60, 365
PAY_STEP = 100_000
"""In fen: pays are filed under the whole thousands of yuan that they reach."""
_PAY_STEPS = 30
_LONGEST_GRAM, _LONGEST_WORD = 4, 12
# A letter, a digit or a sign that names a trade (C++, C#); Han characters stand by themselves.
_HAN = "\u3400-\u9fff\uf900-\ufaff"
_RUNS = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+[+#]*")
_IS_HAN = re.compile(rf"[{_HAN}]")


class SearchOrder(StrEnum):
    """How what was found is sorted; the title counts more than other words, then freshness."""

    RELEVANCE = "relevance"
    FRESHNESS = "freshness"
    PAY = "pay"


@dataclass(frozen=True, slots=True)
class VacancyFilter:
    """What vacancies are looked for; None leaves a thing open. Pay is in fen a month.

    `education` and `experience_months` are what somebody has: what asks for more is left out.
    """

    q: str | None = None
    district: str | None = None
    employment_type: str | None = None
    pay_from: int | None = None
    pay_to: int | None = None
    education: str | None = None
    experience_months: int | None = None
    fresh_days: int | None = None
    employer_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what is looked for as JSON values, without what is open."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the filter that `to_json` wrote; names that are none any more are left out."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in kept.items() if name in names})


def runs_of(text: str) -> list[str]:
    """Return the runs of a text: Han characters, or letters and digits (`java`, `c++`, `5g`).

    Half and full width, and capitals, are the same (Unicode NFKC, case folding).
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return _RUNS.findall(unicodedata.normalize("NFKC", plain))


def searched_words(*texts: str | None) -> str:
    """Return what searches look in: every run between two blanks."""
    return " ".join(["", *(run for text in texts if text for run in runs_of(text)), ""])


def looked_for(run: str) -> str:
    """Return what must stand in `searched_words`: Han anywhere, other words from their first."""
    return run if _IS_HAN.match(run) else f" {run}"


def is_term(run: str) -> bool:
    """Say whether one of `terms_for` says all of a run: who has it has the run, and nobody else."""
    return len(run) <= (_LONGEST_GRAM if _IS_HAN.match(run) else _LONGEST_WORD)


def terms_of(advert: Advert, employer_name: str) -> list[str]:
    """Return everything that a vacancy is found under by an index, sorted.

    Pieces of its words, the same of the title after `^`, and marks of what it offers.
    """
    terms = {*_marks(advert)}
    for run in runs_of(advert.title):
        grams = set(_grams(run))
        terms |= grams | {f"^{gram}" for gram in grams}
    for text in (employer_name, advert.skills):
        terms.update(gram for run in runs_of(text or "") for gram in _grams(run))
    return sorted(terms)


def terms_for(wanted: VacancyFilter, *, in_title: bool = False) -> list[str]:
    """Return terms that everything has that is found; what has them all need not be found."""
    grams = {gram for run in runs_of(wanted.q or "") for gram in _needed(run)}
    terms = {f"^{gram}" if in_title else gram for gram in grams}
    if wanted.district is not None:
        terms.add(f"=district:{wanted.district}")
    if wanted.employment_type is not None:
        terms.add(f"=type:{wanted.employment_type}")
    if wanted.education is not None:
        terms.add(f"=education:{Education(wanted.education).rank}")
    if wanted.pay_from is not None and wanted.pay_from >= PAY_STEP:
        terms.add(f"=pay:{min(wanted.pay_from // PAY_STEP, _PAY_STEPS)}")
    return sorted(terms)


def _marks(advert: Advert) -> Iterator[str]:
    yield f"=district:{advert.district}"
    yield f"=type:{advert.employment_type}"
    ranks = range(Education(advert.education).rank, len(Education))
    yield from (f"=education:{rank}" for rank in ranks)
    reached = min(monthly(advert.pay_to, advert.pay_unit) // PAY_STEP, _PAY_STEPS)
    yield from (f"=pay:{step}" for step in range(1, reached + 1))


def _grams(run: str) -> Iterator[str]:
    """Yield what a run is found under: of Han every one to four characters, of others beginnings.

    What is looked for is mostly one of these: PostgreSQL keeps how frequent each is, and would
    take several that always come together for a much rarer thing than they are.
    """
    if not _IS_HAN.match(run):
        yield from (f"<{run[:length]}" for length in range(1, min(len(run), _LONGEST_WORD) + 1))
        return
    for length in range(1, _LONGEST_GRAM + 1):
        yield from (run[at : at + length] for at in range(len(run) - length + 1))


def _needed(run: str) -> Iterator[str]:
    """Yield the fewest terms that everything has which a run is found in."""
    if not _IS_HAN.match(run):
        yield f"<{run[:_LONGEST_WORD]}"
        return
    last = max(len(run) - _LONGEST_GRAM, 0)
    yield from (run[at : at + _LONGEST_GRAM] for at in {*range(0, last, _LONGEST_GRAM), last})
