"""Shortcuts for tests of the ways in: citizens with a password, with a passkey, stepped up."""

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import now
from app.factory import Rooms
from tests.conftest import World
from tests.credentials.authenticator import Authenticator, Json
from tests.factories import Citizen, log_in

GOOD = "seven blue herons wade"
SHORT = "k7#qPz!2"
DEVICE = {"name": "平板", "platform": "ios"}
FAR = "203.0.113.77"


def step_up(rooms: Rooms, citizen: Citizen) -> None:
    """Let a session be stepped up now, as a fresh second proof would."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update sessions set stepped_up_at = :now where id = :id"),
            {"now": now(), "id": citizen.session_id},
        )


def put_password(client: FlaskClient, citizen: Citizen, password: str = GOOD) -> TestResponse:
    return client.put("/v1/me/password", json={"password": password}, headers=citizen.auth)


def with_password(client: FlaskClient, world: World, rooms: Rooms, password: str = GOOD) -> Citizen:
    """Return a citizen who has just logged in and set a password."""
    citizen = log_in(client, world, rooms)
    assert put_password(client, citizen, password).status_code == 204
    return citizen


def passkey_options(client: FlaskClient, citizen: Citizen) -> Json:
    answer = client.post("/v1/me/passkeys/options", headers=citizen.auth)
    assert answer.status_code == 200, answer.text
    options: Json = answer.json["public_key"]
    return options


def add_passkey(client: FlaskClient, citizen: Citizen, passkey: Json) -> TestResponse:
    body = {"name": "我的手机", "passkey": passkey}
    return client.post("/v1/me/passkeys", json=body, headers=citizen.auth)


def with_passkey(client: FlaskClient, world: World, rooms: Rooms, phone: Authenticator) -> Citizen:
    """Return a citizen who has just logged in and made a passkey on a phone."""
    citizen = log_in(client, world, rooms)
    made = phone.register(passkey_options(client, citizen))
    assert add_passkey(client, citizen, made).status_code == 201
    return citizen


def login_options(client: FlaskClient, phone: str | None = None, purpose: str = "login") -> Json:
    body = {"purpose": purpose, **({"phone": phone} if phone else {})}
    answer = client.post("/v1/auth/passkeys/options", json=body)
    assert answer.status_code == 200, answer.text
    options: Json = answer.json["public_key"]
    return options


def by_passkey(client: FlaskClient, passkey: Json) -> TestResponse:
    return client.post("/v1/auth/sessions", json={"passkey": passkey, "device": DEVICE})


def by_password(
    client: FlaskClient, phone: str, password: str = GOOD, address: str = "127.0.0.1"
) -> TestResponse:
    return client.post(
        "/v1/auth/sessions",
        json={"phone": phone, "password": password, "device": DEVICE},
        environ_base={"REMOTE_ADDR": address},
    )
