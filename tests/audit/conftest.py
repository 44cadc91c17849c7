"""A house of its own for what is done to a trail."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core import migrate
from app.core.unit_of_work import Units
from app.factory import Rooms, build
from config.settings import Settings
from tests.conftest import World
from tests.databases import empty_database


@pytest.fixture
def house(world: World, tmp_path: Path, note_events: Callable[[Units], None]) -> Iterator[Rooms]:
    """Return a house with an empty trail, which nobody else writes to."""
    with empty_database(world) as env:
        anchors = str(tmp_path / "anchors")
        rooms = build(Settings.from_env({**env, "AUDIT_ANCHORS_FILE": anchors}))
        database = rooms.settings.database
        migrate.upgrade(database.owner_url or "", database.url, rooms.histories[:1])
        try:
            yield rooms
            note_events(rooms.units)
        finally:
            rooms.close()
