"""What a citizen owes: every plug-in asked at once, the silent ones named."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.core.errors import Unavailable
from app.factory import Rooms
from app.payments.service import PaymentDeps, list_payables
from app.sdk.provider import (
    Citizen,
    Fulfilment,
    House,
    Payable,
    PayableProvider,
    PaymentNotice,
)
from app.sdk.registry import Payee, Registry, Service
from tests import factories
from tests.conftest import World
from tests.payments.helpers import make_bill, pay

TITLE = {"zh": "账单", "en": "Bill"}


class Listing(PayableProvider):
    """Owes what it was given, waits, or fails."""

    def __init__(self, house: House, answer: object, gate: threading.Event | None = None) -> None:
        super().__init__(house)
        self._answer = answer
        self._gate = gate

    def list_payables(self, citizen: Citizen) -> Sequence[Payable]:
        if self._gate is not None:
            self._gate.wait(30)
        if isinstance(self._answer, Exception):
            raise self._answer
        assert isinstance(self._answer, list)
        return self._answer

    def get_payable(self, reference: str, citizen: Citizen) -> Payable:
        raise AssertionError

    def fulfil(self, notice: PaymentNotice) -> Fulfilment:
        raise AssertionError

    def find_fulfilment(self, key: str) -> Fulfilment | None:
        raise AssertionError


def payable(reference: str, due: date | None) -> Payable:
    return Payable(reference, TITLE, 100, "CNY", "payee", due, "1")


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Return an event that holds a provider back until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def desk(rooms: Rooms, providers: dict[str, Listing]) -> PaymentDeps:
    services = [
        Service(f"{name}-bill", name, TITLE, "living", "water-bureau", "payable", "pay", "basic")
        for name in providers
    ]
    registry = Registry(services, providers, {"payee": Payee("payee", TITLE, "utility")})
    return replace(rooms.deps[PaymentDeps], registry=registry)


def test_the_silent_and_the_failing_are_named_and_the_others_answer(
    rooms: Rooms, citizen: factories.Citizen, gate: threading.Event
) -> None:
    house: House = None  # type: ignore[assignment] # these providers need none
    later, sooner = payable("b", date(2026, 12, 24)), payable("a", date(2026, 12, 1))
    providers = {
        "good": Listing(house, [later, payable("c", None), sooner]),
        "slow": Listing(house, [later], gate),
        "down": Listing(house, Unavailable()),
        "broken": Listing(house, RuntimeError("a bug")),
    }
    owed = list_payables(desk(rooms, providers), UUID(citizen.id))
    assert [item.reference for item in owed.items] == ["a", "b", "c"]
    assert {item.service for item in owed.items} == {"good-bill"}
    assert {entry["plugin"] for entry in owed.unanswered} == {"slow", "down", "broken"}
    assert {"plugin": "slow", "services": ["slow-bill"]} in owed.unanswered


def test_open_bills_are_owed_and_paid_ones_are_not(
    client: FlaskClient, world: World, rooms: Rooms, citizen: factories.Citizen
) -> None:
    water = make_bill(client, world, citizen, "water-bill")
    heat = make_bill(client, world, citizen, "heat-bill")
    owed = client.get("/v1/me/payables", headers=citizen.auth)
    assert owed.status_code == 200, owed.text
    assert {i["reference"] for i in owed.json["items"]} == {water.reference, heat.reference}
    assert owed.json["unanswered"] == []
    assert owed.json["next_cursor"] is None
    pay(client, rooms, citizen, water)
    left = client.get("/v1/me/payables", headers=citizen.auth).json["items"]
    assert [i["reference"] for i in left] == [heat.reference]
