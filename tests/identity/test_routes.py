"""Logging in, staying in and proving a name, over HTTP."""

from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import log_in, verify


def test_the_first_log_in_makes_a_citizen(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    answer = client.get("/v1/me", headers=citizen.auth)
    assert answer.status_code == 200
    assert answer.json == {
        "id": citizen.id,
        "phone": f"138****{citizen.phone[-4:]}",
        "name": None,
        "assurance": "basic",
        "assurance_until": None,
        "stepped_up_until": None,
    }


def test_a_match_in_the_register_makes_verified(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    verify(client, world, citizen)
    answer = client.get("/v1/me", headers=citizen.auth)
    assert answer.json["name"] == "李*"
    assert answer.json["assurance"] == "verified"
