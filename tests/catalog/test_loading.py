"""Loading: a new version of what has changed and of nothing else; versions never change."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.catalog import service as catalog
from app.catalog.errors import CatalogueInvalid
from app.catalog.models import CatalogEntry, CatalogVersion
from app.catalog.values import Catalogue, LoadReport
from app.factory import Rooms
from config.settings import Settings
from tests.catalog.conftest import Load, guide, with_source


def counts(rooms: Rooms) -> tuple[int, int]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        versions = uow.scalar(select(func.count()).select_from(CatalogVersion))
        entries = uow.scalar(select(func.count()).select_from(CatalogEntry))
    return versions, entries


def history(rooms: Rooms, service_id: str) -> list[tuple[int, int, bool, str]]:
    statement = (
        select(CatalogEntry)
        .where(CatalogEntry.kind == "service", CatalogEntry.id == service_id)
        .order_by(CatalogEntry.version)
    )
    with rooms.units.open(actor="test", read_only=True) as uow:
        rows = uow.scalars(statement).all()
    return [(r.version, r.since, r.withdrawn, r.content["title"]["en"]) for r in rows]


def named(service_id: str, en: str) -> dict[str, Any]:
    return guide(service_id, title={"zh": f"测试{service_id}", "en": en})


def test_loading_the_same_twice_changes_nothing(
    rooms: Rooms, load: Load, catalogue: Catalogue
) -> None:
    first = load(catalogue)
    before = counts(rooms)
    assert load(catalogue) == LoadReport(first.version)
    assert rooms.load_catalogue() == LoadReport(first.version)
    assert counts(rooms) == before


def test_only_what_has_changed_gets_a_version(
    rooms: Rooms, load: Load, catalogue: Catalogue
) -> None:
    start = load(catalogue).version
    added = load(with_source(catalogue, named("load-a", "One"), named("load-b", "Other")))
    assert added == LoadReport(start + 1, added=2)
    versions, entries = counts(rooms)
    changed = load(with_source(catalogue, named("load-a", "Two"), named("load-b", "Other")))
    assert changed == LoadReport(start + 2, changed=1)
    assert counts(rooms) == (versions + 1, entries + 1)
    assert history(rooms, "load-a") == [(1, start + 1, False, "One"), (2, start + 2, False, "Two")]
    assert history(rooms, "load-b") == [(1, start + 1, False, "Other")]


def test_what_is_removed_is_withdrawn_and_may_come_back(
    rooms: Rooms, load: Load, catalogue: Catalogue
) -> None:
    with_one = with_source(catalogue, named("load-gone", "Here"))
    start = load(with_one).version
    assert load(catalogue) == LoadReport(start + 1, withdrawn=1)
    assert load(catalogue) == LoadReport(start + 1)
    assert load(with_one) == LoadReport(start + 2, added=1)
    assert history(rooms, "load-gone") == [
        (1, start, False, "Here"),
        (2, start + 1, True, "Here"),
        (3, start + 2, False, "Here"),
    ]


def test_a_fault_stops_the_loading_and_nothing_is_written(
    rooms: Rooms, load: Load, catalogue: Catalogue
) -> None:
    before = counts(rooms)
    faulty = with_source(catalogue, guide("load-good"), guide("load-bad", category="nowhere"))
    with pytest.raises(CatalogueInvalid, match="load-bad"):
        load(faulty)
    assert counts(rooms) == before
    assert history(rooms, "load-good") == []


def test_a_faulty_entry_of_a_plugin_stays_as_it_was(
    rooms: Rooms, load: Load, catalogue: Catalogue
) -> None:
    marks: dict[str, Any] = {"name": "plugins/parking/manifest.toml", "is_plugin": True}
    start = load(with_source(catalogue, named("load-plugin", "Good"), **marks)).version
    bad = guide("load-plugin", assurance="none")
    report = load(with_source(catalogue, bad, named("load-other", "New"), **marks))
    assert (report.version, report.added, report.withdrawn) == (start + 1, 1, 0)
    assert len(report.faults) == 1
    assert report.faults[0].startswith("plugins/parking/manifest.toml: services[0] (load-plugin)")
    assert history(rooms, "load-plugin") == [(1, start, False, "Good")]


def test_parallel_loadings_make_one_version(rooms: Rooms, load: Load, catalogue: Catalogue) -> None:
    start = load(catalogue).version
    wanted = with_source(catalogue, named("load-parallel", "Once"))

    def run(_: int) -> LoadReport:
        with rooms.units.open(actor="test") as uow:
            return catalog.load_catalogue(uow, wanted)

    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(run, range(4)))
    assert {report.version for report in reports} == {start + 1}
    assert sorted(report.added for report in reports) == [0, 0, 0, 1]
    assert history(rooms, "load-parallel") == [(1, start + 1, False, "Once")]


def test_the_hash_tells_contents_apart(rooms: Rooms, load: Load, catalogue: Catalogue) -> None:
    first = load(with_source(catalogue, named("load-hash", "A"))).version
    second = load(with_source(catalogue, named("load-hash", "B"))).version
    third = load(with_source(catalogue, named("load-hash", "A"))).version
    asked = select(CatalogVersion.number, CatalogVersion.content_hash)
    with rooms.units.open(actor="test", read_only=True) as uow:
        hashes = {row.number: row.content_hash for row in uow.execute(asked)}
    assert hashes[first] == hashes[third] != hashes[second]


def test_the_order_of_departments_is_kept(rooms: Rooms, load: Load, catalogue: Catalogue) -> None:
    load(catalogue)
    tables = list(catalogue.departments.table["departments"])
    turned = replace(catalogue.departments, table={"departments": tables[::-1]})
    report = load(replace(catalogue, departments=turned))
    moved = len(tables) - len(tables) % 2  # the middle one of an odd number stays in its place
    assert (report.added, report.changed, report.withdrawn) == (0, moved, 0)


INSERT = "insert into catalog_entries (kind, id, version, since, withdrawn, content) values"
CHANGES = [
    "update catalog_entries set content = '{}'",
    "update catalog_entries set withdrawn = true where id = 'water-bill'",
    "delete from catalog_entries where id = 'water-bill'",
    "truncate catalog_entries",
    "update catalog_versions set content_hash = ''",
    "delete from catalog_versions",
    "truncate catalog_versions cascade",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_a_version_cannot_be_changed_by_the_application(rooms: Rooms, statement: str) -> None:
    before = counts(rooms)
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(statement))
    assert counts(rooms) == before


@pytest.mark.parametrize("statement", CHANGES)
def test_a_version_cannot_be_changed_by_the_owner(
    settings: Settings, rooms: Rooms, statement: str
) -> None:
    before = counts(rooms)
    engine = create_engine(settings.database.owner_url or "")
    try:
        with pytest.raises(IntegrityError, match="is append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
    assert counts(rooms) == before


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("'service', 'water-bill', 1, 1", "pk_catalog_entries"),
        ("'service', 'water-bill', 9, 1", "uq_catalog_entries_kind_id_since"),
        ("'service', 'load-raw', 0, 1", "ck_catalog_entries_version"),
        ("'recipe', 'load-raw', 1, 1", "ck_catalog_entries_kind"),
        ("'service', 'load-raw', 1, 99999", "fk_catalog_entries_since_catalog_versions"),
    ],
)
def test_the_database_refuses_a_row_that_makes_no_sense(
    rooms: Rooms, values: str, constraint: str
) -> None:
    before = counts(rooms)
    with pytest.raises(IntegrityError, match=constraint), rooms.units.open(actor="test") as uow:
        uow.execute(text(f"{INSERT} ({values}, false, '{{}}')"))
    assert counts(rooms) == before
