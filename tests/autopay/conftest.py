"""A citizen with a bill, for each test."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, log_in
from tests.payments.helpers import Bill, make_bill
from tests.payments.leftovers import forget_leftovers


@pytest.fixture(autouse=True)
def _nothing_is_left_over(rooms: Rooms, request: pytest.FixtureRequest) -> None:
    """Begin without what others have left open: their bills would be taken together with ours."""
    forget_leftovers(request)
    with rooms.units.open(actor="test") as uow:
        uow.execute(text("update autopay_collections set next_at = null where next_at is not null"))
        uow.execute(text("update autopay_orders set next_look_at = now() + interval '10 years'"))


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen who has just logged in."""
    return log_in(client, world, rooms)


@pytest.fixture
def bill(client: FlaskClient, world: World, citizen: Citizen) -> Bill:
    """Return a water bill of 42.50 yuan that is due in sixteen days."""
    return make_bill(client, world, citizen)
