"""A town for each file of these tests."""

from collections.abc import Callable, Iterator

import pytest

from app.core.unit_of_work import Units
from tests.conftest import World
from tests.operations.town import Town, open_town


@pytest.fixture(scope="module")
def town(world: World, note_events: Callable[[Units], None]) -> Iterator[Town]:
    """Return a house, and a company that everybody may call."""
    with open_town(world, note_events) as made:
        yield made
