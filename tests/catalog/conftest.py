"""The catalogue as tests see it: the real one loaded, and variants that are taken back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic, sleep
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.catalog import service as catalog
from app.catalog.service import CatalogDeps, Offer, Shelf, Snapshot
from app.catalog.service.versions import read_number
from app.catalog.values import Catalogue, LoadReport, Source
from app.factory import Rooms, create_app
from app.sdk.registry import Registry
from config.settings import ROOT, Settings
from tests.factories import PATIENCE

Load = Callable[[Catalogue], LoadReport]


@pytest.fixture(scope="session")
def catalogue(rooms: Rooms) -> Catalogue:
    """Return the catalogue of this checkout, as `migrate` loads it."""
    manifests = rooms.hosted.manifests.values()
    declared = [Source(m.file, m.catalogue, is_plugin=True) for m in manifests]
    return catalog.read_catalogue(ROOT / "config", declared)


@pytest.fixture(scope="session")
def snapshot(rooms: Rooms) -> Snapshot:
    """Return the snapshot that a process serves."""
    shelf: Shelf = rooms.deps[CatalogDeps].shelf
    return shelf.snapshot()


@pytest.fixture
def load(rooms: Rooms) -> Iterator[Load]:
    """Return a function that loads a variant; afterwards the real catalogue is served again."""

    def run(wanted: Catalogue) -> LoadReport:
        with rooms.units.open(actor="test") as uow:
            return catalog.load_catalogue(uow, wanted)

    yield run
    rooms.load_catalogue()


@pytest.fixture
def prompt_client(settings: Settings, rooms: Rooms) -> FlaskClient:
    """Return a client of an application that looks for a newer catalogue at each request."""
    shelf = Shelf(rooms.units, lambda: offer_of(rooms), seconds=0)
    own = {**rooms.deps, CatalogDeps: CatalogDeps(shelf)}
    return create_app(settings, replace(rooms, deps=own)).test_client()


@pytest.fixture(scope="module", autouse=True)
def _the_shelf_is_current(rooms: Rooms) -> Iterator[None]:
    """Leave the house's own shelf with the real catalogue: it looks for a newer one once a second.

    What comes next would else read two of them, or keep a variant for the whole run.
    """
    yield
    shelf: Shelf = rooms.deps[CatalogDeps].shelf
    until = monotonic() + PATIENCE
    with rooms.units.open(actor="test", read_only=True) as uow:
        newest = read_number(uow)
    while shelf.snapshot().version != newest:
        assert monotonic() < until, "the shelf keeps an old catalogue"
        sleep(0.05)


def offer_of(rooms: Rooms) -> Offer:
    return catalog.read_offer(rooms.deps[Registry].services.values())


def guide(service_id: str, **changes: object) -> dict[str, Any]:
    """Return a service that explains and links, valid unless changed."""
    return {
        "id": service_id,
        "title": {"zh": f"测试服务{service_id}", "en": f"Test service {service_id}"},
        "category": "living",
        "department": "water-bureau",
        "kind": "guide",
        "action": "query",
        "assurance": "public",
        **changes,
    }


def with_source(
    catalogue: Catalogue,
    *services: object,
    name: str = "config/catalogue/water-test.toml",
    is_plugin: bool = False,
) -> Catalogue:
    """Return a catalogue with one more file of services."""
    table = {"department": "water-bureau", "services": list(services)}
    return replace(catalogue, services=(*catalogue.services, Source(name, table, is_plugin)))
