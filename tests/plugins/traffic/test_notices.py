"""Citizens are told of their violations: each thing once, by day, and not by two workers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.clock import CITY_TIME, now
from app.factory import Rooms
from plugins.traffic.provider import TrafficProvider
from tests.conftest import World
from tests.factories import Citizen, later
from tests.plugins.traffic.conftest import (
    Car,
    Desk,
    behave,
    decided,
    letters,
    link,
    object_to,
    shown,
    violations,
)

NOON, NIGHT = time(12), time(3)
HOURS = 3_600


@pytest.fixture(autouse=True)
def _nobody_else_is_told(rooms: Rooms, me: Citizen, car: Car) -> None:
    """Let nobody of another test have a place where they are told of violations."""
    with rooms.units.open(actor="test") as uow:
        for table in ("vehicles", "licences"):
            others = f"update plugin_traffic.{table} set letterbox = ''"  # noqa: S608 - one of two
            mine = " where linked_at < now() - interval '1 hour'" if table == "licences" else ""
            uow.execute(text(others + mine))


@pytest.fixture(autouse=True)
def _mine(client: FlaskClient, me: Citizen, car: Car, _nobody_else_is_told: None) -> None:
    """Link the vehicle again: this is where one is told."""
    link(client, me, car)


@contextmanager
def at(day: date, hour: time = NOON) -> Iterator[None]:
    """Let it be an hour of a day of the city's, which is not over yet."""
    with later((datetime.combine(day, hour, CITY_TIME) - now()).total_seconds()):
        yield


def attend_by_two(provider: TrafficProvider) -> None:
    """Let two workers attend at once, and again."""
    for _ in range(2):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: provider.attend(), range(2)))


@pytest.mark.promise("M15")
def test_a_new_violation_and_its_decision_are_told_once_to_whoever_was_watching(
    client: FlaskClient,
    provider: TrafficProvider,
    me: Citizen,
    other: Citizen,
    car: Car,
    shows: Callable[[str], None],
) -> None:
    assert violations(client, me) == []
    case = car.offend()
    with later(5 * HOURS):
        attend_by_two(provider)
    assert letters(client, me, "violation-new") == []  # nobody is asked so often
    with later(7 * HOURS):
        attend_by_two(provider)
    (new,) = letters(client, me, "violation-new")
    assert car.plate[:2] + "***" + car.plate[-2:] in new["body"]["zh"]
    assert car.plate not in str(new)
    link(client, other, car)
    (seen,) = violations(client, other)
    assert new["subject"] == seen["id"]
    number = case.decide()
    with later(14 * HOURS):
        attend_by_two(provider)
    for who in (me, other):
        (told,) = letters(client, who, "decision-made")
        assert told["subject"] == number
        assert "200.00" in told["body"]["en"]
    # Whoever links a vehicle sees what there is: that is no news.
    assert letters(client, other, "violation-new") == []
    shows(
        "4 calls by two workers at once: 1 message of a violation, 1 of its decision to each of 2"
    )


def test_the_last_days_are_told_by_day_and_once(
    client: FlaskClient, provider: TrafficProvider, me: Citizen, car: Car
) -> None:
    violation = decided(client, me, car)
    (due,) = violation["dues"]
    pay_by = date.fromisoformat(due["pay_by"])
    with at(pay_by - timedelta(days=4)):
        attend_by_two(provider)
    with at(pay_by - timedelta(days=3), NIGHT):
        attend_by_two(provider)
    assert letters(client, me, "fine-due-soon") == []
    for days in (3, 2, 1):
        with at(pay_by - timedelta(days=days)):
            attend_by_two(provider)
    (soon,) = letters(client, me, "fine-due-soon")
    assert pay_by.isoformat() in soon["body"]["zh"]
    assert letters(client, me, "surcharge-begins") == []
    with at(pay_by):
        attend_by_two(provider)
    (begins,) = letters(client, me, "surcharge-begins")
    assert (pay_by + timedelta(days=1)).isoformat() in begins["body"]["en"]
    assert "3 %" in begins["body"]["en"]
    assert len(letters(client, me, "fine-due-soon")) == 1


def test_of_a_fine_under_review_nobody_is_reminded_and_its_answer_is_told(
    client: FlaskClient,
    provider: TrafficProvider,
    me: Citizen,
    other: Citizen,
    car: Car,
    desk: Desk,
) -> None:
    violation = decided(client, me, car)
    pay_by = date.fromisoformat(violation["dues"][0]["pay_by"])
    link(client, other, car)
    contest = object_to(client, me, violation["id"], "reconsideration").json["id"]
    with at(pay_by):
        attend_by_two(provider)
    assert letters(client, me, "surcharge-begins") == []
    assert desk.decide(contest, "reduced", reduced_to=5_000).status_code == 200
    (answer,) = letters(client, me, "contest-decided")
    assert (answer["subject"], "减轻处罚" in answer["body"]["zh"]) == (contest, True)
    assert letters(client, other, "contest-decided") == []  # it is who objected that is told


def test_a_request_that_is_refused_is_told(
    client: FlaskClient, me: Citizen, car: Car, desk: Desk
) -> None:
    violation = decided(client, me, car)
    wish = {"kind": "instalments", "parts": 2, "statement": "家庭困难"}
    path = f"/v1/traffic/violations/{violation['id']}/reliefs"
    asked = client.post(path, json=wish, headers=me.auth).json["id"]
    refused = desk.put(f"reliefs/{asked}/decision", {"granted": False, "reason": "材料不足"})
    assert refused.status_code == 200, refused.text
    (told,) = letters(client, me, "relief-decided")
    assert (told["subject"], "未同意" in told["body"]["zh"]) == (asked, True)


def test_what_could_not_be_asked_is_asked_soon_again(
    client: FlaskClient, police: World, provider: TrafficProvider, me: Citizen, car: Car
) -> None:
    assert violations(client, me) == []
    car.offend()
    behave(police, "down")
    with later(7 * HOURS):
        provider.attend()
    behave(police, "ok")
    with later(7 * HOURS + 3):
        provider.attend()
    (new,) = letters(client, me, "violation-new")
    assert shown(client, me, new["subject"])["status"] == "notified"
