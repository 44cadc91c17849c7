"""A department ships a plug-in with a syntax error: its services wait, everybody else goes on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.core import migrate
from app.factory import build, create_app
from config.settings import ROOT, Settings
from tests.conftest import World
from tests.databases import empty_database
from tests.factories import bearer, staff_token
from tests.host.plugins import new_name, write_plugin


@dataclass(frozen=True)
class City:
    """A house with one broken and two sound plug-ins."""

    client: FlaskClient
    auditor: dict[str, str]
    broken: str
    sound: str


@pytest.fixture
def city(world: World, tmp_path: Path) -> Iterator[City]:
    """Start the house from nothing, with a broken plug-in among its plug-ins."""
    (tmp_path / "utilities").symlink_to(ROOT / "plugins" / "utilities")
    broken = write_plugin(tmp_path, new_name("a"), provider="def broken(:\n")
    sound = write_plugin(tmp_path, new_name("b"))
    with empty_database(world) as env:
        settings = Settings.from_env({**env, "PLUGINS_DIR": str(tmp_path)})
        rooms = build(settings)
        migrate.upgrade(env["DATABASE_OWNER_URL"], env["DATABASE_URL"], rooms.histories)
        rooms.load_catalogue()
        auditor = bearer(staff_token(rooms, "auditor"))
        yield City(create_app(settings, rooms).test_client(), auditor, broken, sound)
        rooms.close()


def test_its_services_are_marked_unavailable_with_the_reason(city: City) -> None:
    shown = city.client.get(f"/v1/services/{city.broken}-fee")
    assert shown.status_code == 200
    assert shown.json["available"] is False
    assert "该服务正在维护" in shown.json["unavailable_reason"]["zh"]
    assert shown.json["unavailable_reason"]["en"]
    assert city.client.get(f"/v1/{city.broken}/lots").status_code == 404


def test_everything_else_works(city: City) -> None:
    assert city.client.get("/readyz").status_code == 200
    assert len(city.client.get("/v1/categories").json["items"]) == 13
    for service in (f"{city.sound}-fee", "water-bill"):
        shown = city.client.get(f"/v1/services/{service}").json
        assert (shown["available"], shown["unavailable_reason"]) == (True, None)
    assert city.client.get("/v1/utilities/billers").status_code == 401
    book = city.client.get("/v1/ledger/trial-balance", headers=city.auditor)
    assert book.status_code == 200
