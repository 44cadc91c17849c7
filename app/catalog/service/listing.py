"""Pages of the catalogue, joined from answers that are ready."""

import hashlib
from collections.abc import Sequence

import orjson

from app.catalog.errors import DepartmentNotFound, ServiceNotFound
from app.catalog.service.index import reason_of
from app.catalog.service.snapshot import FILTERS, Snapshot, ending
from app.catalog.values import MatchedBy, ServiceFilter
from app.core.pagination import CursorInvalid, PageRequest, decode_cursor, encode_cursor

_DEPARTMENTS = "departments"
_ENDINGS = {reason: ending(reason) for reason in MatchedBy}
_NOT_SEARCHED = ending(None)
_MOST_DIGITS = 6

_Part = tuple[list[tuple[int, bytes]], int]
"""Services with what closes their summaries, and how many there are in all."""


def list_categories(snapshot: Snapshot) -> bytes:
    """Return the page of all categories as JSON."""
    return snapshot.categories


def list_departments(snapshot: Snapshot, page: PageRequest) -> bytes:
    """Return a page of departments as JSON; raise `CursorInvalid` for another version's cursor."""
    start = _start(snapshot, _DEPARTMENTS, page)
    found = snapshot.departments
    return _page(snapshot, _DEPARTMENTS, found[start : start + page.limit], start, len(found))


def read_department(snapshot: Snapshot, department_id: str) -> bytes:
    """Return a department as JSON, or raise `DepartmentNotFound`."""
    found = snapshot.department_pages.get(department_id)
    if found is None:
        raise DepartmentNotFound
    return found


def read_service(snapshot: Snapshot, service_id: str) -> bytes:
    """Return a service as JSON, or raise `ServiceNotFound`."""
    found = snapshot.services.get(service_id)
    if found is None:
        raise ServiceNotFound
    return found


def list_services(snapshot: Snapshot, wanted: ServiceFilter, page: PageRequest) -> bytes:
    """Return a page of services as JSON: best hit first, or by title when nothing is searched.

    With `sort` only what is popular is listed, the most used first. Raise `CursorInvalid` for a
    cursor of another version, another list or another ranking.
    """
    name = list_name(wanted, snapshot.ranked if wanted.sort else ())
    start = _start(snapshot, name, page)
    end = start + page.limit
    found, total = (_search if wanted.q else _browse)(snapshot, wanted, start, end)
    items = [snapshot.summaries[number] + closing for number, closing in found]
    return _page(snapshot, name, items, start, total)


def list_name(wanted: ServiceFilter, ranked: tuple[str, ...] = ()) -> str:
    """Return a short name of what is wanted: equal for equal lists."""
    return hashlib.blake2b(repr((wanted, ranked)).encode(), digest_size=8).hexdigest()


def join_page(snapshot: Snapshot, numbers: Sequence[int]) -> bytes:
    """Return the whole of a list of services as JSON."""
    items = [snapshot.summaries[number] + _NOT_SEARCHED for number in numbers]
    return _join(items, None)


def _browse(snapshot: Snapshot, wanted: ServiceFilter, start: int, end: int) -> _Part:
    allowed = _allowed(snapshot, wanted)
    numbers: Sequence[int] = snapshot.popular if wanted.sort else range(len(snapshot.summaries))
    if allowed is not None:
        numbers = [number for number in numbers if number in allowed]
    return [(number, _NOT_SEARCHED) for number in numbers[start:end]], len(numbers)


def _search(snapshot: Snapshot, wanted: ServiceFilter, start: int, end: int) -> _Part:
    allowed = _allowed(snapshot, wanted)
    hits = snapshot.finder.find(wanted.q or "")
    if allowed is not None:
        hits = tuple(hit for hit in hits if hit[1] in allowed)
    if wanted.sort:
        ranks = {number: rank for rank, number in enumerate(snapshot.popular)}
        hits = tuple(
            sorted((hit for hit in hits if hit[1] in ranks), key=lambda hit: ranks[hit[1]])
        )
    return [(number, _ENDINGS[reason_of(points)]) for points, number in hits[start:end]], len(hits)


def _allowed(snapshot: Snapshot, wanted: ServiceFilter) -> frozenset[int] | None:
    """Return the services that every filter lets through, or None when there is no filter."""
    sets = [
        snapshot.matching.get((name, value), frozenset())
        for name in FILTERS
        if (value := getattr(wanted, name)) is not None
    ]
    return frozenset.intersection(*sets) if sets else None


def _start(snapshot: Snapshot, name: str, page: PageRequest) -> int:
    if page.cursor is None:
        return 0
    version, of, start = decode_cursor(page.cursor, 3)
    is_known = version == str(snapshot.version) and of == name
    if not is_known or not start.isdecimal() or len(start) > _MOST_DIGITS:
        raise CursorInvalid
    return int(start)


def _page(snapshot: Snapshot, name: str, items: Sequence[bytes], start: int, total: int) -> bytes:
    end = start + len(items)
    cursor = encode_cursor([snapshot.version, name, end]) if items and end < total else None
    return _join(items, cursor)


def _join(items: Sequence[bytes], cursor: str | None) -> bytes:
    return b'{"items":[%b],"next_cursor":%b}' % (b",".join(items), orjson.dumps(cursor))
