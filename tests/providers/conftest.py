"""A company that means to provide something, and the office that decides about it."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from app.factory import Rooms, build, create_app
from app.host.roster import Roster
from app.http.server import Server
from app.providers.service.roster import raise_epoch
from app.sdk.remote import City
from config.settings import Settings
from tests.conftest import World
from tests.contract import ContractClient
from tests.databases import migrated_database
from tests.providers.support import (
    NAME,
    PAYEE,
    SERVICE,
    Company,
    Office,
    Town,
    make_company,
    make_manifest,
    make_office,
    new_jwk,
)
from tests.sdk.remote_house import KEY_ID, open_company
from tests.sdk.remote_house import Company as ParkingHouse


@pytest.fixture(scope="module", autouse=True)
def _gone(rooms: Rooms) -> Iterator[None]:
    """Let every company go in the end: the other tests' citizens would ask them what they owe."""
    yield
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text(
                "update providers set status = 'gone', suspended_from = null, reason_zh = null,"
                " reason_en = null, expected_return = null where transport = 'remote'"
            )
        )
        raise_epoch(uow)
    rooms.load_catalogue()
    rooms.deps[Roster]._refresh()  # noqa: SLF001 - what follows starts at once


@pytest.fixture
def company(app: Server, rooms: Rooms) -> Company:
    return make_company(app, rooms)


@pytest.fixture
def office(app: Server, rooms: Rooms) -> Office:
    return make_office(app, rooms)


@pytest.fixture
def town(world: World) -> Iterator[Town]:
    house = ParkingHouse(name=NAME)
    with open_company(house), migrated_database(world) as env:
        env["EGRESS_LOOPBACK"] = f"{env['EGRESS_LOOPBACK']},{urlsplit(house.base).netloc}"
        settings = Settings.from_env(env)
        house.city_key = City.of(
            settings.provider_signing_key, settings.web.public_url
        ).signer.key.public_key()
        rooms, other = build(settings), build(settings)
        rooms.enter_plugins()
        rooms.load_catalogue()
        apps = [create_app(settings, made) for made in (rooms, other)]
        for app in apps:
            app.test_client_class = ContractClient
        own = make_manifest(NAME, new_jwk(house.key, KEY_ID))
        own["base_url"] = house.base
        own["services"][0]["id"], own["payees"][0]["id"] = SERVICE, PAYEE
        company = replace(
            make_company(apps[0], rooms), name=NAME, manifest=own, key=house.key, kid=KEY_ID
        )
        first, second = (app.test_client() for app in apps)
        yield Town(rooms, other, first, second, house, company, make_office(apps[0], rooms))
        rooms.close()
        other.close()
