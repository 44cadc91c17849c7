"""The feed: nothing missed and nothing repeated, although transactions commit as they like."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from uuid import UUID

from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from app.http.server import Server
from app.webhooks import service
from app.webhooks.models import FeedEvent
from app.webhooks.service.feed import add_to_feed, lock_feed
from app.webhooks.values import RETENTION, EventType
from tests.factories import later

from .receiver import Receiver
from .support import Integrator, make_integrator, rows_of, tick

WRITERS, EACH = 8, 12
MINUTE = timedelta(minutes=1)


def add(rooms: Rooms, client_id: UUID, linger: float, *, fails: bool) -> UUID:
    """Add an event in a transaction that commits late, or not at all."""
    own = new_id()
    event = FeedEvent(
        id=own,
        source_id=own,
        type=EventType.TEST,
        citizen_id=None,
        data={},
        happened_at=now(),
    )
    with rooms.units.open(actor="test") as uow:
        add_to_feed(uow, lock_feed(uow, client_id), event)
        time.sleep(linger)
        if fails:
            raise LookupError
    return own


def test_a_reader_misses_and_repeats_nothing(rooms: Rooms, integrator: Integrator) -> None:
    chance = random.Random(29)  # noqa: S311 - a seed that can be played again is no secret
    plan = [[(chance.random() / 200, chance.random() < 0.2) for _ in range(EACH)]] * WRITERS
    is_over = Event()
    committed: list[UUID] = []

    def write(rounds: list[tuple[float, bool]]) -> None:
        for linger, fails in rounds:
            try:
                committed.append(add(rooms, integrator.id, linger, fails=fails))
            except LookupError:
                continue

    def read() -> list[tuple[int, UUID]]:
        found: list[tuple[int, UUID]] = []
        after = 0
        while True:
            was_over = is_over.is_set()
            with rooms.units.open(actor="test", read_only=True) as uow:
                part = service.list_events(uow, integrator.id, after, 7)
            found += [(one.position, one.id) for one in part.items]
            after = part.next_cursor
            if was_over and not part.items:
                return found

    with ThreadPoolExecutor(WRITERS + 2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        list(pool.map(write, plan))
        is_over.set()
        seen = [reader.result() for reader in readers]
    assert seen[0] == seen[1]
    assert [position for position, _ in seen[0]] == list(range(1, len(committed) + 1))
    assert {own for _, own in seen[0]} == set(committed)
    assert 0 < len(committed) < WRITERS * EACH


def test_the_feed_is_fetched_part_by_part(integrator: Integrator, receiver: Receiver) -> None:
    endpoint = integrator.endpoint(receiver)
    assert integrator.read("/events") == {"items": [], "next_cursor": 0}
    made = [integrator.test_event(endpoint) for _ in range(5)]
    assert integrator.events() == made
    assert [one["position"] for one in made] == [1, 2, 3, 4, 5]
    end = integrator.read("/events", after=5)
    assert end == {"items": [], "next_cursor": 5}


def test_a_cursor_that_there_has_not_been_is_refused(integrator: Integrator) -> None:
    answer = integrator.call("GET", "/events", after=1)
    assert (answer.status_code, answer.json["code"]) == (409, "webhook-cursor-ahead")
    assert answer.json["last"] == 0
    for bad in ("-1", "x", "1.5", "9" * 19):
        assert integrator.call("GET", "/events", after=bad).status_code == 422


def test_after_45_days_events_are_forgotten_and_that_is_said(
    app: Server, rooms: Rooms, receiver: Receiver
) -> None:
    who = make_integrator(app, rooms)
    endpoint = who.endpoint(receiver)
    for _ in range(2):
        who.test_event(endpoint)
    tick(rooms)
    with later((RETENTION - MINUTE).total_seconds()):
        forget(rooms)
        assert len(who.events()) == 2
        third = who.test_event(endpoint)
    with later((RETENTION + MINUTE).total_seconds()):
        for _ in range(20):  # some feeds at a time; other files have left theirs
            forget(rooms)
        assert who.events() == [third]
        answer = who.call("GET", "/events", after=1)
        assert (answer.status_code, answer.json["code"]) == (409, "webhook-events-forgotten")
        assert answer.json["oldest"] == 2
        assert who.read("/events", after=2)["items"] == [third]
        assert len(who.deliveries()) == 1
        fourth = who.test_event(endpoint)
        assert fourth["position"] == 4
    left = rows_of(
        rooms,
        "select count(*) from webhook_attempts a join webhook_deliveries d on d.id = delivery_id "
        "where endpoint_id = :id",
        id=UUID(endpoint["id"]),
    )
    assert left == [(0,)]


def forget(rooms: Rooms) -> None:
    with rooms.units.open(actor="worker") as uow:
        service.forget_old(uow)
