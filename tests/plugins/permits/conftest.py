"""The plug-in's house, an office that acts in it, and citizens."""

import pytest

from app.factory import Rooms
from app.sdk import Citizen, House
from plugins.permits.provider import PermitsProvider
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
