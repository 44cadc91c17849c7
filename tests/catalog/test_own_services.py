"""Favourites and recently used services: a citizen's own, in order, bounded, and forgotten."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from werkzeug.test import TestResponse

from app.catalog import service as catalog
from app.catalog.service import CatalogDeps, Snapshot
from app.catalog.values import MOST_FAVOURITES, MOST_RECENT, Catalogue
from app.core.unit_of_work import Units
from app.factory import Rooms
from app.http.server import Server
from tests.catalog.conftest import Load, guide, with_source
from tests.conftest import World
from tests.factories import Citizen, log_in, run_jobs
from tests.payments.helpers import make_bill, pay
from tests.privacy.support import ask_closure, close, export

FAVOURITES = "/v1/me/services/favourites"
RECENT = "/v1/me/services/recent"
SETTINGS = "/v1/me/services/settings"
LISTED = "select service from listed_services where citizen_id = :c and list = :l order by position"


@pytest.fixture
def citizen(client: FlaskClient, world: World, rooms: Rooms) -> Citizen:
    return log_in(client, world, rooms)


def shown(client: FlaskClient, citizen: Citizen, path: str) -> list[str]:
    answer = client.get(path, headers=citizen.auth)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


def add(client: FlaskClient, citizen: Citizen, service: str) -> TestResponse:
    return client.put(f"{FAVOURITES}/{service}", headers=citizen.auth)


def fill(client: FlaskClient, citizen: Citizen, *services: str) -> None:
    for service in services:
        assert add(client, citizen, service).status_code == 204


def arrange(client: FlaskClient, citizen: Citizen, *services: str) -> TestResponse:
    return client.put(FAVOURITES, json={"services": list(services)}, headers=citizen.auth)


def use(rooms: Rooms, citizen_id: str, *services: str) -> None:
    for service in services:
        with rooms.units.open(actor="test") as uow:
            catalog.note_use(uow, UUID(citizen_id), [service])


def stored(rooms: Rooms, citizen_id: str, name: str) -> list[str]:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return list(uow.scalars(text(LISTED), {"c": citizen_id, "l": name}))


def some(rooms: Rooms, count: int) -> list[str]:
    snapshot: Snapshot = rooms.deps[CatalogDeps].shelf.snapshot()
    return list(snapshot.services)[:count]


@contextmanager
def statements(units: Units) -> Iterator[list[str]]:
    """Collect the SQL that asks for services."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "listed_services" in statement or "catalog_" in statement:
            seen.append(statement)

    event.listen(units.read, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(units.read, "before_cursor_execute", note)


def test_favourites_stand_in_the_order_in_which_they_were_chosen(
    client: FlaskClient, citizen: Citizen
) -> None:
    assert shown(client, citizen, FAVOURITES) == []
    fill(client, citizen, "water-bill", "gas-bill", "heat-bill", "water-bill")
    assert shown(client, citizen, FAVOURITES) == ["water-bill", "gas-bill", "heat-bill"]
    for _ in range(2):
        gone = client.delete(f"{FAVOURITES}/gas-bill", headers=citizen.auth)
        assert gone.status_code == 204
    assert shown(client, citizen, FAVOURITES) == ["water-bill", "heat-bill"]
    fill(client, citizen, "gas-bill")
    assert shown(client, citizen, FAVOURITES) == ["water-bill", "heat-bill", "gas-bill"]


def test_a_favourite_is_shown_as_lists_show_it(client: FlaskClient, citizen: Citizen) -> None:
    fill(client, citizen, "water-bill")
    mine = client.get(FAVOURITES, headers=citizen.auth)
    assert mine.headers["Cache-Control"] == "no-store"
    listed = client.get("/v1/services?department=water-bureau&action=pay").json["items"]
    assert mine.json == {
        "items": [item for item in listed if item["id"] == "water-bill"],
        "next_cursor": None,
    }


def test_favourites_are_ordered_as_a_whole(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    fill(client, citizen, "water-bill", "gas-bill", "heat-bill")
    for _ in range(2):
        answer = arrange(client, citizen, "heat-bill", "water-bill", "gas-bill")
        assert [item["id"] for item in answer.json["items"]] == [
            "heat-bill",
            "water-bill",
            "gas-bill",
        ]
    for wrong in (
        ["heat-bill", "water-bill"],
        ["heat-bill", "water-bill", "gas-bill", "power-bill"],
        ["heat-bill", "water-bill", "power-bill"],
        ["heat-bill", "heat-bill", "water-bill"],
    ):
        refused = arrange(client, citizen, *wrong)
        assert (refused.status_code, refused.json["code"]) == (409, "favourites-changed")
    assert stored(rooms, citizen.id, "favourites") == ["heat-bill", "water-bill", "gas-bill"]


def test_only_what_there_is_can_be_a_favourite(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    refused = add(client, citizen, "no-such-service")
    assert (refused.status_code, refused.json["code"]) == (404, "service-not-found")
    assert client.delete(f"{FAVOURITES}/no-such-service", headers=citizen.auth).status_code == 204
    assert stored(rooms, citizen.id, "favourites") == []


def test_lists_are_their_citizens_own(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    fill(client, citizen, "water-bill")
    use(rooms, citizen.id, "water-bill")
    other = log_in(client, world, rooms)
    assert shown(client, other, FAVOURITES) == shown(client, other, RECENT) == []
    for path in (FAVOURITES, RECENT, SETTINGS):
        assert client.get(path).status_code == 401


def test_there_are_sixty_favourites_and_no_more(
    app: Server, client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    names = some(rooms, MOST_FAVOURITES + 8)
    fill(client, citizen, *names[: MOST_FAVOURITES - 1])
    last = names[MOST_FAVOURITES - 1 :]

    def put(service: str) -> int:
        return add(app.test_client(), citizen, service).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(put, last))
    assert sorted(statuses) == [204] + [409] * (len(last) - 1)
    assert len(stored(rooms, citizen.id, "favourites")) == MOST_FAVOURITES
    refused = add(client, citizen, last[statuses.index(409)])
    assert refused.json["code"] == "favourites-full"
    assert add(client, citizen, names[0]).status_code == 204


def test_what_is_withdrawn_is_not_shown_and_not_forgotten(
    prompt_client: FlaskClient,
    rooms: Rooms,
    citizen: Citizen,
    load: Load,
    catalogue: Catalogue,
) -> None:
    client = prompt_client
    load(with_source(catalogue, guide("own-passing")))
    fill(client, citizen, "own-passing", "water-bill", "gas-bill")
    use(rooms, citizen.id, "own-passing", "water-bill")
    load(catalogue)
    assert shown(client, citizen, FAVOURITES) == ["water-bill", "gas-bill"]
    assert shown(client, citizen, RECENT) == ["water-bill"]
    assert arrange(client, citizen, "gas-bill", "water-bill").status_code == 200
    hidden = ["gas-bill", "water-bill", "own-passing"]
    assert stored(rooms, citizen.id, "favourites") == hidden
    load(with_source(catalogue, guide("own-passing")))
    assert shown(client, citizen, FAVOURITES) == hidden
    assert shown(client, citizen, RECENT) == ["water-bill", "own-passing"]


def test_what_is_hidden_gives_way_where_there_is_no_room(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    names = some(rooms, MOST_FAVOURITES + 1)
    fill(client, citizen, *names[: MOST_FAVOURITES - 1])
    insert(rooms, citizen.id, "favourites", "gone-service", MOST_FAVOURITES)
    fill(client, citizen, names[MOST_FAVOURITES - 1])
    assert stored(rooms, citizen.id, "favourites") == names[:MOST_FAVOURITES]
    assert add(client, citizen, names[MOST_FAVOURITES]).status_code == 409


def test_a_list_costs_one_statement_however_long_it_is(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    names = some(rooms, MOST_FAVOURITES)
    fill(client, citizen, *names)
    use(rooms, citizen.id, *names[:MOST_RECENT])
    for path, length in ((FAVOURITES, MOST_FAVOURITES), (RECENT, MOST_RECENT)):
        with statements(rooms.units) as seen:
            assert len(shown(client, citizen, path)) == length
        assert len([s for s in seen if "listed_services" in s]) == 1
        assert len(seen) <= 2  # the other is the shelf's, once a second


def test_what_was_paid_is_recent(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen
) -> None:
    for service in ("water-bill", "gas-bill", "water-bill"):
        pay(client, rooms, citizen, make_bill(client, world, citizen, service))
        run_jobs(rooms)
    assert shown(client, citizen, RECENT) == ["water-bill", "gas-bill"]
    assert shown(client, citizen, FAVOURITES) == []


@pytest.mark.parametrize(
    "change",
    [
        "update payments set mandate_id = gen_random_uuid() where id = :id",
        "update payments set origin = gen_random_uuid()::text where id = :id",
    ],
)
def test_what_others_paid_was_not_used(
    client: FlaskClient, world: World, rooms: Rooms, citizen: Citizen, change: str
) -> None:
    paid = pay(client, rooms, citizen, make_bill(client, world, citizen))
    assert client.delete(RECENT, headers=citizen.auth).status_code == 204
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(change), {"id": paid["id"]})
    deps: CatalogDeps = rooms.deps[CatalogDeps]
    with rooms.units.open(actor="test") as uow:
        catalog.note_payment(uow, deps, Fact(UUID(paid["id"])))
    assert shown(client, citizen, RECENT) == []


class Fact:
    """A fact about a payment."""

    def __init__(self, payment_id: UUID) -> None:
        self.payment_id = payment_id


def test_the_last_twenty_are_kept(client: FlaskClient, rooms: Rooms, citizen: Citizen) -> None:
    names = some(rooms, MOST_RECENT + 3)
    use(rooms, citizen.id, *names, names[5])
    newest = [names[5], *(name for name in reversed(names) if name != names[5])]
    assert shown(client, citizen, RECENT) == newest[:MOST_RECENT]
    assert len(stored(rooms, citizen.id, "recent")) == MOST_RECENT


def test_uses_at_the_same_moment_are_all_kept(rooms: Rooms, citizen: Citizen) -> None:
    names = some(rooms, 8)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: use(rooms, citizen.id, name), names))
    assert sorted(stored(rooms, citizen.id, "recent")) == sorted(names)


def test_what_was_used_can_be_cleared_and_switched_off(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    fill(client, citizen, "water-bill")
    assert client.get(SETTINGS, headers=citizen.auth).json == {"keeps_recent": True}
    use(rooms, citizen.id, "water-bill", "gas-bill")
    for _ in range(2):
        assert client.delete(RECENT, headers=citizen.auth).status_code == 204
    assert stored(rooms, citizen.id, "recent") == []
    use(rooms, citizen.id, "gas-bill")
    assert shown(client, citizen, RECENT) == ["gas-bill"]
    off = client.put(SETTINGS, json={"keeps_recent": False}, headers=citizen.auth)
    assert (off.status_code, off.json) == (200, {"keeps_recent": False})
    use(rooms, citizen.id, "heat-bill")
    assert stored(rooms, citizen.id, "recent") == []
    assert client.get(SETTINGS, headers=citizen.auth).json == {"keeps_recent": False}
    client.put(SETTINGS, json={"keeps_recent": True}, headers=citizen.auth)
    use(rooms, citizen.id, "heat-bill")
    assert shown(client, citizen, RECENT) == ["heat-bill"]
    assert shown(client, citizen, FAVOURITES) == ["water-bill"]


def insert(rooms: Rooms, citizen_id: str, name: str, service: str, position: int) -> None:
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("insert into service_habits values (:c, true) on conflict do nothing"),
            {"c": citizen_id},
        )
        uow.execute(
            text("insert into listed_services values (:c, :l, :s, :p, now())"),
            {"c": citizen_id, "l": name, "s": service, "p": position},
        )


@pytest.mark.parametrize(
    ("rows", "constraint"),
    [
        ([("favourites", "a", 61)], "ck_listed_services_position"),
        ([("recent", "a", 21)], "ck_listed_services_position"),
        ([("favourites", "a", 0)], "ck_listed_services_position"),
        ([("liked", "a", 1)], "ck_listed_services_list"),
        ([("recent", "a", 1), ("recent", "a", 2)], "pk_listed_services"),
        ([("recent", "a", 1), ("recent", "b", 1)], "uq_listed_services_citizen_id_list_position"),
    ],
)
def test_the_database_holds_the_lists_to_their_bounds(
    rooms: Rooms, rows: list[tuple[str, str, int]], constraint: str
) -> None:
    somebody = str(uuid4())
    for name, service, position in rows[:-1]:
        insert(rooms, somebody, name, service, position)
    with pytest.raises(IntegrityError, match=constraint):
        insert(rooms, somebody, *rows[-1])


def test_a_copy_of_my_data_has_my_lists(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    fill(client, citizen, "water-bill")
    use(rooms, citizen.id, "gas-bill")
    house: dict[str, list[dict[str, Any]]] = export(client, rooms, citizen)["house"]
    found = [(row["list"], row["service"]) for row in house["listed_services"]]
    assert sorted(found) == [("favourites", "water-bill"), ("recent", "gas-bill")]
    assert house["service_habits"] == [{"citizen_id": citizen.id, "keeps_recent": True}]


def test_a_closed_account_leaves_no_list_and_gets_none(
    client: FlaskClient, rooms: Rooms, citizen: Citizen
) -> None:
    fill(client, citizen, "water-bill")
    use(rooms, citizen.id, "gas-bill")
    close(rooms, ask_closure(client, rooms, citizen))
    for name in ("favourites", "recent"):
        assert stored(rooms, citizen.id, name) == []
    use(rooms, citizen.id, "gas-bill")
    with rooms.units.open(actor="test", read_only=True) as uow:
        left = text("select count(*) from service_habits where citizen_id = :c")
        assert uow.scalar(left, {"c": citizen.id}) == 0
