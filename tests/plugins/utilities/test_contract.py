"""Each of the four billers keeps what every payable service owes the house."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from app.sdk import Citizen, new_id
from app.sdk.testing import PayableContract
from plugins.utilities.provider import UtilitiesProvider
from tests.plugins.utilities.conftest import City, Subscriber, link


class UtilityContract(PayableContract):
    biller: str
    _city: City
    _open: Callable[..., Subscriber]

    @pytest.fixture(autouse=True)
    def _reach(
        self,
        provider: UtilitiesProvider,
        city: City,
        open_account: Callable[..., Subscriber],
    ) -> None:
        type(self).provider = provider
        self._city = city
        self._open = open_account

    def make_payable(self) -> tuple[str, Citizen]:
        citizen = Citizen(f"c-{new_id()}")
        subscriber = self._open(self.biller)
        bill = subscriber.add_bill()
        link(self.provider.house, citizen, subscriber)
        return subscriber.reference(bill), citizen

    def break_biller(self) -> AbstractContextManager[None]:
        return _down(self._city, self.biller)


@contextmanager
def _down(city: City, biller: str) -> Iterator[None]:
    city.behave(biller, "down")
    yield
    city.behave(biller, "ok")


class TestWater(UtilityContract):
    biller = "shiyan-water"
    service = "water-bill"
    unknown_reference = "shiyan-water.no-such-bill"


class TestPower(UtilityContract):
    biller = "shiyan-power"
    service = "power-bill"
    unknown_reference = "shiyan-power.no-such-bill"


class TestGas(UtilityContract):
    biller = "shiyan-gas"
    service = "gas-bill"
    unknown_reference = "shiyan-gas.no-such-bill"


class TestHeat(UtilityContract):
    biller = "shiyan-heat"
    service = "heat-bill"
    unknown_reference = "shiyan-heat.no-such-bill"
