"""A company that means to provide something, and the office that decides about it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.factory import Rooms
from app.host.roster import Roster
from app.http.server import Server
from app.providers.service.roster import raise_epoch
from tests.providers.support import Company, Office, make_company, make_office


@pytest.fixture(scope="module", autouse=True)
def _gone(rooms: Rooms) -> Iterator[None]:
    """Let every company go in the end: the other tests' citizens would ask them what they owe."""
    yield
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text(
                "update providers set status = 'gone', suspended_from = null, reason_zh = null,"
                " reason_en = null, expected_return = null where transport = 'remote'"
            )
        )
        raise_epoch(uow)
    rooms.load_catalogue()
    rooms.deps[Roster]._refresh()  # noqa: SLF001 - what follows starts at once


@pytest.fixture
def company(app: Server, rooms: Rooms) -> Company:
    return make_company(app, rooms)


@pytest.fixture
def office(app: Server, rooms: Rooms) -> Office:
    return make_office(app, rooms)
