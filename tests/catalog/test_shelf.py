"""The shelf: one check a second for a process, a newer catalogue at once, the old one in need."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.catalog.service import CatalogDeps, Offer, Shelf
from app.catalog.values import Catalogue
from app.core.db import read_engine
from app.core.unit_of_work import Units
from app.factory import Rooms, create_app
from app.sdk.registry import Closed
from config.settings import Settings
from tests.catalog.conftest import Load, guide, offer_of, with_source

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"
LONG = 3600.0


@contextmanager
def statements(units: Units) -> Iterator[list[str]]:
    """Collect the SQL that the reading engine runs."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(units.read, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(units.read, "before_cursor_execute", note)


def test_two_processes_swap_to_a_newer_catalogue(
    rooms: Rooms, load: Load, catalogue: Catalogue
) -> None:
    load(catalogue)
    one, other = (Shelf(rooms.units, lambda: offer_of(rooms), seconds=0) for _ in range(2))
    before = one.snapshot()
    assert other.snapshot().tag == before.tag
    assert one.snapshot() is before
    version = load(with_source(catalogue, guide("shelf-new"))).version
    after = one.snapshot()
    assert (before.version, after.version) == (version - 1, version)
    assert "shelf-new" not in before.services
    assert "shelf-new" in after.services
    assert other.snapshot().tag == after.tag != before.tag


def test_between_two_checks_nothing_is_asked(
    settings: Settings, rooms: Rooms, load: Load, catalogue: Catalogue
) -> None:
    shelf = Shelf(rooms.units, lambda: offer_of(rooms), seconds=LONG)
    deps = {**rooms.deps, CatalogDeps: CatalogDeps(shelf)}
    client = create_app(settings, replace(rooms, deps=deps)).test_client()
    assert client.get("/v1/services/water-bill").status_code == 200
    load(with_source(catalogue, guide("shelf-unseen")))
    with statements(rooms.units) as seen:
        for path in (
            "/v1/categories",
            "/v1/departments",
            "/v1/services?q=sf",
            "/v1/services/water-bill",
        ):
            assert client.get(path).status_code == 200
        assert client.get("/v1/services/shelf-unseen").status_code == 404
    assert seen == []


def test_a_check_that_finds_nothing_new_is_one_statement(rooms: Rooms) -> None:
    offer = offer_of(rooms)  # how the registry is kept up to date is its own affair
    shelf = Shelf(rooms.units, lambda: offer, seconds=0)
    shelf.snapshot()
    with statements(rooms.units) as seen:
        shelf.snapshot()
    assert len(seen) == 1
    assert "max(catalog_versions.number)" in seen[0]


def test_a_service_that_closes_is_marked_without_a_new_version(rooms: Rooms) -> None:
    closed = Closed({"zh": "停", "en": "Closed"})
    offers = [offer_of(rooms), Offer(frozenset(), {"water-bill": closed})]
    shelf = Shelf(rooms.units, lambda: offers[0], seconds=0)
    before = shelf.snapshot()
    offers.pop(0)
    after = shelf.snapshot()
    assert after.version == before.version
    assert b'"available":true' in before.services["water-bill"]
    assert b'"available":false' in after.services["water-bill"]


def test_many_first_callers_get_one_snapshot(rooms: Rooms) -> None:
    offer = offer_of(rooms)
    shelf = Shelf(rooms.units, lambda: offer, seconds=LONG)
    with statements(rooms.units) as seen, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: shelf.snapshot(), range(8)))
    assert all(snapshot is found[0] for snapshot in found)
    assert len(seen) == 2


def test_with_the_database_away_the_last_snapshot_is_served(rooms: Rooms) -> None:
    away = read_engine(NOWHERE)
    units = Units(rooms.units.write, rooms.units.read, rooms.jobs)
    shelf = Shelf(units, lambda: offer_of(rooms), seconds=0)
    held = shelf.snapshot()
    units.read = away
    assert shelf.snapshot() is held
    assert shelf.snapshot() is held
    away.dispose()


def test_with_the_database_away_from_the_start_there_is_nothing_to_serve(rooms: Rooms) -> None:
    away = read_engine(NOWHERE)
    shelf = Shelf(Units(rooms.units.write, away, rooms.jobs), lambda: offer_of(rooms))
    with pytest.raises(OperationalError):
        shelf.snapshot()
    away.dispose()
