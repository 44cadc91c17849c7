"""What need not be kept is not: each kind of row is gone after its time, and not before."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.ids import new_id
from app.core.unit_of_work import UnitOfWork
from app.credentials import service as credentials
from app.factory import Rooms
from app.identity import service as identity
from app.oauth import service as oauth
from app.payments import service as payments
from tests.conftest import World
from tests.factories import log_in
from tests.privacy.support import read_all

CODE = """
insert into challenges (id, purpose, phone_sealed, phone_index, code_digest, address, network,
    tries, created_at, expires_at, resend_at)
values (:id, 'login', '', '', '', '192.0.2.1', '192.0.2.0/24', 0, now() - cast(:age as interval),
    now(), now())
"""
SESSION = """
insert into sessions (id, status, version, citizen_id, device_name_sealed, device_digest, platform,
    amr, created_at, last_seen_at, idle_until, absolute_until, ended_at)
values (:id, 'ended', 2, :citizen, '', '', 'android', '["otp"]', now(), now(), now(), now(),
    now() - cast(:age as interval))
"""
KEY = """
insert into idempotency_keys (principal_id, key, operation, fingerprint, state, owner,
    locked_until, created_at, expires_at)
values (:id, 'key-of-a-test-0001', 'POST /x', '', 'done', :id, now(), now(),
    now() + interval '72 hours' - cast(:age as interval))
"""
CEREMONY = """
insert into passkey_ceremonies (id, challenge_digest, purpose, created_at, expires_at)
values (:id, cast(cast(:id as text) as bytea), 'login', now() - cast(:age as interval), now())
"""
NONCE = """
insert into seen_once (digest, forget_at)
values (cast(cast(:id as text) as bytea), now() - cast(:age as interval) + interval '1 hour')
"""

Sweep = Callable[[UnitOfWork], None]
BY_ID = "select count(*) from {} where id = :id"


@pytest.mark.parametrize(
    ("insert", "find", "young", "old", "sweep"),
    [
        (CODE, BY_ID.format("challenges"), "23 hours", "25 hours", identity.forget_expired),
        (SESSION, BY_ID.format("sessions"), "89 days", "91 days", identity.forget_expired),
        (
            KEY,
            "select count(*) from idempotency_keys where principal_id = :id",
            "71 hours",
            "73 hours",
            payments.sweep,
        ),
        (
            CEREMONY,
            BY_ID.format("passkey_ceremonies"),
            "1 minute",
            "25 hours",
            credentials.forget_expired,
        ),
        (
            NONCE,
            "select count(*) from seen_once where digest = cast(cast(:id as text) as bytea)",
            "1 minute",
            "25 hours",
            oauth.forget_expired,
        ),
    ],
    ids=["codes", "sessions", "idempotency keys", "passkey challenges", "nonces"],
)
def test_rows_go_after_their_time(
    client: FlaskClient,
    world: World,
    rooms: Rooms,
    insert: str,
    find: str,
    young: str,
    old: str,
    sweep: Sweep,
) -> None:
    citizen = log_in(client, world, rooms)
    rows = {age: new_id() for age in (young, old)}
    with rooms.units.open(actor="test") as uow:
        for age, row in rows.items():
            values = {"id": row, "age": age, "citizen": citizen.id}
            named = {name: value for name, value in values.items() if f":{name}" in insert}
            uow.execute(text(insert), named)
    for row in rows.values():
        assert read_all(rooms, find, id=row) == [(1,)]
    with rooms.units.open(actor="test") as uow:
        sweep(uow)
    assert read_all(rooms, find, id=rows[young]) == [(1,)]
    assert read_all(rooms, find, id=rows[old]) == [(0,)]
