"""What the manifest tells the house is what the code does."""

from app.factory import Rooms
from app.sdk.registry import Registry
from plugins.traffic.provider import TrafficProvider
from plugins.traffic.values import DEPARTMENT, PAYEE, SERVICE


def test_the_house_has_taken_it_in(rooms: Rooms) -> None:
    assert "traffic" not in rooms.hosted.quarantined
    plugin = rooms.hosted.plugins["traffic"]
    assert plugin.provider is rooms.deps[TrafficProvider]
    assert plugin.manifest.owner == DEPARTMENT
    service, provider = rooms.deps[Registry].payable(SERVICE)
    assert (service.plugin, service.posting, service.autopay) == ("traffic", "idempotent", False)
    assert provider is plugin.guarded
    assert PAYEE in rooms.deps[Registry].payees
