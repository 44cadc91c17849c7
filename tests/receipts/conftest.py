"""A plain connection, and people with receipts."""

from collections.abc import Iterator

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, log_in, today_for


@pytest.fixture
def raw(world: World) -> Iterator[psycopg.Connection]:
    """Return a plain connection of the application's role."""
    url = world.env["DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen who has just logged in."""
    return log_in(client, world, rooms)


@pytest.fixture
def stranger(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    """Return another citizen."""
    return log_in(client, world, rooms)


@pytest.fixture(autouse=True)
def _one_year() -> None:
    """Begin no test so late that its receipts would be counted in two years."""
    today_for(60)


@pytest.fixture(autouse=True)
def _no_news_of_planted_receipts(rooms: Rooms) -> Iterator[None]:
    """Take the jobs out of the queue that would tell people of receipts without payments.

    They fail again and again, and who drains the queue next (the next test, to read a code) would
    wait for all of them.
    """
    yield
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text(
                "delete from procrastinate_jobs where status = 'todo'"
                " and task_name like 'payments.tell_receipt%'"
            )
        )
