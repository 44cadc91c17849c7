"""A house of its own for what is done to a trail."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.unit_of_work import Units
from app.factory import Rooms, build
from config.settings import Settings
from tests.conftest import World
from tests.databases import migrated_database


@pytest.fixture
def house(world: World, tmp_path: Path, note_events: Callable[[Units], None]) -> Iterator[Rooms]:
    """Return a house with an empty trail, which nobody else writes to."""
    with migrated_database(world) as env:
        anchors = str(tmp_path / "anchors")
        rooms = build(Settings.from_env({**env, "AUDIT_ANCHORS_FILE": anchors}))
        try:
            yield rooms
            note_events(rooms.units)
        finally:
            rooms.close()
