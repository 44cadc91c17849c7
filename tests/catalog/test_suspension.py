"""A service that is closed says why and until when, to who reads of it and to who would pay."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.catalog import service as catalog
from app.catalog.service import CatalogDeps, Shelf
from app.core.clock import now
from app.factory import Rooms, create_app
from app.http.server import Server
from app.oauth.service import OAuthDeps
from app.payments.service import PaymentDeps
from app.sdk.registry import Closed, Page, Registry
from config.settings import Settings
from tests.conftest import World
from tests.factories import later, log_in
from tests.payments.helpers import make_bill, order, start

REASON = {"zh": "系统升级。", "en": "The system is being renewed."}
PAGE = Page("01890a5d-ac96-774b-bcce-b302099a8057", "https://a.example/in", "https://a.example/")


@pytest.fixture
def returns_at() -> datetime:
    return now() + timedelta(minutes=5)


@pytest.fixture
def closed(settings: Settings, app: Server, rooms: Rooms, returns_at: datetime) -> FlaskClient:
    """Return a client of a house in which the water bill is closed for five minutes."""
    listing = rooms.deps[Registry].snapshot()
    services = [
        replace(s, unavailable=Closed(REASON, returns_at), page=PAGE) if s.id == "water-bill" else s
        for s in listing.services.values()
    ]
    registry = Registry(services, listing.providers, listing.payees)
    shelf = Shelf(rooms.units, lambda: catalog.read_offer(registry.services.values()), seconds=0)
    own = {
        **rooms.deps,
        CatalogDeps: CatalogDeps(shelf),
        PaymentDeps: replace(rooms.deps[PaymentDeps], registry=registry),
        OAuthDeps: replace(rooms.deps[OAuthDeps], registry=registry),
    }
    made = create_app(settings, replace(rooms, deps=own))
    made.test_client_class = app.test_client_class
    return made.test_client()


def test_the_entry_says_why_and_until_when(closed: FlaskClient, returns_at: datetime) -> None:
    whole = closed.get("/v1/services/water-bill").json
    listed = closed.get("/v1/services?department=water-bureau&action=pay").json["items"]
    for said in (whole, *(item for item in listed if item["id"] == "water-bill")):
        assert (said["available"], said["unavailable_reason"]) == (False, REASON)
        told = datetime.fromisoformat(said["expected_return"])
        assert abs(told - returns_at) < timedelta(milliseconds=1)
        assert said["has_page"] is True
    other = closed.get("/v1/services/gas-bill").json
    assert (other["available"], other["expected_return"], other["has_page"]) == (True, None, False)


def test_a_promise_that_was_not_kept_is_not_repeated(closed: FlaskClient) -> None:
    before = closed.get("/v1/services/water-bill")
    with later(301):
        known = {"If-None-Match": before.headers["ETag"]}
        after = closed.get("/v1/services/water-bill", headers=known)
    assert (after.status_code, after.json["available"]) == (200, False)
    assert after.json["expected_return"] is None
    assert after.json["unavailable_reason"] == REASON


def test_a_payment_is_told_when_to_come_again(
    client: FlaskClient, closed: FlaskClient, world: World, rooms: Rooms, returns_at: datetime
) -> None:
    citizen = log_in(client, world, rooms)
    bill = make_bill(client, world, citizen)
    refused = start(closed, citizen, order(bill))
    assert (refused.status_code, refused.json["code"]) == (503, "service-unavailable")
    assert 1 <= int(refused.headers["Retry-After"]) <= 300
    assert datetime.fromisoformat(refused.json["expected_return"]) == returns_at
    assert refused.json["detail"] == f"{REASON['zh']} {REASON['en']}"
    with rooms.units.open(actor="test", read_only=True) as uow:
        made = text("select count(*) from payments where citizen_id = :c")
        assert uow.scalar(made, {"c": citizen.id}) == 0
    entered = closed.post("/v1/services/water-bill/entry", headers=citizen.auth)
    assert (entered.status_code, entered.json["code"]) == (503, "service-unavailable")
    assert 1 <= int(entered.headers["Retry-After"]) <= 300
