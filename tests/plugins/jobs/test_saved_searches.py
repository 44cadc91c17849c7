"""Who keeps a search is told once a day how much is new, and of nothing twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from app.factory import Rooms
from app.sdk import CITY_TIME, House, now
from plugins.jobs import service
from plugins.jobs.provider import JobsProvider
from plugins.jobs.values import VacancyFilter
from tests.conftest import World
from tests.factories import Citizen, later, log_in
from tests.plugins.jobs.rows import one, run
from tests.plugins.jobs.seekers import Firm, make_applicant, make_firm

PLACE = "/v1/jobs/saved-searches"


@pytest.fixture
def firm(rooms: Rooms, house: House) -> Firm:
    return make_firm(rooms, house)


@pytest.fixture
def me(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    run(rooms, "delete from plugin_jobs.saved_searches")  # of other tests, who are told, too
    return log_in(client, world, rooms)


@contextmanager
def at(days: int, hour: int = 12) -> Iterator[None]:
    """Let it be an hour of the city so many days from now."""
    day: date = now().astimezone(CITY_TIME).date() + timedelta(days=days)
    with later((datetime.combine(day, time(hour), CITY_TIME) - now()).total_seconds()):
        yield


def save(client: FlaskClient, me: Citizen, **wanted: object) -> Any:  # noqa: ANN401 - an answer
    return client.post(PLACE, json={"wanted": wanted}, headers=me.auth)


def told(client: FlaskClient, me: Citizen) -> list[str]:
    items = client.get("/v1/me/inbox?limit=100", headers=me.auth).json["items"]
    return [item["body"]["zh"] for item in items if item["kind"] == "jobs.new-vacancies"]


def test_a_message_a_day_says_what_is_new_and_nothing_twice(
    client: FlaskClient, rooms: Rooms, firm: Firm, me: Citizen
) -> None:
    word, provider = f"焊{uuid4().hex[:8]}", rooms.deps[JobsProvider]
    firm.vacancy(title=f"{word}旧")
    run(  # it was there before the search
        rooms,
        "update plugin_jobs.vacancies set published_at = published_at - interval '1 h'"
        " where employer_id = :id",
        id=firm.id,
    )
    first = save(client, me, q=word)
    second = save(client, me, q=word, district="420302")
    assert (first.status_code, second.status_code) == (201, 201)
    assert save(client, me, q=word).json["id"] == first.json["id"]
    firm.vacancy(title=f"{word}甲")
    firm.vacancy(title=f"{word}乙")
    firm.vacancy(title=f"铣{uuid4().hex[:8]}")
    provider.attend()
    assert told(client, me) == []  # not on the day it was saved
    with at(1, hour=7):
        provider.attend()
    assert told(client, me) == []  # not at night
    with at(1), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: provider.attend(), range(4)))
    assert told(client, me) == [f"您订阅的岗位新增2个：{word}乙、{word}甲等，请在应用内查看。"]
    with at(2):
        provider.attend()
        firm.vacancy(title=f"{word}丙")
    assert len(told(client, me)) == 1
    with at(3):
        provider.attend()
    assert told(client, me)[0] == f"您订阅的岗位新增1个：{word}丙等，请在应用内查看。"
    gone = client.delete(f"{PLACE}/{first.json['id']}", headers=me.auth)
    assert gone.status_code == 204
    assert client.delete(second.headers["Location"], headers=me.auth).status_code == 204
    with at(3):
        firm.vacancy(title=f"{word}丁")
    with at(4):
        provider.attend()
    assert len(told(client, me)) == 2
    assert client.get(PLACE, headers=me.auth).json["items"] == []


def test_ten_are_kept_and_nobody_sees_another_ones(
    client: FlaskClient, world: World, rooms: Rooms, me: Citizen
) -> None:
    made = [save(client, me, q=f"词{n}") for n in range(10)]
    assert {answer.status_code for answer in made} == {201}
    refused = save(client, me, q="第十一")
    assert (refused.status_code, refused.json["code"]) == (409, "too-many-saved-searches")
    other = log_in(client, world, rooms)
    place = made[0].headers["Location"]
    for answer in (
        client.get(place, headers=other.auth),
        client.delete(place, headers=other.auth),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "saved-search-not-found")
    assert client.get(place, headers=me.auth).json["wanted"]["q"] == "词0"
    with pytest.raises(IntegrityError, match="ck_saved_searches_place"):
        run(rooms, "update plugin_jobs.saved_searches set place = 11 where place = 10")


def test_a_citizen_costs_the_same_statements_however_much_is_new(
    rooms: Rooms, house: House, firm: Firm, me: Citizen
) -> None:
    word = f"钳{uuid4().hex[:8]}"
    who = make_applicant(rooms)
    for district in ("420302", "420303", "420304"):
        with house.unit_of_work() as uow:
            service.save_search(uow, who, VacancyFilter(q=word, district=district))

    def statements() -> int:
        seen: list[str] = []

        def note(_c: object, _u: object, statement: str, *_: object) -> None:
            if "vacancies" in statement:
                seen.append(statement)

        event.listen(rooms.units.write, "before_cursor_execute", note)
        try:
            service.tell_what_is_new(house)
        finally:
            event.remove(rooms.units.write, "before_cursor_execute", note)
        return len(seen)

    with at(1):
        few = statements()
        for _ in range(12):
            firm.vacancy(title=f"{word}{uuid4().hex[:4]}")
    with at(2):
        many_new = statements()
    assert (few, many_new) == (1, 1)
    found = "select count(*) from plugin_jobs.saved_searches where told_at is not null"
    assert one(rooms, found) == 3
