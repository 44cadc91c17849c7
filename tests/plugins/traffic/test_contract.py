"""A fine keeps what every payable service owes the house."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import uuid4

import pytest

from app.sdk import Citizen
from app.sdk.testing import PayableContract
from plugins.traffic import service
from plugins.traffic.provider import TrafficProvider
from plugins.traffic.values import NewVehicle
from tests.conftest import World
from tests.plugins.traffic.conftest import behave, make_car


class TestFine(PayableContract):
    service = "traffic-fine"
    unknown_reference = "420320269999999"
    _world: World

    @pytest.fixture(autouse=True)
    def _reach(self, provider: TrafficProvider, world: World) -> None:
        type(self).provider = provider
        self._world = world

    def make_payable(self) -> tuple[str, Citizen]:
        citizen = Citizen(f"c-{uuid4().hex}")
        car = make_car(self._world)
        house = self.provider.house
        with house.unit_of_work() as uow:
            service.link_vehicle(house, uow, citizen, NewVehicle(**car.facts))
        number = car.offend().decide()
        assert [one.reference for one in self.provider.list_payables(citizen)] == [number]
        return number, citizen

    def break_biller(self) -> AbstractContextManager[None]:
        return _down(self._world)


@contextmanager
def _down(world: World) -> Iterator[None]:
    behave(world, "down")
    yield
    behave(world, "ok")
