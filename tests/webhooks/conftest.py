"""A house that may call one integrator's server on loopback, and clients of integrators."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from app.core.unit_of_work import Units
from app.factory import Rooms
from app.http.server import Server
from config.settings import Settings
from tests.conftest import open_app, open_house

from .receiver import Place, Receiver, receive
from .support import Integrator, make_integrator, run_sql


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """Serve integrators for as long as these tests run."""
    with receive() as place:
        yield place


@pytest.fixture(scope="session")
def rooms(
    settings: Settings, place: Place, note_events: Callable[[Units], None]
) -> Iterator[Rooms]:
    """Return a house that may call the integrators' server and takes the time that it says."""
    allowed = settings.egress_loopback | {place.place}
    with open_house(replace(settings, egress_loopback=allowed, pace=1), note_events) as house:
        yield house


@pytest.fixture(scope="session")
def app(settings: Settings, rooms: Rooms) -> Server:
    """Return the web application of that house."""
    return open_app(settings, rooms)


@pytest.fixture(scope="module", autouse=True)
def _nobody_is_told(rooms: Rooms) -> Iterator[None]:
    """Leave nobody to be told: the other tests' payments would be told of to who hears no more."""
    yield
    run_sql(
        rooms,
        "update webhook_endpoints set status = 'disabled', disabled_because = 'owner'"
        " where status = 'active'",
    )
    run_sql(
        rooms,
        "update webhook_deliveries set state = 'dead', next_at = null, finished_at = now()"
        " where state = 'pending'",
    )
    run_sql(rooms, "update providers set status = 'gone' where transport = 'remote'")
    run_sql(rooms, "delete from webhook_topics")


@pytest.fixture
def receiver(place: Place) -> Receiver:
    """Return an address of an integrator's, which has heard nothing."""
    return place.receiver()


@pytest.fixture
def integrator(app: Server, rooms: Rooms) -> Integrator:
    """Return a client that may have endpoints."""
    return make_integrator(app, rooms)
