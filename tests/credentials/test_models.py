"""What PostgreSQL itself refuses about credentials, whatever the code above it believes."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.ids import new_id
from app.factory import Rooms
from tests.identity.support import in_parallel

Row = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def _no_hashes_of_nobody(rooms: Rooms) -> Iterator[None]:
    """Take back what stands where a hash should: whoever changes peppers could not read it."""
    yield
    with rooms.units.open(actor="test") as uow:
        for table in ("passwords", "recovery_codes"):
            uow.execute(text(f"delete from {table} where hash = 'x'"))  # noqa: S608


def insert(rooms: Rooms, table: str, row: Row) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(f"insert into {table} ({names}) values ({values})"), row)  # noqa: S608


def password(**changes: object) -> Row:
    return {
        "id": new_id(),
        "owner_kind": "citizen",
        "owner_id": new_id(),
        "hash": "x",
        "policy": "citizen",
        "may_stand_alone": False,
        "set_at": now(),
        **changes,
    }


def passkey(**changes: object) -> Row:
    return {
        "id": new_id(),
        "owner_kind": "citizen",
        "owner_id": new_id(),
        "credential_id": new_id().bytes,
        "public_key": b"x",
        "sign_count": 0,
        "is_synced": False,
        "is_bound": False,
        "name_sealed": b"x",
        "created_at": now(),
        **changes,
    }


def ceremony(**changes: object) -> Row:
    return {
        "id": new_id(),
        "challenge_digest": new_id().bytes,
        "purpose": "login",
        "owner_kind": None,
        "owner_id": None,
        "created_at": now(),
        "expires_at": now(),
        **changes,
    }


def recovery_code(**changes: object) -> Row:
    return {
        "id": new_id(),
        "owner_kind": "citizen",
        "owner_id": new_id(),
        "ordinal": 0,
        "hash": "x",
        "created_at": now(),
        **changes,
    }


def totp(**changes: object) -> Row:
    return {
        "id": new_id(),
        "owner_kind": "staff",
        "owner_id": new_id(),
        "secret_sealed": b"x",
        "last_step": 0,
        "created_at": now(),
        **changes,
    }


def counter(**changes: object) -> Row:
    return {
        "account": new_id().bytes,
        "means": "password",
        "consecutive": 1,
        "touched_at": now(),
        **changes,
    }


SOMEBODY = new_id()
REFUSED: list[tuple[str, str, list[Row]]] = [
    ("uq_passwords_current", "passwords", [password(owner_id=SOMEBODY)] * 2),
    ("ck_passwords_policy", "passwords", [password(policy="none")]),
    ("ck_passwords_owner_kind", "passwords", [password(owner_kind="plugin")]),
    ("uq_passkeys_credential_id", "passkeys", [passkey(credential_id=b"same")] * 2),
    ("ck_passkeys_sign_count", "passkeys", [passkey(sign_count=-1)]),
    ("ck_passkeys_owner_kind", "passkeys", [passkey(owner_kind="")]),
    (
        "uq_passkey_ceremonies_challenge_digest",
        "passkey_ceremonies",
        [ceremony(challenge_digest=b"same")] * 2,
    ),
    ("ck_passkey_ceremonies_purpose", "passkey_ceremonies", [ceremony(purpose="pay")]),
    ("ck_passkey_ceremonies_owner", "passkey_ceremonies", [ceremony(owner_kind="citizen")]),
    (
        "uq_recovery_codes_owner_kind_owner_id_ordinal",
        "recovery_codes",
        [recovery_code(owner_id=SOMEBODY)] * 2,
    ),
    ("ck_recovery_codes_ordinal", "recovery_codes", [recovery_code(ordinal=10)]),
    ("uq_totps_owner_kind_owner_id", "totps", [totp(owner_id=SOMEBODY)] * 2),
    ("ck_guess_counters_consecutive", "guess_counters", [counter(consecutive=101)]),
    ("ck_guess_counters_means", "guess_counters", [counter(means="luck")]),
    ("pk_guess_counters", "guess_counters", [counter(account=b"same")] * 2),
]


@pytest.mark.parametrize(("constraint", "table", "rows"), REFUSED, ids=[row[0] for row in REFUSED])
def test_postgresql_refuses(rooms: Rooms, constraint: str, table: str, rows: list[Row]) -> None:
    def put(row: Row) -> None:
        fresh = {"id": new_id()} if "id" in row else {}
        insert(rooms, table, {**row, **fresh})

    for row in rows[:-1]:
        put(row)
    with pytest.raises(IntegrityError) as refusal:
        put(rows[-1])
    assert constraint in str(refusal.value)


def test_of_parallel_passwords_of_one_owner_one_is_current(rooms: Rooms) -> None:
    owner = new_id()

    def put() -> bool:
        try:
            insert(rooms, "passwords", password(owner_id=owner))
        except IntegrityError:
            return False
        return True

    assert sum(in_parallel([put] * 8)) == 1


def test_of_parallel_owners_of_one_passkey_one_has_it(rooms: Rooms) -> None:
    own = new_id().bytes

    def put() -> bool:
        try:
            insert(rooms, "passkeys", passkey(credential_id=own))
        except IntegrityError:
            return False
        return True

    assert sum(in_parallel([put] * 8)) == 1
