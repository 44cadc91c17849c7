"""Who calls whom: the city's own systems may lie inward, what others have named may not."""

from collections.abc import Iterator

import pytest

from app.core.egress import EgressRefused
from app.factory import Rooms, build
from app.identity.service import IdentityDeps
from app.notifications.errors import SmsUnavailable
from app.oauth.gateway import KeysUnavailable
from app.oauth.service import OAuthDeps
from config.settings import Settings, SettingsInvalid
from tests.conftest import World
from tests.core.test_egress_inward import Inside


@pytest.fixture
def inside() -> Iterator[Inside]:
    made = Inside()
    yield made
    made.close()


@pytest.fixture
def house(world: World, inside: Inside) -> Iterator[Rooms]:
    """Return a house whose SMS gateway lies in an inward network."""
    pair = f"127.0.0.1:{inside.port}"
    env = {**world.env, "EGRESS_INWARD": pair, "SMS_URL": f"https://{pair}/messages"}
    made = build(Settings.from_env(env))
    yield made
    made.close()


def test_the_citys_own_systems_may_lie_inward(house: Rooms, inside: Inside) -> None:
    with pytest.raises(SmsUnavailable):  # it was reached, and knows no TLS
        house.deps[IdentityDeps].sms.send(to="+8613800000000", text="text", key="key")
    assert inside.connections == 1


def test_what_others_have_named_may_not(house: Rooms, inside: Inside) -> None:
    """The same pair, named by a client as the place of its keys and of its log-out."""
    clients = house.deps[OAuthDeps]
    url = f"https://127.0.0.1:{inside.port}/keys"
    with pytest.raises(KeysUnavailable, match="EgressRefused"):
        clients.keys.at(url, None)
    assert clients.notices.send(url, "token") is False
    with pytest.raises(EgressRefused):
        house.egress.request("GET", url, connect_seconds=1.0, total_seconds=1.0)
    assert inside.connections == 0


@pytest.mark.parametrize(
    "wrong", ["sms.city", "https://sms.city:443", "sms.city:0", "sms.city:x", "*:443", "a b:443"]
)
def test_a_pair_is_a_host_and_a_port(world: World, wrong: str) -> None:
    with pytest.raises(SettingsInvalid, match="EGRESS_INWARD"):
        Settings.from_env({**world.env, "EGRESS_INWARD": wrong})


def test_pairs_are_read_in_production_too(world: World) -> None:
    env = {**world.env, "EGRESS_INWARD": "sms.city:443, register.city:8443,[fd00::7]:443"}
    found = Settings.from_env(env).egress_inward
    assert found == {"sms.city:443", "register.city:8443", "[fd00::7]:443"}
