"""A citizen with a bill, for each test."""

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.payments.helpers import Bill, make_bill


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen who has just logged in."""
    return log_in(client, world, rooms)


@pytest.fixture
def bill(client: FlaskClient, world: World, citizen: Citizen) -> Bill:
    """Return a water bill of 42.50 yuan that is due on 15 December 2026."""
    return make_bill(client, world, citizen)
