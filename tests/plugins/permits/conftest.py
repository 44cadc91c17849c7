"""The plug-in's house, an office that acts in it, and citizens."""

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from app.sdk import Citizen, House
from plugins.permits.provider import PermitsProvider
from tests.conftest import World
from tests.factories import Citizen as Person
from tests.factories import log_in, verify
from tests.plugins.permits.office import Office, new_citizen


@pytest.fixture
def provider(rooms: Rooms) -> PermitsProvider:
    return rooms.deps[PermitsProvider]


@pytest.fixture
def house(provider: PermitsProvider) -> House:
    return provider.house


@pytest.fixture
def office(house: House) -> Office:
    return Office(house)


@pytest.fixture
def citizen() -> Citizen:
    return new_citizen()


@pytest.fixture
def stranger() -> Citizen:
    return new_citizen()


@pytest.fixture
def me(client: FlaskClient, world: World, rooms: Rooms) -> Person:
    """Return somebody who has logged in and proven their name."""
    person = log_in(client, world, rooms)
    verify(client, world, person)
    return person
