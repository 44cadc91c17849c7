"""A citizen, a biller's account with bills, and the plug-in's provider without the host's gate."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
import urllib3
from sqlalchemy import Engine, event

from app.factory import Rooms
from app.sdk import Citizen, House, HttpClient, Payable, PaymentNotice, new_id, now
from plugins.utilities import service
from plugins.utilities.provider import UtilitiesProvider
from plugins.utilities.values import BILLERS, LinkedAccount, NewAccount
from tests.conftest import World
from tests.factories import today_for

ALL = tuple(BILLERS)
SECONDS_PER_BILLER = "plugins.utilities.service.bills._SECONDS_PER_BILLER"
_SERIAL = count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    content: bytes


class City:
    """What a test does in the sandbox city."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=20.0)

    def __call__(self, method: str, path: str, body: object = None) -> Answer:
        answer = self._pool.request(
            method,
            self.url + path,
            body=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        is_json = "json" in answer.headers.get("Content-Type", "")
        return Answer(answer.status, answer.json() if is_json else None, answer.data)

    def behave(self, biller: str, mode: str, **more: object) -> None:
        answer = self("PUT", f"/billers/{biller}/behaviour", {"mode": mode, **more})
        assert answer.status == 200

    def close(self) -> None:
        self._pool.clear()


@dataclass
class Subscriber:
    """An account at one biller."""

    city: City
    biller: str
    number: str
    holder_name: str = "李雷"
    bills: list[str] = field(default_factory=list)

    def add_bill(self, amount: int = 4250, due_date: str = "2026-12-07", **more: object) -> str:
        """Put a bill on the account and return the biller's number of it."""
        number = f"B-{self.number}-{len(self.bills) + 1}"
        bill = {
            "account": self.number,
            "reference": number,
            "amount": amount,
            "currency": "CNY",
            "period_from": "2026-10-01",
            "period_to": "2026-10-31",
            "due_date": due_date,
        } | more
        assert self.city("POST", f"/billers/{self.biller}/bills", bill).status == 201
        self.bills.append(number)
        return number

    def pay_at_counter(self, number: str) -> None:
        path = f"/billers/{self.biller}/bills/{number}/counter-payments"
        assert self.city("POST", path).status == 201

    def postings(self, number: str) -> list[dict[str, Any]]:
        """Return every notice that the biller received for a bill."""
        path = f"/billers/{self.biller}/postings?reference={number}"
        items: list[dict[str, Any]] = self.city("GET", path).body["items"]
        return items

    def effects(self, number: str) -> list[bool]:
        """Return what each booking did: true paid the bill, false is money lost."""
        booked = [p for p in self.postings(number) if p["outcome"] == "booked"]
        return [p["effective"] for p in booked]

    def await_effects(self, number: str) -> list[bool]:
        """Return the same once there is one: a biller may book when nobody listens any more."""
        deadline = time.monotonic() + 20
        while not (found := self.effects(number)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def behave(self, mode: str, **more: object) -> None:
        self.city.behave(self.biller, mode, **more)

    def wanted(self, **changed: str) -> NewAccount:
        return replace(NewAccount(self.biller, self.number, self.holder_name), **changed)

    def reference(self, number: str) -> str:
        return f"{self.biller}.{number}"


@pytest.fixture(autouse=True)
def _one_day() -> None:
    """Begin no test so late in the city's day that it would end on the next one."""
    today_for(60)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no biller out of a list because the machine was crowded for a second."""
    monkeypatch.setattr(SECONDS_PER_BILLER, 20.0)


@pytest.fixture(scope="session")
def city_caller(world: World) -> Iterator[City]:
    caller = City(world.city)
    yield caller
    caller.close()


@pytest.fixture
def city(city_caller: City) -> Iterator[City]:
    """The city, whose billers behave again when the test is over."""
    yield city_caller
    for biller in ALL:
        city_caller.behave(biller, "ok")


@pytest.fixture
def open_account(city: City) -> Callable[..., Subscriber]:
    """Return a maker of fresh accounts."""

    def make(biller: str = "shiyan-water", holder_name: str = "李雷", **more: object) -> Subscriber:
        number = f"88{next(_SERIAL):06d}{uuid4().hex[:4]}"
        account = {"number": number, "holder_name": holder_name} | more
        assert city("POST", f"/billers/{biller}/accounts", account).status == 201
        return Subscriber(city, biller, number, holder_name)

    return make


@pytest.fixture
def biller() -> str:
    """The biller of this test; parametrise to have others."""
    return "shiyan-water"


@pytest.fixture
def subscriber(open_account: Callable[..., Subscriber], biller: str) -> Subscriber:
    return open_account(biller)


@pytest.fixture
def provider(rooms: Rooms) -> UtilitiesProvider:
    """The provider as its author wrote it: no gate, and time enough on a crowded machine."""
    house = rooms.deps[UtilitiesProvider].house
    return UtilitiesProvider(replace(house, http=HttpClient(rooms.egress, total_seconds=20.0)))


@pytest.fixture
def house(provider: UtilitiesProvider) -> House:
    return provider.house


@pytest.fixture
def hasty(house: House, rooms: Rooms) -> UtilitiesProvider:
    """The same with two seconds for a call: enough for a biller that answers, on any machine."""
    return UtilitiesProvider(replace(house, http=HttpClient(rooms.egress, total_seconds=2.0)))


@pytest.fixture
def citizen() -> Citizen:
    return Citizen(reference=f"c-{uuid4().hex}")


@pytest.fixture
def stranger() -> Citizen:
    return Citizen(reference=f"c-{uuid4().hex}")


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that an engine runs for this thread.

    Others of the house, which keeps the calls of clients, run theirs when it is time.
    """
    seen: list[str] = []
    mine = threading.get_ident()

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if threading.get_ident() == mine:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def link(house: House, citizen: Citizen, subscriber: Subscriber) -> LinkedAccount:
    """Link an account as the route does."""
    with house.unit_of_work() as uow:
        return service.link_account(house, uow, citizen, subscriber.wanted())


def notice_for(payable: Payable) -> PaymentNotice:
    """Return the news that a payable was paid, under a key of its own."""
    return PaymentNotice(
        key=str(new_id()),
        reference=payable.reference,
        amount=payable.amount,
        currency=payable.currency,
        paid_at=now(),
        payee=payable.payee,
    )


def notice_of(subscriber: Subscriber, number: str, amount: int = 4250) -> PaymentNotice:
    """Return the news that a bill was paid, under a key of its own."""
    return PaymentNotice(
        key=str(new_id()),
        reference=subscriber.reference(number),
        amount=amount,
        currency="CNY",
        paid_at=now(),
        payee=subscriber.biller,
    )
