"""What the manifest tells the house is what the code does."""

from app.factory import Rooms
from plugins.traffic.provider import TrafficProvider


def test_the_house_has_taken_it_in(rooms: Rooms) -> None:
    assert "traffic" not in rooms.hosted.quarantined
    plugin = rooms.hosted.plugins["traffic"]
    assert plugin.provider is rooms.deps[TrafficProvider]
    assert plugin.manifest.owner == "traffic-police"
