"""What is popular: of at least ten citizens, each counted once, and less with every day."""

from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.catalog import service as catalog
from app.catalog.service.popularity import DAYS
from app.catalog.values import FEWEST_CITIZENS
from app.factory import Rooms
from tests.factories import later, today_for

DAY = 86_400.0


@pytest.fixture(autouse=True)
def _nobody_else(rooms: Rooms) -> Iterator[None]:
    """Let nobody have used anything before, nor afterwards, and the day not end meanwhile."""
    today_for(60)
    forget(rooms)
    yield
    forget(rooms)


def forget(rooms: Rooms) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.execute(text("delete from listed_services where list = 'recent'"))
        uow.execute(text("delete from popular_services"))


def people(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]


def use(rooms: Rooms, service: str, who: Sequence[UUID], *, days_ago: int = 0) -> None:
    with later(-days_ago * DAY), rooms.units.open(actor="test") as uow:
        for one in who:
            catalog.note_use(uow, one, [service])


def rank(rooms: Rooms) -> None:
    with rooms.units.open(actor="test") as uow:
        catalog.rank_services(uow)


def popular(client: FlaskClient, query: str = "") -> list[str]:
    answer = client.get(f"/v1/services?sort=popular{query}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


def test_nothing_is_shown_of_fewer_than_ten(prompt_client: FlaskClient, rooms: Rooms) -> None:
    nine = people(FEWEST_CITIZENS - 1)
    for _ in range(3):
        use(rooms, "gas-bill", nine)
    rank(rooms)
    assert popular(prompt_client) == []
    use(rooms, "gas-bill", people(1))
    assert popular(prompt_client) == []  # nothing is counted when somebody asks
    rank(rooms)
    assert popular(prompt_client) == ["gas-bill"]


def test_the_database_knows_of_no_fewer_than_ten(rooms: Rooms) -> None:
    row = text("insert into popular_services values ('gas-bill', :n, 9.0)")
    with (
        pytest.raises(IntegrityError, match="ck_popular_services_citizens"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(row, {"n": FEWEST_CITIZENS - 1})


def test_what_was_used_lately_counts_more(prompt_client: FlaskClient, rooms: Rooms) -> None:
    use(rooms, "water-bill", people(19), days_ago=7)
    use(rooms, "gas-bill", people(10))
    use(rooms, "heat-bill", people(11), days_ago=1)
    rank(rooms)
    # 19 half a week's decay at 1/2 = 9.5; 11 a day old = 9.96; 10 of today = 10
    assert popular(prompt_client) == ["gas-bill", "heat-bill", "water-bill"]
    use(rooms, "water-bill", people(2), days_ago=7)
    rank(rooms)
    assert popular(prompt_client) == ["water-bill", "gas-bill", "heat-bill"]


def test_a_citizen_counts_once_however_often_they_come(
    prompt_client: FlaskClient, rooms: Rooms
) -> None:
    keen, many = people(10), people(11)
    for days_ago in range(5, -1, -1):
        use(rooms, "gas-bill", keen, days_ago=days_ago)
    use(rooms, "water-bill", many)
    rank(rooms)
    assert popular(prompt_client) == ["water-bill", "gas-bill"]


def test_after_thirty_days_it_is_forgotten(prompt_client: FlaskClient, rooms: Rooms) -> None:
    use(rooms, "gas-bill", people(12), days_ago=DAYS)
    use(rooms, "water-bill", people(12), days_ago=DAYS - 1)
    rank(rooms)
    assert popular(prompt_client) == ["water-bill"]


def test_whoever_takes_their_list_back_does_not_count(
    prompt_client: FlaskClient, rooms: Rooms
) -> None:
    ten = people(FEWEST_CITIZENS)
    use(rooms, "gas-bill", ten)
    rank(rooms)
    assert popular(prompt_client) == ["gas-bill"]
    with rooms.units.open(actor="test") as uow:
        catalog.clear_recent(uow, ten[0])
    rank(rooms)
    assert popular(prompt_client) == []


def test_what_is_popular_is_narrowed_searched_and_paged(
    prompt_client: FlaskClient, rooms: Rooms
) -> None:
    for number, service in enumerate(("heat-bill", "water-bill", "gas-bill")):
        use(rooms, service, people(10 + number))
    use(rooms, "no-longer-there", people(20))
    rank(rooms)
    assert popular(prompt_client) == ["gas-bill", "water-bill", "heat-bill"]
    assert popular(prompt_client, "&department=water-bureau") == ["water-bill"]
    found = prompt_client.get("/v1/services?sort=popular&q=缴费").json["items"]
    everything = prompt_client.get("/v1/services?q=缴费&limit=100").json["items"]
    hits = {item["id"]: item["matched_by"] for item in everything}
    assert [item["id"] for item in found] == [
        name for name in ("gas-bill", "water-bill", "heat-bill") if name in hits
    ]
    assert all(item["matched_by"] == hits[item["id"]] for item in found)
    first = prompt_client.get("/v1/services?sort=popular&limit=2").json
    place = f"/v1/services?sort=popular&limit=2&cursor={first['next_cursor']}"
    assert [item["id"] for item in prompt_client.get(place).json["items"]] == ["heat-bill"]
    use(rooms, "heat-bill", people(9))
    rank(rooms)
    late = prompt_client.get(place)
    assert (late.status_code, late.json["code"]) == (400, "cursor-invalid")


def test_another_ranking_has_another_tag(prompt_client: FlaskClient, rooms: Rooms) -> None:
    before = prompt_client.get("/v1/services?sort=popular").headers["ETag"]
    use(rooms, "gas-bill", people(10))
    rank(rooms)
    known = {"If-None-Match": before}
    after = prompt_client.get("/v1/services?sort=popular", headers=known)
    assert after.status_code == 200
    known = {"If-None-Match": after.headers["ETag"]}
    rank(rooms)
    assert prompt_client.get("/v1/services?sort=popular", headers=known).status_code == 304


def test_no_other_order_is_known(client: FlaskClient) -> None:
    refused = client.get("/v1/services?sort=newest")
    assert (refused.status_code, refused.json["errors"][0]["parameter"]) == (422, "sort")
