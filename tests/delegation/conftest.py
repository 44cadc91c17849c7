"""A father, his daughter, and somebody who has nothing to do with either."""

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.delegation.support import Person, make_citizen


@pytest.fixture
def father(client: FlaskClient, world: World, rooms: Rooms) -> Person:
    return make_citizen(client, world, rooms, "李大山", "1950-05-01")


@pytest.fixture
def daughter(client: FlaskClient, world: World, rooms: Rooms) -> Person:
    return make_citizen(client, world, rooms, "李梅", "1980-06-01")


@pytest.fixture
def stranger(client: FlaskClient, world: World, rooms: Rooms) -> Person:
    return make_citizen(client, world, rooms, "王五", "1975-07-01")
