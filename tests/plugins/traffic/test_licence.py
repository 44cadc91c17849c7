"""A driver's own licence: with a proven name, a consent, and the number of the file."""

import secrets

from flask.testing import FlaskClient

from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, city, log_in, verify
from tests.plugins.traffic.conftest import Car, make_car, refusal, violations

PATH = "/v1/traffic/licence"


def make_licence(world: World, number: str) -> str:
    """Issue a licence and return the number of its file."""
    archive = f"{secrets.randbelow(10**12):012d}"
    body = {"licence": number, "archive": archive, "issued_on": "2015-03-01"}
    city(world, "POST", "/police/licences", body)
    return archive


def consent(client: FlaskClient, member: Citizen) -> None:
    body = {"agreement_id": "traffic-licence", "version": 1}
    answer = client.post("/v1/me/consents", json=body, headers=member.auth)
    assert answer.status_code == 201, answer.text


def test_a_licence_is_its_holders_and_shows_what_they_did_in_any_car(
    client: FlaskClient, world: World, rooms: Rooms, other: Citizen
) -> None:
    driver = log_in(client, world, rooms)
    number = verify(client, world, driver)["resident_id"]
    archive = make_licence(world, number)
    wanted = {"file_number": archive}
    no_consent = client.post(PATH, json=wanted, headers=driver.auth)
    assert refusal(no_consent) == (403, "licence-not-own")
    consent(client, driver)
    wrong = {"file_number": f"{(int(archive) + 1) % 10**12:012d}"}
    assert refusal(client.post(PATH, json=wrong, headers=driver.auth)) == (422, "facts-mismatch")
    made = client.post(PATH, json=wanted, headers=driver.auth)
    assert made.status_code == 201, made.text
    assert number not in made.text
    assert client.post(PATH, json=wanted, headers=driver.auth).json["id"] == made.json["id"]
    drive(world, make_car(world), number)
    (violation,) = violations(client, driver)
    assert violation["status"] == "notified"
    unproven = client.post(PATH, json=wanted, headers=other.auth)
    assert unproven.status_code == 403
    assert client.delete(PATH, headers=driver.auth).status_code == 204
    assert refusal(client.get(PATH, headers=driver.auth)) == (404, "not-found")
    assert violations(client, driver) == []


def drive(world: World, car: Car, number: str) -> None:
    """Have the holder of a licence offend in a car."""
    body = {"plate": car.plate, "driver": number, "at": "2026-11-20T08:00:00+08:00"}
    city(world, "POST", "/police/violations", body)
