"""A citizen, and the plug-in's provider without the host's gate."""

from dataclasses import replace
from uuid import uuid4

import pytest

from app.factory import Rooms
from app.sdk import Citizen, House, HttpClient
from plugins.traffic.provider import TrafficProvider


@pytest.fixture
def provider(rooms: Rooms) -> TrafficProvider:
    """The provider as its author wrote it: no gate, and no more than two seconds for a call."""
    house = rooms.deps[TrafficProvider].house
    return TrafficProvider(replace(house, http=HttpClient(rooms.egress, total_seconds=2.0)))


@pytest.fixture
def house(provider: TrafficProvider) -> House:
    return provider.house


@pytest.fixture
def citizen() -> Citizen:
    return Citizen(reference=f"c-{uuid4().hex}")
