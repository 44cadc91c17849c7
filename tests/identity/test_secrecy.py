"""Nothing personal lies in the database in clear, in any table, while it is in use."""

import secrets
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from app.core.crypto import unseal
from app.core.ids import new_id
from app.factory import Rooms
from app.identity import service
from app.identity.service.vault import vault_of
from tests.conftest import World
from tests.factories import later, log_in, make_person, make_phone, verify
from tests.identity.support import ask, deps_of


def everything(rooms: Rooms) -> str:
    """Return every row of every table that the application may read, as text."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        inspector = inspect(uow.connection())
        tables = [
            f'"{schema}"."{table}"'
            for schema in inspector.get_schema_names()
            if schema == "public" or schema.startswith("plugin_")
            for table in inspector.get_table_names(schema)
        ]
        uow.execute(text("set statement_timeout = 0"))  # whatever the suite has left until now
        try:
            rows = [
                str(row)
                for table in tables
                for row in uow.scalars(text(f"select t::text from {table} t"))  # noqa: S608
            ]
        finally:
            uow.execute(text("reset statement_timeout"))
    return "\n".join(rows)


def test_no_canary_is_found(client: FlaskClient, world: World, rooms: Rooms) -> None:
    name = "欧阳" + "".join(secrets.choice("甲乙丙丁戊己庚辛壬癸") for _ in range(6))
    device = f"canary-{secrets.token_hex(8)}"
    person = make_person(world, name)
    citizen = log_in(client, world, rooms, device=device)
    verify(client, world, citizen, person)
    refreshed = client.post(
        "/v1/auth/sessions/refresh", json={"refresh_token": citizen.refresh}
    ).json
    with later(61):
        challenge_id, code = ask(rooms, citizen.phone)  # its SMS still waits
        log_in_again = client.post(
            "/v1/auth/sessions",
            json={
                "challenge_id": str(challenge_id),
                "code": code,
                "device": {"name": device + "2", "platform": "ios"},
            },
        ).json
    canaries = [
        name,
        device,
        person["resident_id"],
        citizen.phone,
        citizen.phone.removeprefix("+86"),
        citizen.refresh,
        citizen.token,
        refreshed["refresh_token"],
        refreshed["access_token"],
        log_in_again["refresh_token"],
    ]
    found = everything(rooms)
    assert citizen.id in found
    for canary in canaries:
        assert canary not in found
        assert canary.encode().hex() not in found


def test_a_waiting_code_lies_in_no_job(client: FlaskClient, rooms: Rooms) -> None:
    challenge_id, code = ask(rooms, make_phone())
    with rooms.units.open(actor="test", read_only=True) as uow:
        jobs = list(uow.scalars(text("select args::text from procrastinate_jobs")))
    mine = [job for job in jobs if str(challenge_id) in job]
    assert mine == [f'{{"event": {{"challenge_id": "{challenge_id}"}}}}']
    assert code not in mine[0].replace(str(challenge_id), "")


def test_a_field_opens_only_where_it_was_sealed(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, other = log_in(client, world, rooms), log_in(client, world, rooms)
    keyring = deps_of(rooms).keyring
    with rooms.units.open(actor="test") as uow:
        sealed = {
            str(row.id): bytes(row.phone_sealed)
            for row in uow.execute(text("select id, phone_sealed from citizens"))
            if str(row.id) in {citizen.id, other.id}
        }
        assert service.phone_of(uow, keyring, new_id()) is None
        vault = vault_of(uow, keyring, UUID(citizen.id))
        assert (
            unseal(vault.key, sealed[citizen.id], context=f"citizens|phone|{citizen.id}")
            == citizen.phone.encode()
        )
        for wrong in (f"citizens|name|{citizen.id}", f"citizens|phone|{other.id}"):
            with pytest.raises(InvalidTag):
                unseal(vault.key, sealed[citizen.id], context=wrong)
        with pytest.raises(InvalidTag):
            unseal(vault.key, sealed[other.id], context=f"citizens|phone|{other.id}")
