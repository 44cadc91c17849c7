"""Passkeys of citizens over HTTP: made, used, and every way in which an answer can be bent."""

import secrets
from collections.abc import Callable
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.credentials.service import CredentialsDeps
from app.credentials.values import Ceremony, Owner
from app.factory import Rooms
from tests.conftest import World
from tests.credentials.authenticator import (
    ATTESTED,
    USER_PRESENT,
    USER_VERIFIED,
    Authenticator,
    Json,
    decode,
    encode,
)
from tests.factories import bearer, later, log_in, make_phone, run_jobs, verify
from tests.identity.support import count, in_parallel
from tests.identity.ways_in import (
    add_passkey,
    by_passkey,
    login_options,
    passkey_options,
    step_up,
    with_passkey,
)

SESSIONS = "select count(*) from sessions where citizen_id = :id"
PASSKEYS = "select count(*) from passkeys where owner_id = :id"
BENT = 0x80


def test_a_passkey_logs_in_without_a_number(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone = Authenticator()
    citizen = with_passkey(client, world, rooms, phone)
    answer = by_passkey(client, phone.prove(login_options(client)))
    assert answer.status_code == 201
    assert answer.json["citizen"]["id"] == citizen.id
    me = client.get("/v1/me", headers=bearer(answer.json["access_token"])).json
    assert me["stepped_up_until"] is not None


def test_and_with_one(client: FlaskClient, world: World, rooms: Rooms) -> None:
    phone = Authenticator()
    citizen = with_passkey(client, world, rooms, phone)
    options = login_options(client, citizen.phone)
    assert len(options["allowCredentials"]) == 10
    assert by_passkey(client, phone.prove(options)).status_code == 201


def test_a_synced_passkey_does_not_count(client: FlaskClient, world: World, rooms: Rooms) -> None:
    phone = Authenticator(counts=False)
    with_passkey(client, world, rooms, phone)
    for _ in range(3):
        assert by_passkey(client, phone.prove(login_options(client))).status_code == 201


def test_a_citizen_has_several_and_takes_one_away(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone, laptop = Authenticator(), Authenticator()
    citizen = with_passkey(client, world, rooms, phone)
    refused = client.post("/v1/me/passkeys/options", headers=citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
    step_up(rooms, citizen)
    options = passkey_options(client, citizen)
    assert [decode(entry["id"]) for entry in options["excludeCredentials"]] == [phone.keys[0].id]
    assert add_passkey(client, citizen, laptop.register(options)).status_code == 201
    listed = client.get("/v1/me/passkeys", headers=citizen.auth).json["items"]
    assert [(item["name"], item["last_used_at"]) for item in listed] == [("我的手机", None)] * 2
    gone = client.delete(f"/v1/me/passkeys/{listed[0]['id']}", headers=citizen.auth)
    assert gone.status_code == 204
    assert by_passkey(client, phone.prove(login_options(client))).json["code"] == "passkey-refused"
    assert by_passkey(client, laptop.prove(login_options(client))).status_code == 201


def test_nobody_takes_anothers_away(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_passkey(client, world, rooms, Authenticator())
    stranger = log_in(client, world, rooms)
    step_up(rooms, stranger)
    (own,) = client.get("/v1/me/passkeys", headers=citizen.auth).json["items"]
    for wanted in (own["id"], str(new_id())):
        answer = client.delete(f"/v1/me/passkeys/{wanted}", headers=stranger.auth)
        assert (answer.status_code, answer.json["code"]) == (404, "passkey-not-found")
    assert count(rooms, PASSKEYS, id=citizen.id) == 1


def test_ten_are_enough(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    step_up(rooms, citizen)
    for _ in range(10):
        made = Authenticator().register(passkey_options(client, citizen))
        assert add_passkey(client, citizen, made).status_code == 201
    answer = client.post("/v1/me/passkeys/options", headers=citizen.auth)
    assert (answer.status_code, answer.json["code"]) == (409, "too-many-passkeys")


def test_one_credential_id_has_one_owner_in_the_whole_city(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone = Authenticator()
    owner = with_passkey(client, world, rooms, phone)
    thief = log_in(client, world, rooms)
    copied = Authenticator().register(
        passkey_options(client, thief), credential_id=phone.keys[0].id
    )
    answer = add_passkey(client, thief, copied)
    assert (answer.status_code, answer.json["code"]) == (409, "passkey-exists")
    assert count(rooms, PASSKEYS, id=thief.id) == 0
    answer = by_passkey(client, phone.prove(login_options(client)))
    assert answer.json["citizen"]["id"] == owner.id


def test_a_locked_account_is_not_entered(client: FlaskClient, world: World, rooms: Rooms) -> None:
    phone = Authenticator()
    citizen = with_passkey(client, world, rooms, phone)
    with rooms.units.open(actor="test") as uow:
        lock(uow, citizen.id)
    answer = by_passkey(client, phone.prove(login_options(client)))
    assert (answer.status_code, answer.json["code"]) == (403, "account-locked")


def test_a_challenge_opens_once_also_in_parallel(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone, app = Authenticator(counts=False), client.application
    citizen = with_passkey(client, world, rooms, phone)
    answer = phone.prove(login_options(client))
    outcomes = in_parallel([lambda: by_passkey(app.test_client(), answer).status_code] * 8)
    assert sorted(outcomes) == [201] + [422] * 7
    assert count(rooms, SESSIONS, id=citizen.id) == 2


def bent_assertions(
    phone: Authenticator, stranger: Authenticator
) -> dict[str, Callable[[Json], Json]]:
    """Return every way to answer a log-in wrongly, given its options."""

    def member(name: str, value: object) -> Callable[[Json], Json]:
        return lambda o: {**phone.prove(o), name: value}

    def inner(name: str, value: object) -> Callable[[Json], Json]:
        def made(options: Json) -> Json:
            answer = phone.prove(options)
            answer["response"][name] = value
            return answer

        return made

    def other_key(options: Json) -> Json:
        answer = stranger.prove(options, key=stranger.keys[0])
        own = encode(phone.keys[0].id)
        return {**answer, "id": own, "rawId": own}

    def flipped(raw: bytes) -> bytes:
        return raw[:-1] + bytes([raw[-1] ^ 1])

    def bent_data(options: Json) -> Json:
        answer = phone.prove(options)
        data = decode(answer["response"]["authenticatorData"])
        answer["response"]["authenticatorData"] = encode(data[:32] + bytes([0x45]) + data[33:])
        return answer

    return {
        "another challenge": lambda o: phone.prove(o, challenge=secrets.token_bytes(32)),
        "a short challenge": lambda o: phone.prove(o, challenge=b"short"),
        "no challenge": lambda o: phone.prove(o, client={"challenge": ""}),
        "a challenge that is a number": lambda o: phone.prove(o, client={"challenge": 7}),
        "another origin": lambda o: phone.prove(o, origin="https://i-wudang.example"),
        "another port": lambda o: phone.prove(o, origin="http://localhost:8001"),
        "https instead of http": lambda o: phone.prove(o, origin="https://localhost:8000"),
        "an origin with a path": lambda o: phone.prove(o, origin="http://localhost:8000/"),
        "a part of the domain": lambda o: phone.prove(o, origin="http://evil.localhost:8000"),
        "another relying party": lambda o: phone.prove(o, rp_id="evil.example"),
        "a frame of another page": lambda o: phone.prove(o, client={"crossOrigin": True}),
        "a page above": lambda o: phone.prove(o, client={"topOrigin": "http://evil.example"}),
        "a registration": lambda o: phone.prove(o, kind="webauthn.create"),
        "a payment": lambda o: phone.prove(o, kind="payment.get"),
        "nobody present": lambda o: phone.prove(o, flags=USER_VERIFIED),
        "nobody verified": lambda o: phone.prove(o, flags=USER_PRESENT),
        "no flags": lambda o: phone.prove(o, flags=0),
        "an attestation flag": lambda o: phone.prove(
            o, flags=USER_PRESENT | USER_VERIFIED | ATTESTED
        ),
        "an extension flag": lambda o: phone.prove(o, flags=USER_PRESENT | USER_VERIFIED | BENT),
        "a counter that stands still": lambda o: phone.prove(o, count=1),
        "a counter that goes back": lambda o: phone.prove(o, count=0),
        "somebody else's handle": lambda o: phone.prove(
            o, user_handle=stranger.keys[0].user_handle
        ),
        "another key under this id": other_key,
        "a key that is not known": lambda o: _unknown(phone, o),
        "a signature cut short": lambda o: phone.prove(o, bend=lambda s: s[:-1]),
        "a signature with more": lambda o: phone.prove(o, bend=lambda s: s + b"\x00"),
        "a signature with a bit flipped": lambda o: phone.prove(o, bend=flipped),
        "an empty signature": lambda o: phone.prove(o, bend=lambda _: b"\x30\x00"),
        "data changed after signing": bent_data,
        "data cut short": inner("authenticatorData", encode(b"x" * 36)),
        "data that is no data": inner("authenticatorData", "AAAA"),
        "client data that is no JSON": inner("clientDataJSON", encode(b"{")),
        "client data that is a list": inner("clientDataJSON", encode(b"[1]")),
        "client data nested deeply": inner("clientDataJSON", encode(b"[" * 2_000)),
        "padding": inner("signature", "AAA="),
        "an id that is not the raw id": member("id", encode(b"y" * 32)),
        "another type": member("type", "password"),
        "a member too many": member("note", "x"),
        "no response": member("response", {}),
    }


def _unknown(phone: Authenticator, options: Json) -> Json:
    answer = phone.prove(options)
    own = encode(secrets.token_bytes(32))
    return {**answer, "id": own, "rawId": own}


@pytest.mark.promise("P47")
def test_no_bent_assertion_is_accepted(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    phone, stranger = Authenticator(), Authenticator()
    citizen = with_passkey(client, world, rooms, phone)
    with_passkey(client, world, rooms, stranger)
    assert by_passkey(client, phone.prove(login_options(client))).status_code == 201
    assert by_passkey(client, phone.prove(login_options(client))).status_code == 201
    before = count(rooms, SESSIONS, id=citizen.id)
    outcomes: dict[str, int] = {}
    for name, bend in bent_assertions(phone, stranger).items():
        outcomes[name] = by_passkey(client, bend(login_options(client))).status_code
    used = phone.prove(login_options(client))
    assert by_passkey(client, used).status_code == 201
    outcomes["an answer replayed"] = by_passkey(client, used).status_code
    options = login_options(client)
    with later(301):
        outcomes["an answer after five minutes"] = by_passkey(
            client, phone.prove(options)
        ).status_code
    options = login_options(client, purpose="reset")
    outcomes["an answer to a reset"] = by_passkey(client, phone.prove(options)).status_code
    options = login_options(client, make_phone())
    outcomes["an answer to another number"] = by_passkey(
        client, phone.prove(options, key=phone.keys[0])
    ).status_code
    options = step_up_options(rooms, citizen.id)
    outcomes["an answer to a step-up"] = by_passkey(client, phone.prove(options)).status_code
    assert {name: status for name, status in outcomes.items() if not 400 <= status < 500} == {}
    assert count(rooms, SESSIONS, id=citizen.id) == before + 1
    shows(f"{len(outcomes)} bent assertions: 0 accepted, 0 x 5xx")


def step_up_options(rooms: Rooms, citizen_id: str) -> Json:
    """Return the options of a step-up in some session of a citizen."""
    deps: CredentialsDeps = rooms.deps[CredentialsDeps]
    with rooms.units.open(actor="test") as uow:
        asked = credentials.begin_passkey_assertion(
            uow,
            deps,
            Ceremony.STEP_UP,
            owner=Owner.citizen(UUID(citizen_id)),
            session_id=new_id(),
        )
    return dict(asked.public_key)


@pytest.mark.promise("P47")
def test_no_bent_registration_is_accepted(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    citizen, other = log_in(client, world, rooms), log_in(client, world, rooms)
    step_up(rooms, citizen)
    step_up(rooms, other)
    phone = Authenticator()
    every = USER_PRESENT | USER_VERIFIED | ATTESTED
    bends: dict[str, Json] = {
        "another challenge": {"challenge": secrets.token_bytes(32)},
        "another origin": {"origin": "https://i-wudang.example"},
        "another relying party": {"rp_id": "evil.example"},
        "an assertion": {"kind": "webauthn.get"},
        "nobody present": {"flags": every & ~USER_PRESENT},
        "nobody verified": {"flags": every & ~USER_VERIFIED},
        "no key": {"flags": every & ~ATTESTED},
        "an algorithm that is not offered": {"alg": -37},
        "an algorithm of another kind of key": {"alg": -257},
        "a symmetric algorithm": {"alg": 5},
        "a frame of another page": {"client": {"crossOrigin": True}},
        "another attestation": {"fmt": "tpm"},
        "an attestation without a signature": {"fmt": "packed"},
        "an unknown attestation": {"fmt": "made-up"},
        "an id that is too long": {"credential_id": b"x" * 1_040},
    }
    outcomes: dict[str, int] = {}

    def send(name: str, made: Json) -> None:
        outcomes[name] = add_passkey(client, citizen, made).status_code

    for name, bend in bends.items():
        send(name, phone.register(passkey_options(client, citizen), **bend))
    send("somebody else's options", phone.register(passkey_options(client, other)))
    options = passkey_options(client, citizen)
    with later(301):
        step_up(rooms, citizen)
        send("options after five minutes", phone.register(options))
    step_up(rooms, citizen)
    made = phone.register(passkey_options(client, citizen))
    made["rawId"] = made["id"] = encode(secrets.token_bytes(32))
    send("an id that is not the key's", made)
    made = phone.register(passkey_options(client, citizen))
    made["response"]["attestationObject"] = encode(b"\xa3" + b"\x61" * 40)
    send("an attestation that is no CBOR", made)
    assert {name: status for name, status in outcomes.items() if not 400 <= status < 500} == {}
    assert count(rooms, PASSKEYS, id=citizen.id) == 0
    shows(f"{len(outcomes)} bent registrations: 0 accepted, 0 x 5xx")


def test_a_key_made_in_one_session_is_not_kept_in_another(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone = Authenticator()
    citizen = with_passkey(client, world, rooms, phone)
    second: TestResponse = by_passkey(client, phone.prove(login_options(client)))
    step_up(rooms, citizen)
    made = Authenticator().register(passkey_options(client, citizen))
    answer = client.post(
        "/v1/me/passkeys",
        json={"name": "x", "passkey": made},
        headers=bearer(second.json["access_token"]),
    )
    assert (answer.status_code, answer.json["code"]) == (422, "passkey-refused")


def test_a_copied_key_is_found_by_its_counter(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    phone = Authenticator()
    citizen = with_passkey(client, world, rooms, phone)
    for _ in range(3):
        assert by_passkey(client, phone.prove(login_options(client))).status_code == 201
    copied = by_passkey(client, phone.prove(login_options(client), count=2))
    assert copied.json["code"] == "passkey-refused"
    found = (
        "select count(*) from audit_entries where subject_id = :id and event = 'passkey.rejected' "
        "and details->>'reason' = 'counter-did-not-grow'"
    )
    assert count(rooms, found, id=citizen.id) == 1


def test_names_of_passkeys_are_sealed(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = with_passkey(client, world, rooms, Authenticator())
    clear = (
        "select count(*) from passkeys where owner_id = :id "
        "and position(convert_to('我的手机', 'UTF8') in name_sealed) > 0"
    )
    assert count(rooms, clear, id=citizen.id) == 0


def lock(uow: UnitOfWork, citizen_id: str) -> None:
    """Lock an account and leave its rows as they are."""
    uow.execute(
        text("update citizens set status = 'locked', version = version + 1 where id = :id"),
        {"id": citizen_id},
    )


@pytest.mark.promise("P46")
def test_a_key_made_in_software_raises_no_level(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    citizen = with_passkey(client, world, rooms, Authenticator())
    verify(client, world, citizen)
    step_up(rooms, citizen)
    for _ in range(5):
        made = Authenticator().register(passkey_options(client, citizen))
        assert add_passkey(client, citizen, made).json["is_bound"] is False
    run_jobs(rooms)
    assert client.get("/v1/me", headers=citizen.auth).json["assurance"] == "verified"
    shows("6 passkeys that only say of themselves that they are bound: 0 levels raised")
