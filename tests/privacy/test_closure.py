"""An account is closed: not while something is open, not in haste, and then for good (P55)."""

import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, NoResultFound

from app.consent import service as consent
from app.consent.values import Grant
from app.core.crypto import Keyring, unseal
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.factory import Rooms
from app.identity.service.vault import Vault, vault_of
from app.privacy import service
from app.privacy.errors import ErasureIncomplete
from app.privacy.events import AccountErased
from app.privacy.service import PrivacyDeps
from app.privacy.values import ABOUT_A_PERSON
from tests.conftest import World
from tests.consent.support import make_agreement, make_consumer, seen
from tests.factories import later, log_in, make_person, run_jobs, verify
from tests.identity.test_secrecy import everything
from tests.payments.helpers import make_bill, order, pay, start
from tests.privacy.support import Flaky, ask_closure, close, deps_with, prove_again, read_all
from tests.privacy.test_exports import plant_canaries

GRACE = 15 * 86_400
STATE = "select status from closures where citizen_id = :c order by asked_at"


def status_of(rooms: Rooms, citizen_id: str) -> str:
    ((status,),) = read_all(rooms, "select status from citizens where id = :c", c=citizen_id)
    return str(status)


def test_closing_needs_a_fresh_proof(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    refused = client.post("/v1/me/closure", headers=citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (401, "step-up-required")
    assert read_all(rooms, STATE, c=citizen.id) == []
    none = client.get("/v1/me/closure", headers=citizen.auth)
    assert (none.status_code, none.json["code"]) == (404, "closure-not-found")


def test_open_money_is_a_reason_to_refuse(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    bill = make_bill(client, world, citizen)
    started = start(client, citizen, order(bill))
    assert started.status_code == 201
    prove_again(rooms, citizen)
    refused = client.post("/v1/me/closure", headers=citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (409, "obligations-open")
    assert refused.json["reasons"] == [{"code": "payments-open", "count": 1}]
    assert read_all(rooms, STATE, c=citizen.id) == []
    assert client.get("/v1/me", headers=citizen.auth).status_code == 200


def test_a_mandate_in_force_is_a_reason_to_refuse(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text(
                "insert into mandates (id, status, version, drafted_by, named, phone_index, "
                "phone_sealed, principal_id, delegate_id, for_organisation, days, consent, "
                "attestation, created_at, starts_at, expires_at) values (:id, 'active', 1, :me, "
                "'delegate', :key, '', :me, :other, false, 31, 'app', :key, now(), now(), "
                "now() + interval '31 days')"
            ),
            {"id": new_id(), "me": citizen.id, "other": new_id(), "key": secrets.token_bytes(32)},
        )
    prove_again(rooms, citizen)
    refused = client.post("/v1/me/closure", headers=citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (409, "obligations-open")
    assert refused.json["reasons"] == [{"code": "mandates-active", "count": 1}]


def test_whom_somebody_answers_for_is_a_reason_to_refuse(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    values = {"id": new_id(), "me": citizen.id, "key": secrets.token_bytes(32)}
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text(
                "insert into guardianships (id, status, version, guardian_id, child_index, "
                "child_name_sealed, source, created_at, child_sees_at, ends_at) values (:id, "
                "'active', 1, :me, :key, '', 'register', now(), now(), now() + interval '1 year')"
            ),
            values,
        )
        uow.execute(
            text(
                "insert into organisations (id, status, version, representative_id, uscc_index, "
                "uscc_sealed, name_sealed, created_at, decided_at) values (:id, 'active', 2, :me, "
                ":key, '', '', now(), now())"
            ),
            values,
        )
    prove_again(rooms, citizen)
    refused = client.post("/v1/me/closure", headers=citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (409, "obligations-open")
    assert refused.json["reasons"] == [
        {"code": "guardianships-active", "count": 1},
        {"code": "organisations-represented", "count": 1},
    ]


def test_asking_ends_every_session_and_a_log_in_cancels(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    closure_id = ask_closure(client, rooms, citizen)
    gone = client.get("/v1/me/inbox", headers=citizen.auth)
    assert gone.status_code in {200, 401}  # one second of the cache at most
    active = "select count(*) from sessions where citizen_id = :c and status = 'active'"
    assert read_all(rooms, active, c=citizen.id) == [(0,)]
    with later(61):
        back = log_in(client, world, rooms, citizen.phone)
        assert back.id == citizen.id
        stands = client.get("/v1/me/closure", headers=back.auth).json
        assert (stands["id"], stands["status"]) == (closure_id, "cancelled")
        told = client.get("/v1/me/inbox", headers=back.auth).json["items"]
        assert "closure-asked" in {message["kind"] for message in told}
    with later(GRACE + 60):
        with rooms.units.open(actor="test") as uow:
            service.question_closures(uow)
        run_jobs(rooms)
        assert status_of(rooms, citizen.id) == "active"
    assert read_all(rooms, STATE, c=citizen.id) == [("cancelled",)]


def test_a_closing_that_was_cancelled_can_be_asked_for_again(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    first = ask_closure(client, rooms, citizen)
    with later(61):
        back = log_in(client, world, rooms, citizen.phone)
        second = ask_closure(client, rooms, back)
    assert second != first
    assert read_all(rooms, STATE, c=citizen.id) == [("cancelled",), ("pending",)]
    close(rooms, first)
    assert status_of(rooms, citizen.id) == "active"


def test_nobody_is_closed_before_the_day(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    ask_closure(client, rooms, citizen)
    with later(GRACE - 600):
        with rooms.units.open(actor="test") as uow:
            service.question_closures(uow)
        run_jobs(rooms)
    assert (status_of(rooms, citizen.id), read_all(rooms, STATE, c=citizen.id)) == (
        "active",
        [("pending",)],
    )


def test_after_the_day_the_account_is_over_and_the_number_free(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    person = verify(client, world, citizen)
    ask_closure(client, rooms, citizen)
    with later(GRACE + 60):
        with rooms.units.open(actor="test") as uow:
            service.question_closures(uow)
        run_jobs(rooms)
        assert status_of(rooms, citizen.id) == "closed"
        assert read_all(rooms, STATE, c=citizen.id) == [("erased",)]
        fresh = log_in(client, world, rooms, citizen.phone)
        assert fresh.id != citizen.id
        verify(client, world, fresh, person)
        assert client.get("/v1/me", headers=fresh.auth).json["assurance"] == "verified"
        lists = ("inbox", "consents", "disclosures", "exports", "corrections")
        for path in lists:
            items = client.get(f"/v1/me/{path}", headers=fresh.auth).json["items"]
            assert citizen.id not in str(items)


@pytest.mark.promise("P55")
def test_nothing_of_a_closed_account_can_be_read(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    citizen = log_in(client, world, rooms, device=f"canary-{secrets.token_hex(8)}")
    holder = f"户主{secrets.token_hex(6)}"
    person = verify(client, world, citizen, make_person(world, "欧阳" + secrets.token_hex(4)))
    bill = make_bill(client, world, citizen, holder=holder)
    paid = pay(client, rooms, citizen, bill)
    assert paid["status"] == "succeeded"
    planted = plant_canaries(rooms, citizen)
    by_law = {
        f"{entry.name}.{name}"
        for entry in rooms.deps[PrivacyDeps].inventory
        if entry.kept
        for name in entry.names_of(*ABOUT_A_PERSON)
    }
    keyring: Keyring = rooms.deps[Keyring]
    with rooms.units.open(actor="test", read_only=True) as uow:
        vault = vault_of(uow, keyring, UUID(citizen.id))
    sealed = _sealed_with(rooms, vault)
    assert len(sealed) >= 6
    closure_id = ask_closure(client, rooms, citizen)
    close(rooms, closure_id)
    run_jobs(rooms)
    assert read_all(rooms, STATE, c=citizen.id) == [("erased",)]
    canaries = [citizen.phone, citizen.phone.removeprefix("+86"), holder, bill.account]
    canaries += [person["name"], person["resident_id"]]
    canaries += [value for place, value in planted.items() if place not in by_law]
    dump = everything(rooms)
    for canary in canaries:
        assert canary not in dump
        assert canary.encode().hex() not in dump
    assert citizen.id in dump  # pseudonymous: payments and their receipt still name it
    opened = _open_with_every_key(rooms, keyring, sealed, canaries)
    assert opened == 0
    with (
        pytest.raises(NoResultFound),
        rooms.units.open(actor="test", read_only=True) as uow,
    ):
        vault_of(uow, keyring, UUID(citizen.id))
    _books_are_whole(client, rooms, paid)
    shows(
        f"{len(canaries)} planted values: 0 in the dump; {len(sealed)} sealed fields: 0 open; "
        "receipt valid, book balanced"
    )


def _sealed_with(rooms: Rooms, vault: Vault) -> dict[tuple[str, str, str], bytes]:
    """Return every field of the database that a citizen's key opens now, by its place."""
    found: dict[tuple[str, str, str], bytes] = {}
    for entry in rooms.deps[PrivacyDeps].inventory:
        names = [n for n in entry.names_of(*ABOUT_A_PERSON) if n.endswith("_sealed")]
        if entry.sealed_by != "vault" or entry.name == "export_parts":
            continue
        for column in names:
            plain = column.removesuffix("_sealed")
            rows = f"select id, {column} from {entry.name} where {column} is not null"  # noqa: S608
            for row, value in read_all(rooms, rows):
                try:
                    vault.open(bytes(value), entry.name, plain, row)
                except (InvalidTag, ValueError):
                    continue
                found[entry.name, plain, str(row)] = bytes(value)
    return found


def _open_with_every_key(
    rooms: Rooms,
    keyring: Keyring,
    sealed: dict[tuple[str, str, str], bytes],
    canaries: list[str],
) -> int:
    """Return how many sealed fields any key that still exists opens: those of before, and now."""
    newest = "select owner, wrapped from data_keys order by created_at desc limit 60"
    owners = read_all(rooms, newest)
    keys = [keyring.open_data_key(owner, bytes(wrapped)) for owner, wrapped in owners]
    keys += [keyring.class_key(table) for table, _, _ in sealed]
    opened = 0
    for (table, column, row), value in sealed.items():
        for key in keys:
            try:
                unseal(key, value, context=f"{table}|{column}|{row}")
            except InvalidTag:
                continue
            opened += 1
    for entry in rooms.deps[PrivacyDeps].inventory:
        names = [n for n in entry.names_of(*ABOUT_A_PERSON) if n.endswith("_sealed")]
        for name in names if entry.sealed_by == "class" else []:
            plain = name.removesuffix("_sealed")
            rows = f"select id, {name} from {entry.name} where length({name}) > 0"  # noqa: S608
            for row, value in read_all(rooms, rows) if entry.name != "idempotency_keys" else []:
                context = f"{entry.name}|{plain}|{row}"
                text_ = unseal(keyring.class_key(entry.name), bytes(value), context=context)
                opened += text_.decode() in canaries
    return opened


def _books_are_whole(client: FlaskClient, rooms: Rooms, paid: dict[str, Any]) -> None:
    code = paid["receipt_code"]
    valid = client.get(f"/v1/receipts/{code}/validity?amount={paid['amount']}")
    assert (valid.status_code, valid.json["valid"]) == (200, True)
    ((total,),) = read_all(rooms, "select coalesce(sum(amount), 0) from ledger_entries")
    assert total == 0


def test_plugins_are_asked_until_each_has_forgotten(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    good, bad = Flaky(), Flaky(failures=2)
    deps = deps_with(rooms, good=good, bad=bad)
    closure_id = ask_closure(client, rooms, citizen)
    close(rooms, closure_id, deps)
    erased = AccountErased(closure_id=UUID(closure_id), citizen_id=UUID(citizen.id))

    def run() -> None:
        with rooms.units.open(actor="job") as uow:
            service.erase_at_plugins(uow, deps, erased)

    for _ in range(2):
        with pytest.raises(ErasureIncomplete, match="bad"):
            run()
        assert read_all(rooms, STATE, c=citizen.id) == [("closed",)]
    for _ in range(2):
        run()
    assert read_all(rooms, STATE, c=citizen.id) == [("erased",)]
    assert (len(good.erased), len(bad.erased)) == (1, 1)
    assert good.erased != bad.erased
    assert issubclass(ErasureIncomplete, Unavailable)


def test_a_closed_account_has_no_consent_and_no_way_in(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    consumer, agreement = make_consumer(), make_agreement(rooms)
    with rooms.units.open(actor="test") as uow:
        consent.grant_consent(
            uow,
            Grant(UUID(citizen.id), consumer, agreement.title, agreement.id, frozenset({"phone"})),
        )
    close(rooms, ask_closure(client, rooms, citizen))
    assert seen(rooms, UUID(citizen.id), consumer) == frozenset()
    refresh = client.post("/v1/auth/sessions/refresh", json={"refresh_token": citizen.refresh})
    assert refresh.status_code == 401
    write = client.delete("/v1/auth/sessions", headers=citizen.auth)
    assert write.status_code == 401


def test_what_is_open_on_the_day_puts_it_off(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    bill = make_bill(client, world, citizen)
    closure_id = ask_closure(client, rooms, citizen)
    with rooms.units.open(actor="test") as uow:  # a payment that came from a request in flight
        uow.execute(
            text(
                "insert into payments (id, status, version, citizen_id, amount, currency, "
                "refunded_amount, method, created_at, expires_at) values (:id, 'pending', 1, :me, "
                ":amount, 'CNY', 0, 'card', now(), now() + interval '1 hour')"
            ),
            {"id": new_id(), "me": citizen.id, "amount": bill.amount},
        )
    close(rooms, closure_id)
    assert (status_of(rooms, citizen.id), read_all(rooms, STATE, c=citizen.id)) == (
        "active",
        [("pending",)],
    )


def test_postgres_refuses_a_payment_of_a_closed_account(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    close(rooms, ask_closure(client, rooms, citizen))
    insert = (
        "insert into payments (id, status, version, citizen_id, amount, currency, "
        "refunded_amount, method, created_at, expires_at) values (:id, 'pending', 1, :me, "
        "1, 'CNY', 0, 'card', now(), now() + interval '1 hour')"
    )
    with (
        pytest.raises(IntegrityError, match="open_account"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(insert), {"id": new_id(), "me": citizen.id})


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("status = 'maybe', ended_at = now()", "ck_closures_status"),
        ("ended_at = now()", "ck_closures_end"),
        ("status = 'closed'", "ck_closures_end"),
        ("due_at = asked_at", "ck_closures_due_at"),
    ],
)
def test_a_closing_without_sense_is_refused(
    client: FlaskClient, world: World, rooms: Rooms, change: str, constraint: str
) -> None:
    closure_id = ask_closure(client, rooms, log_in(client, world, rooms))
    with (
        pytest.raises(IntegrityError, match=constraint),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(
            text(f"update closures set {change} where id = :id"),  # noqa: S608
            {"id": closure_id},
        )


def test_a_second_pending_closing_is_refused(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    closure_id = ask_closure(client, rooms, log_in(client, world, rooms))
    copy = (
        "insert into closures (id, status, version, citizen_id, asked_at, due_at) "
        "select :new, status, version, citizen_id, asked_at, due_at from closures where id = :id"
    )
    with (
        pytest.raises(IntegrityError, match="uq_closures_pending"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(copy), {"new": new_id(), "id": closure_id})
