"""What the catalogue is made from, what is asked of it, and why a service was found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

Table = dict[str, Any]
CURRENCY = "CNY"

ACTIONS = ("query", "book", "pay", "handle")
AUDIENCES = ("citizen", "organisation", "both")
CHANNELS = ("online", "hall", "phone", "self-service")
KINDS = ("payable", "application", "listing", "guide")
NECESSITIES = ("required", "conditional", "deferrable")
SOURCES = ("applicant", "certificate-library", "data-exchange")
UNITS = ("working", "calendar")


def priced(fees: Iterable[Table]) -> list[Table]:
    """Return fees as they are shown: files do not say the currency, which there is one of."""
    return [{**fee, "currency": CURRENCY} for fee in fees]


class Kind(StrEnum):
    """What an entry of the catalogue is."""

    CATEGORY = "category"
    DEPARTMENT = "department"
    SERVICE = "service"
    SYNONYMS = "synonyms"


class MatchedBy(StrEnum):
    """Why a service was found; the order of the members is the order of the hits."""

    EXACT = "exact"
    PREFIX = "prefix"
    TITLE = "title"
    KEYWORD = "keyword"
    SYNONYM = "synonym"
    DEPARTMENT = "department"
    PINYIN = "pinyin"
    INITIALS = "initials"
    TYPO = "typo"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class Source:
    """One file as it was parsed, under the name by which people find it.

    A fault in a plug-in's file leaves out the entry that has it; one in ours stops the loading.
    """

    name: str
    table: Mapping[str, Any]
    is_plugin: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything a catalogue is loaded from."""

    categories: Source
    departments: Source
    synonyms: Source
    services: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One valid entry, ready to be compared with the version that is stored."""

    kind: Kind
    id: str
    content: Table


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a loading did; `faults` are those of plug-ins whose entries were left out."""

    version: int
    added: int = 0
    changed: int = 0
    withdrawn: int = 0
    faults: tuple[str, ...] = ()


MOST_FAVOURITES = 60
MOST_RECENT = 20


class OwnList(StrEnum):
    """A list of services that is one citizen's own."""

    FAVOURITES = "favourites"
    RECENT = "recent"


FEWEST_CITIZENS = 10
"""A service that fewer have used is not called popular: nobody shall be recognised by it."""
POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """Which services are wanted; None asks nothing. `sort` is `POPULAR`, or None for the usual."""

    q: str | None = None
    category: str | None = None
    department: str | None = None
    action: str | None = None
    assurance: str | None = None
    audience: str | None = None
    kind: str | None = None
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version of a service: since which number of the catalogue, and since when."""

    version: int
    catalogue: int
    published_at: datetime
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class VersionView(VersionLine):
    """One version of a service with everything that it says."""

    id: str
    content: Table


@dataclass(frozen=True, slots=True)
class Change:
    """One member of a service that two versions do not say alike; None where one has it not."""

    member: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Changes:
    """What another version says otherwise; `since` 0 is before there was any."""

    id: str
    since: int
    version: int
    changes: tuple[Change, ...]
