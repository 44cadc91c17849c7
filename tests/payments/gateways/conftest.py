"""The three gateways of the suite's city, each with its other side."""

from collections.abc import Iterator

import pytest

from app.factory import Rooms
from app.payments.service import PaymentDeps
from app.payments.values import Method
from tests.conftest import World
from tests.payments.gateways.tills import ALIPAY_CALLS, WECHAT_CALLS, StripeTill, WalletTill


@pytest.fixture
def alipay(rooms: Rooms, world: World) -> Iterator[WalletTill]:
    """Return Alipay, spoken to directly."""
    gateway = rooms.deps[PaymentDeps].gateways.named("alipay")
    till = WalletTill(gateway, world, Method.ALIPAY, ALIPAY_CALLS)
    yield till
    till.clear()


@pytest.fixture
def wechat(rooms: Rooms, world: World) -> Iterator[WalletTill]:
    """Return WeChat Pay, spoken to directly."""
    gateway = rooms.deps[PaymentDeps].gateways.named("wechat")
    till = WalletTill(gateway, world, Method.WECHAT_PAY, WECHAT_CALLS)
    yield till
    till.clear()


@pytest.fixture
def stripe(rooms: Rooms, world: World) -> Iterator[StripeTill]:
    """Return Stripe."""
    till = StripeTill(rooms.deps[PaymentDeps].gateways.named("stripe"), world)
    yield till
    till.clear()


@pytest.fixture(params=["stripe", "alipay", "wechat"])
def till(request: pytest.FixtureRequest) -> StripeTill | WalletTill:
    """Return each gateway in turn: the contract is one."""
    found: StripeTill | WalletTill = request.getfixturevalue(request.param)
    return found
