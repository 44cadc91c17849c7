"""Citizens are told of what is due: one message a day, in the day, and not by two workers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.clock import CITY_TIME, now
from app.factory import Rooms
from plugins.utilities.provider import UtilitiesProvider
from tests.conftest import World
from tests.factories import Citizen, later, log_in
from tests.plugins.utilities.conftest import Subscriber

NOON = time(12, 0)


@dataclass(frozen=True)
class Home:
    """A citizen with an account, in a house whose provider the test calls."""

    client: FlaskClient
    rooms: Rooms
    me: Citizen
    subscriber: Subscriber
    day: date

    @property
    def provider(self) -> UtilitiesProvider:
        found = self.rooms.hosted.plugins["utilities"].provider
        assert isinstance(found, UtilitiesProvider)
        return found

    def bill(self, due_in: int, amount: int = 4250) -> None:
        """Let a bill be due so many days after the day, and known to us."""
        due = self.day + timedelta(days=due_in)
        self.subscriber.add_bill(amount, due_date=due.isoformat())

    def link(self) -> None:
        account = {
            "biller": self.subscriber.biller,
            "number": self.subscriber.number,
            "holder_name": self.subscriber.holder_name,
        }
        linked = self.client.post("/v1/utilities/accounts", json=account, headers=self.me.auth)
        assert linked.status_code == 201, linked.text
        listed = self.client.get("/v1/utilities/bills", headers=self.me.auth).json["items"]
        assert len(listed) == len(self.subscriber.bills)

    def told(self) -> list[Any]:
        items = self.client.get("/v1/me/inbox?limit=100", headers=self.me.auth).json["items"]
        return [item for item in items if item["kind"] == "utilities.bills-due"]

    def forget_others(self) -> None:
        """Let nobody else of this database have a place where they are told of bills."""
        with self.rooms.units.open(actor="test") as uow:
            uow.execute(text("update plugin_utilities.accounts set letterbox = ''"))


@contextmanager
def at(day: date, hour: time = NOON) -> Iterator[None]:
    """Let it be an hour of a day of the city's, which is not over yet."""
    with later((datetime.combine(day, hour, CITY_TIME) - now()).total_seconds()):
        yield


@pytest.fixture
def home(client: FlaskClient, world: World, rooms: Rooms, subscriber: Subscriber) -> Home:
    tomorrow = now().astimezone(CITY_TIME).date() + timedelta(days=1)
    made = Home(client, rooms, log_in(client, world, rooms), subscriber, tomorrow)
    made.forget_others()
    return made


def test_one_message_a_day_says_all_that_is_due_soon(home: Home) -> None:
    for due_in, amount in ((3, 4250), (7, 1000), (2, 700), (8, 600)):
        home.bill(due_in, amount)
    home.link()
    with at(home.day):
        home.provider.attend()
        home.provider.attend()
    (message,) = home.told()
    first = (home.day + timedelta(days=3)).isoformat()
    assert message["body"]["zh"] == f"您有2笔账单待缴，共¥52.50，最近一笔于{first}到期。"
    assert message["subject"] == home.day.isoformat()


def test_a_bill_is_told_of_seven_three_and_one_days_before_and_on_the_day(home: Home) -> None:
    home.bill(7)
    home.link()
    days = [home.day + timedelta(days=n) for n in range(9)]
    for day in days:
        with at(day):
            home.provider.attend()
    seen = {message["subject"] for message in home.told()}
    assert seen == {days[n].isoformat() for n in (0, 4, 6, 7)}


@pytest.mark.parametrize("hour", [time(7, 59), time(20, 0), time(3, 0)])
def test_nobody_is_reminded_at_night(home: Home, hour: time) -> None:
    home.bill(1)
    home.link()
    with at(home.day, hour):
        home.provider.attend()
    assert home.told() == []


def test_what_is_paid_is_not_told_of(home: Home) -> None:
    home.bill(1)
    home.bill(3, 700)
    home.link()
    with home.rooms.units.open(actor="test") as uow:
        paid = text(
            "update plugin_utilities.bills set status = 'paid', paid_at = now()"
            " where biller_reference = :number"
        )
        uow.execute(paid, {"number": home.subscriber.bills[0]})
    with at(home.day):
        home.provider.attend()
    (message,) = home.told()
    assert message["body"]["en"].startswith("Bills to pay: 1, ¥7.00 in all.")


def test_whoever_has_moved_out_is_not_told_of_what_comes_after(home: Home) -> None:
    home.bill(1)
    home.link()
    with home.rooms.units.open(actor="test") as uow:
        moved = "update plugin_utilities.accounts set moved_out_on = '2026-09-30'"
        uow.execute(text(f"{moved} where letterbox <> ''"))
    with at(home.day):
        home.provider.attend()
    assert home.told() == []


def test_eight_workers_at_once_tell_once(home: Home) -> None:
    home.bill(1)
    home.link()
    with at(home.day), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: home.provider.attend(), range(8)))
    assert len(home.told()) == 1
