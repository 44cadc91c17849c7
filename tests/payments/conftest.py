"""People and a running server for the payment tests."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.live import Live, serve
from tests.payments.leftovers import forget_leftovers


@pytest.fixture(autouse=True)
def _nothing_is_left_over(request: pytest.FixtureRequest) -> None:
    """Begin without what others have left open."""
    forget_leftovers(request)


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
