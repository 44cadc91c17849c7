"""A citizen who has logged in."""

import pytest

from app.factory import Rooms
from app.http.server import Server
from tests.conftest import World
from tests.factories import Citizen, log_in


@pytest.fixture
def citizen(app: Server, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen with one session."""
    return log_in(app.test_client(), world, rooms)
