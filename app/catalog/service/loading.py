"""Writes the catalogue into PostgreSQL: a new version of what has changed, and of nothing else."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from sqlalchemy import insert, text

from app.catalog.models import CatalogEntry, CatalogVersion
from app.catalog.service.entries import judge
from app.catalog.service.versions import EntryRow, read_entries, read_number
from app.catalog.values import Catalogue, Entry, Kind, LoadReport
from app.core.unit_of_work import UnitOfWork

_LOCK = 7_302_043
_Key = tuple[str, str]


def load_catalogue(uow: UnitOfWork, catalogue: Catalogue) -> LoadReport:
    """Make a catalogue the one that is served, under the next number of the whole.

    Idempotent: the same content again changes nothing. Loadings in parallel wait for each other.
    A plug-in's faulty service is left as it was and reported; a fault in our own files raises
    `CatalogueInvalid` and nothing is written.
    """
    judged = judge(catalogue)
    uow.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    number = read_number(uow)
    change = _compare(read_entries(uow, number), judged.entries, judged.left_out)
    if not change.rows:
        return LoadReport(number, faults=judged.faults)
    number += 1
    digest = _digest(judged.entries)
    uow.execute(insert(CatalogVersion), [{"number": number, "content_hash": digest}])
    uow.execute(insert(CatalogEntry), [{**row, "since": number} for row in change.rows])
    return LoadReport(number, change.added, change.changed, change.withdrawn, faults=judged.faults)


@dataclass(frozen=True, slots=True)
class _Change:
    """The rows to write, and how many of them are of which sort."""

    rows: list[dict[str, object]]
    added: int
    changed: int
    withdrawn: int


def _compare(
    stored: Iterable[EntryRow], entries: Iterable[Entry], left_out: frozenset[str]
) -> _Change:
    before: dict[_Key, EntryRow] = {(row.kind, row.id): row for row in stored}
    rows: list[dict[str, object]] = []
    added = changed = withdrawn = 0
    for entry in entries:
        old = before.pop((entry.kind, entry.id), None)
        if old is not None and not old.withdrawn and old.content == entry.content:
            continue
        is_new = old is None or old.withdrawn
        added, changed = added + is_new, changed + (not is_new)
        rows.append(_row(entry, old.version + 1 if old else 1))
    for row in before.values():
        if row.withdrawn or (row.kind == Kind.SERVICE and row.id in left_out):
            continue
        withdrawn += 1
        gone = Entry(Kind(row.kind), row.id, row.content)
        rows.append(_row(gone, row.version + 1, withdrawn=True))
    return _Change(rows, added, changed, withdrawn)


def _row(entry: Entry, version: int, *, withdrawn: bool = False) -> dict[str, object]:
    return {
        "kind": entry.kind.value,
        "id": entry.id,
        "version": version,
        "withdrawn": withdrawn,
        "content": entry.content,
    }


def _digest(entries: Iterable[Entry]) -> str:
    ordered = sorted((entry.kind, entry.id, entry.content) for entry in entries)
    return hashlib.sha256(orjson.dumps(ordered, option=orjson.OPT_SORT_KEYS)).hexdigest()
