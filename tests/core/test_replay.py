"""What may be used once is used once, by however many at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

from app.core.clock import now
from app.core.replay import claim_once, forget_seen
from app.factory import Rooms
from tests.factories import later


def claim(rooms: Rooms, *names: str) -> bool:
    with rooms.units.open(actor="test") as uow:
        return claim_once(uow, "test", *names, forget_at=now() + timedelta(minutes=5))


def test_of_twenty_at_once_one_is_first(rooms: Rooms) -> None:
    name = str(uuid4())
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda _: claim(rooms, name), range(20)))
    assert sorted(firsts) == [False] * 19 + [True]


def test_names_are_not_joined_by_chance(rooms: Rooms) -> None:
    name = str(uuid4())
    assert claim(rooms, name, "bc")
    assert claim(rooms, f"{name}b", "c")
    assert not claim(rooms, name, "bc")


def test_it_is_forgotten_once_it_could_not_be_used_anyway(rooms: Rooms) -> None:
    name = str(uuid4())
    assert claim(rooms, name)
    for seconds, is_free in ((0, False), (301, True)):
        with later(seconds), rooms.units.open(actor="test") as uow:
            forget_seen(uow)
        assert claim(rooms, name) is is_free
