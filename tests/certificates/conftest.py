"""A bureau that issues certificates, and people who hold them."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from app.core.unit_of_work import Units
from app.factory import Rooms, build
from app.http.server import Server
from config.settings import Settings
from tests.certificates.support import Bureau, write_issuer
from tests.conftest import World, open_app
from tests.factories import Citizen, log_in
from tests.host.plugins import new_name


@pytest.fixture(scope="module")
def bureau(
    settings: Settings,
    note_events: Callable[[Units], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bureau]:
    """Return a house of its own with one plug-in that issues certificates."""
    plugins = tmp_path_factory.mktemp("bureau") / "plugins"
    plugins.mkdir()
    name = write_issuer(plugins, new_name("bureau"))
    made = build(replace(settings, plugins_dir=plugins))
    yield Bureau(made, open_app(made.settings, made).test_client(), name)
    note_events(made.units)
    made.close()


@pytest.fixture(scope="module")
def holder(app: Server, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen whom the tests of a file share."""
    return log_in(app.test_client(), world, rooms)


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen who has just logged in."""
    return log_in(client, world, rooms)


@pytest.fixture
def stranger(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return another citizen."""
    return log_in(client, world, rooms)
