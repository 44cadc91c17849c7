"""One state of the catalogue, ready to be served: never changed, only replaced as a whole."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.catalog.service.availability import Offer
from app.catalog.service.finder import RULES, Finder
from app.catalog.service.readings import normalise, read, squash
from app.catalog.service.versions import EntryRow
from app.catalog.service.words import Synonyms, prepare_words
from app.catalog.values import Kind, MatchedBy, Table, priced
from app.core.clock import wire_time

FILTERS = ("category", "department", "action", "assurance", "audience", "kind")
_BOTH = "both"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The catalogue as one process serves it; answers are ready as JSON.

    `tag` is the same in every process that serves the same, and different otherwise. Services
    stand in the order of their titles' pinyin, and `numbers` says where; `summaries` lack their
    closing part, which says why the service was found. `ranked` are the ids of what is popular.
    """

    version: int
    tag: str
    categories: bytes
    departments: tuple[bytes, ...]
    department_pages: Mapping[str, bytes]
    services: Mapping[str, bytes]
    summaries: tuple[bytes, ...]
    numbers: Mapping[str, int]
    matching: Mapping[tuple[str, str], frozenset[int]]
    finder: Finder
    ranked: tuple[str, ...]

    @property
    def popular(self) -> tuple[int, ...]:
        """Return the popular services that there still are, the most used first."""
        return tuple(self.numbers[service] for service in self.ranked if service in self.numbers)


def ending(reason: MatchedBy | None) -> bytes:
    """Return what closes a summary."""
    return b',"matched_by":' + orjson.dumps(reason) + b"}"


@dataclass(frozen=True, slots=True)
class _Content:
    """The entries of one version by kind; those withdrawn are not among them."""

    categories: list[Table]
    departments: list[Table]
    services: list[Table]
    versions: Mapping[str, int]
    synonyms: Sequence[Sequence[str]]


def build_snapshot(
    number: int, rows: Iterable[EntryRow], offer: Offer, ranked: tuple[str, ...] = ()
) -> Snapshot:
    """Return the snapshot of a version's entries, with what this process cannot offer marked."""
    content = _sort(rows)
    departments = {table["id"]: table for table in content.departments}
    counts = {f: Counter(s[f] for s in content.services) for f in ("category", "department")}
    full = {
        s["id"]: orjson.dumps(
            _full(s, departments[s["department"]], content.versions[s["id"]], offer)
        )
        for s in content.services
    }
    summaries = tuple(
        orjson.dumps(_summary(s, departments[s["department"]], offer))[:-1]
        for s in content.services
    )
    categories = orjson.dumps(_page([_category(t, counts) for t in content.categories]))
    pages = {t["id"]: orjson.dumps(_department(t, counts)) for t in content.departments}
    return Snapshot(
        version=number,
        tag=_tag(
            number,
            [categories, *pages.values(), *full.values(), *(name.encode() for name in ranked)],
        ),
        categories=categories,
        departments=tuple(pages.values()),
        department_pages=pages,
        services=full,
        summaries=summaries,
        numbers={s["id"]: place for place, s in enumerate(content.services)},
        matching=_matching(content.services),
        finder=Finder(prepare_words(content.services, departments), Synonyms(content.synonyms)),
        ranked=ranked,
    )


def _sort(rows: Iterable[EntryRow]) -> _Content:
    tables: dict[str, list[Table]] = defaultdict(list)
    versions = {}
    for row in rows:
        if not row.withdrawn:
            tables[row.kind].append(row.content)
            if row.kind == Kind.SERVICE:
                versions[row.id] = row.version
    synonyms = tables[Kind.SYNONYMS]
    return _Content(
        categories=sorted(tables[Kind.CATEGORY], key=lambda table: table["position"]),
        departments=sorted(tables[Kind.DEPARTMENT], key=lambda table: table["position"]),
        services=sorted(tables[Kind.SERVICE], key=_title_order),
        versions=versions,
        synonyms=synonyms[0]["groups"] if synonyms else (),
    )


def _title_order(service: Table) -> tuple[str, str]:
    return read(squash(normalise(service["title"]["zh"]))).whole, service["id"]


def _matching(services: Iterable[Table]) -> Mapping[tuple[str, str], frozenset[int]]:
    """Return the services by each value that can be filtered by.

    A service for both audiences is for each of them.
    """
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, service in enumerate(services):
        for name in FILTERS:
            found[name, service[name]].add(number)
        if service["audience"] == _BOTH:
            found["audience", "citizen"].add(number)
            found["audience", "organisation"].add(number)
    return {key: frozenset(numbers) for key, numbers in found.items()}


def _category(table: Table, counts: Mapping[str, Counter[str]]) -> Table:
    shown = {name: table[name] for name in ("id", "title", "icon")}
    return {**shown, "services": counts["category"][table["id"]]}


def _department(table: Table, counts: Mapping[str, Counter[str]]) -> Table:
    shown = {name: table[name] for name in ("id", "title", "short", "contact")}
    return {**shown, "services": counts["department"][table["id"]]}


def _summary(service: Table, department: Table, offer: Offer) -> Table:
    names = ("id", "title", "category", "kind", "action", "assurance", "audience")
    reason = offer.reason(service)
    return {
        **{name: service[name] for name in names},
        "department": {"id": department["id"], "title": department["title"]},
        "available": reason is None,
        "unavailable_reason": None if reason is None else reason.reason,
        "expected_return": None if reason is None else _moment(reason.expected_return),
        "has_page": service["id"] in offer.entered,
    }


def _full(service: Table, department: Table, version: int, offer: Offer) -> Table:
    names = ("keywords", "conditions", "materials", "statutory_limit", "promised_limit")
    shown = ("id", "title", "short", "contact")
    return {
        **_summary(service, department, offer),
        "department": {name: department[name] for name in shown},
        **{name: service[name] for name in names},
        "fees": priced(service["fees"]),
        "channels": service["channels"],
        "results": service["results"],
        "version": version,
    }


def _moment(moment: datetime | None) -> str | None:
    """Return a moment as it is shown everywhere."""
    return None if moment is None else wire_time(moment)


def _page(items: Sequence[Any]) -> Table:
    return {"items": items, "next_cursor": None}


def _tag(number: int, parts: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(f"{RULES}".encode(), digest_size=8)
    for part in parts:
        digest.update(part)
    return f"{number}-{digest.hexdigest()}"
