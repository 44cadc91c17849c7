"""A citizen's inbox over HTTP."""

from uuid import UUID

from flask.testing import FlaskClient

from app.core.ids import new_id
from app.factory import Rooms
from app.notifications import service
from tests.conftest import World
from tests.factories import Citizen, log_in

PAID = {"amount": 4250, "service_zh": "水费", "service_en": "Water bill"}


def fill(rooms: Rooms, citizen: Citizen, messages: int) -> None:
    for number in range(messages):
        with rooms.units.open(actor="test") as uow:
            service.tell(uow, UUID(citizen.id), "payment-received", f"payment-{number}", PAID)


def subjects(client: FlaskClient, citizen: Citizen, query: str = "") -> list[str]:
    answer = client.get(f"/v1/me/inbox{query}", headers=citizen.auth)
    assert answer.status_code == 200
    return [item["subject"] for item in answer.json["items"]]


def test_the_newest_comes_first_and_pages_follow(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    fill(rooms, citizen, 5)
    assert subjects(client, citizen) == [f"payment-{number}" for number in (4, 3, 2, 1, 0)]
    page = client.get("/v1/me/inbox?limit=2", headers=citizen.auth).json
    assert [item["subject"] for item in page["items"]] == ["payment-4", "payment-3"]
    rest = subjects(client, citizen, f"?limit=100&cursor={page['next_cursor']}")
    assert rest == ["payment-2", "payment-1", "payment-0"]


def test_what_was_read_stays_read(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    fill(rooms, citizen, 2)
    message = client.get("/v1/me/inbox", headers=citizen.auth).json["items"][0]
    times = set()
    for _ in range(2):
        answer = client.put(f"/v1/me/inbox/{message['id']}/read", headers=citizen.auth)
        assert (answer.status_code, answer.data) == (204, b"")
        item = client.get("/v1/me/inbox", headers=citizen.auth).json["items"][0]
        times.add(item["read_at"])
    assert len(times) == 1
    assert times != {None}
    assert subjects(client, citizen, "?unread=true") == ["payment-0"]
    assert subjects(client, citizen, "?unread=false") == ["payment-1", "payment-0"]


def test_somebody_elses_message_looks_like_none(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    mine, theirs = log_in(client, world, rooms), log_in(client, world, rooms)
    fill(rooms, theirs, 1)
    message = client.get("/v1/me/inbox", headers=theirs.auth).json["items"][0]
    assert subjects(client, mine) == []
    for message_id in (message["id"], new_id()):
        answer = client.put(f"/v1/me/inbox/{message_id}/read", headers=mine.auth)
        assert (answer.status_code, answer.json["code"]) == (404, "message-not-found")
    assert subjects(client, theirs, "?unread=true") == ["payment-0"]


def test_arguments_are_strict(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    for query in ("?unread=1", "?unread=", "?unread=true&unread=true", "?limit=101", "?x=1"):
        answer = client.get(f"/v1/me/inbox{query}", headers=citizen.auth)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-input")


def test_an_inbox_needs_a_token(client: FlaskClient) -> None:
    for answer in (client.get("/v1/me/inbox"), client.put(f"/v1/me/inbox/{new_id()}/read")):
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
