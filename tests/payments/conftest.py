"""People and a running server for the payment tests."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.live import Live, serve


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen who has just logged in."""
    return log_in(client, world, rooms)


@pytest.fixture
def stranger(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return another citizen."""
    return log_in(client, world, rooms)


@pytest.fixture(scope="session")
def live(world: World) -> Iterator[Live]:
    """Return the product behind granian."""
    with serve(world) as server:
        yield server
