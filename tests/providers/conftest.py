"""A company that means to provide something, and the office that decides about it."""

import pytest

from app.factory import Rooms
from app.http.server import Server
from tests.providers.support import Company, Office, make_company, make_office


@pytest.fixture
def company(app: Server, rooms: Rooms) -> Company:
    return make_company(app, rooms)


@pytest.fixture
def office(app: Server, rooms: Rooms) -> Office:
    return make_office(app, rooms)
