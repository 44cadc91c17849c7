"""A copy of my data: everything is in it, three a day, sealed, and gone after seven days."""

import secrets
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.clock import now
from app.core.crypto import Keyring, seal
from app.core.ids import new_id
from app.factory import Rooms
from app.identity.events import AccountUnlocked
from app.identity.service.vault import vault_of
from app.notifications import service as notifications
from app.privacy import service
from app.privacy.errors import ExportIncomplete, TooManyExports
from app.privacy.events import ExportRequested
from app.privacy.service import PrivacyDeps
from app.privacy.values import ABOUT_A_PERSON, TableEntry
from tests.certificates.support import plant_certificate
from tests.conftest import World
from tests.factories import Citizen, later, log_in, run_jobs, staff_token, today_for, verify
from tests.identity.support import in_parallel
from tests.identity.test_secrecy import everything
from tests.payments.helpers import make_bill
from tests.privacy.support import Flaky, deps_with, export, prove_again, read_all

MINE = "select id, status, number from exports where citizen_id = :citizen order by number"


def test_a_copy_needs_a_fresh_proof(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    answer = client.post("/v1/me/exports", headers=citizen.auth)
    assert (answer.status_code, answer.json["code"]) == (401, "step-up-required")
    assert read_all(rooms, MINE, citizen=citizen.id) == []
    prove_again(rooms, citizen)
    asked = client.post("/v1/me/exports", headers=citizen.auth).json
    with later(301):
        content = client.get(f"/v1/me/exports/{asked['id']}/content", headers=citizen.auth)
        assert (content.status_code, content.json["code"]) == (401, "step-up-required")


@pytest.mark.promise("M26")
def test_everything_personal_is_in_the_copy(
    client: FlaskClient, world: World, rooms: Rooms, shows: Callable[[str], None]
) -> None:
    citizen = log_in(client, world, rooms)
    verify(client, world, citizen)
    holder = f"户主{secrets.token_hex(4)}"
    make_bill(client, world, citizen, holder=holder)
    planted = plant_canaries(rooms, citizen)
    assert len(planted) >= 20
    content = export(client, rooms, citizen)
    for place, canary in planted.items():
        table, _, column = place.partition(".")
        shown = [row[column.removesuffix("_sealed")] for row in content["house"][table]]
        assert any(canary in str(value) for value in shown), place
    assert content["plugins"]["utilities"]["accounts"][0]["holder_name"] == holder
    secret = {
        f"{entry.name}.{column.name}"
        for entry in rooms.inventory()
        for column in entry.columns
        if column.data_class == "secret"
    }
    given = {f"{t}.{c}" for t, rows in content["house"].items() for row in rows for c in row}
    assert given & secret == set()
    shows(f"{len(planted)} personal columns planted, {len(planted)} found in the owner's copy")


# The label of a card may not hold five digits in a row.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def plant_canaries(rooms: Rooms, citizen: Citizen) -> dict[str, str]:
    """Put a value of its own into every personal column that a copy holds; return them by place."""
    me = UUID(citizen.id)
    keyring: Keyring = rooms.deps[Keyring]
    planted: dict[str, str] = {}
    _make_rows(rooms, citizen)
    for entry in rooms.deps[PrivacyDeps].inventory:
        if entry.subject is None or entry.withheld:
            continue
        for column in sorted(entry.names_of(*ABOUT_A_PERSON)):
            place = f"{entry.name}.{column}"
            planted[place] = f"canary-{secrets.token_hex(8).translate(_LETTERS)}"
            if entry.name == "audit_entries":
                with rooms.units.open(actor="test", address=planted[place]) as uow:
                    uow.record(AccountUnlocked(subject=me, reason="test"))
            elif entry.name == "staff_unmaskings":
                _plant_look(rooms, keyring, me, planted[place])
            elif entry.name == "listed_services":
                _plant_favourite(rooms, me, planted[place])
            elif entry.name == "certificates":
                plant_certificate(rooms, me, planted[place])
            else:
                _plant(rooms, keyring, me, entry, column, planted[place])
    return planted


def _plant_look(rooms: Rooms, keyring: Keyring, me: UUID, canary: str) -> None:
    """Let a member of staff have looked at a citizen, for a reason."""
    staff_token(rooms, "identity-officer")
    row = new_id()
    context = f"staff_unmaskings|reason|{row}"
    sealed = seal(keyring.class_key("staff_unmaskings"), canary.encode(), context=context)
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text(
                "insert into staff_unmaskings (id, staff_id, citizen_id, attribute, reason_sealed, "
                "at) select :id, max(id::text)::uuid, :me, 'name', :sealed, :at from staff"
            ),
            {"id": row, "me": me, "sealed": sealed, "at": now()},
        )


def _plant_favourite(rooms: Rooms, me: UUID, canary: str) -> None:
    """Let a citizen have a favourite: its name is a part of what its row is known by."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("insert into service_habits (citizen_id, keeps_recent) values (:me, true)"),
            {"me": me},
        )
        uow.execute(
            text(
                "insert into listed_services (citizen_id, list, service, position, at) "
                "values (:me, 'favourites', :service, 1, :at)"
            ),
            {"me": me, "service": canary, "at": now()},
        )


def _make_rows(rooms: Rooms, citizen: Citizen) -> None:
    """Make a row in each table that a log-in and a proof have not written to."""
    me = UUID(citizen.id)
    run_jobs(rooms)
    with rooms.units.open(actor="test") as uow:
        at = now()
        notifications.tell(uow, me, "account-locked", str(new_id()), {"at": at})
        uow.execute(
            text(
                "insert into corrections (id, status, version, citizen_id, what, proposed_sealed, "
                "evidence_sealed, submitted_at, due_at) values "
                "(:id, 'submitted', 1, :me, 'other', '', '', :at, :at + interval '30 days')"
            ),
            {"id": new_id(), "me": me, "at": at},
        )
        uow.execute(
            text(
                "insert into passkeys (id, owner_kind, owner_id, credential_id, public_key, "
                "sign_count, is_synced, is_bound, name_sealed, created_at) "
                "values (:id, 'citizen', :me, :key, '', 0, false, false, '', :at)"
            ),
            {"id": new_id(), "me": me, "key": secrets.token_bytes(16), "at": at},
        )
        uow.execute(
            text("insert into phone_changes (id, citizen_id, changed_at) values (:id, :me, :at)"),
            {"id": new_id(), "me": me, "at": at},
        )
        uow.execute(
            text(
                "insert into saved_methods (id, status, version, citizen_id, gateway, method, "
                "label, created_at, asks) "
                "values (:id, 'removed', 1, :me, 'stripe', 'card', '', :at, 0)"
            ),
            {"id": new_id(), "me": me, "at": at},
        )
        uow.execute(
            text(
                "insert into organisations (id, status, version, representative_id, uscc_index, "
                "uscc_sealed, name_sealed, created_at) values (:id, 'claimed', 1, :me, :key, "
                "'', '', :at)"
            ),
            {"id": new_id(), "me": me, "key": secrets.token_bytes(32), "at": at},
        )
        uow.execute(
            text(
                "insert into mandates (id, status, version, drafted_by, named, phone_index, "
                "phone_sealed, principal_id, for_organisation, days, consent, "
                "counter_reason_sealed, created_at) values (:id, 'drafted', 1, :me, 'delegate', "
                ":key, '', :me, false, 31, 'counter', '', :at)"
            ),
            {"id": new_id(), "me": me, "key": secrets.token_bytes(32), "at": at},
        )
        uow.execute(
            text(
                "insert into guardianships (id, status, version, guardian_id, child_index, "
                "child_name_sealed, source, reason_sealed, created_at, child_sees_at, ends_at, "
                "ended_at, ending) values (:id, 'ended', 2, :me, :key, '', 'counter', '', :at, "
                ":at, :at + interval '1 year', :at, 'court')"
            ),
            {"id": new_id(), "me": me, "key": secrets.token_bytes(32), "at": at},
        )


def _plant(
    rooms: Rooms, keyring: Keyring, me: UUID, entry: TableEntry, column: str, canary: str
) -> None:
    assert entry.subject is not None
    where = entry.subject.replace("= :citizen", "= cast(:citizen as uuid)")
    with rooms.units.open(actor="test") as uow:
        find = text(f"select id from {entry.name} where {where} limit 1")  # noqa: S608
        row = uow.scalar(find, {"citizen": str(me)})
        assert row is not None, f"no row of {entry.name}: the test has to make one"
        value: bytes | str = canary
        if column.endswith("_sealed"):
            plain = column.removesuffix("_sealed")
            if entry.sealed_by == "vault":
                value = vault_of(uow, keyring, me).seal(canary, entry.name, plain, row)
            else:
                context = f"{entry.name}|{plain}|{row}"
                value = seal(keyring.class_key(entry.name), canary.encode(), context=context)
        statement = f"update {entry.name} set {column} = :value where id = :id"  # noqa: S608
        uow.execute(text(statement), {"value": value, "id": row})


def test_the_copy_is_sealed_where_it_lies(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    person = verify(client, world, citizen)
    content = export(client, rooms, citizen)
    (row,) = content["house"]["citizens"]
    assert (row["name"], row["resident_id"], row["phone"]) == (
        person["name"],
        person["resident_id"],
        citizen.phone,
    )
    dump = everything(rooms)
    for canary in (person["resident_id"], citizen.phone):
        assert canary not in dump
        assert canary.encode().hex() not in dump


def test_three_a_day_also_in_parallel(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    deps = rooms.deps[PrivacyDeps]
    today_for(60)

    def ask() -> str:
        try:
            with rooms.units.open(actor="test") as uow:
                return service.request_export(uow, deps, UUID(citizen.id)).status
        except TooManyExports as error:
            return error.code

    answers = in_parallel([ask] * 8)
    assert sorted(answers) == ["requested"] * 3 + ["too-many-exports"] * 5
    assert [row[2] for row in read_all(rooms, MINE, citizen=citizen.id)] == [1, 2, 3]
    prove_again(rooms, citizen)
    refused = client.post("/v1/me/exports", headers=citizen.auth)
    assert (refused.status_code, refused.json["code"]) == (429, "too-many-exports")
    insert = (
        "insert into exports (id, status, version, citizen_id, day, number, requested_at) "
        "values (:id, 'requested', 1, :me, :day, 4, :at)"
    )
    values = {"id": new_id(), "me": citizen.id, "day": date(2026, 11, 1), "at": now()}
    with (
        pytest.raises(IntegrityError, match="ck_exports_number"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(insert), values)


def request(rooms: Rooms, citizen: Citizen, deps: PrivacyDeps) -> UUID:
    with rooms.units.open(actor="test") as uow:
        return service.request_export(uow, deps, UUID(citizen.id)).id


def gather(rooms: Rooms, deps: PrivacyDeps, export_id: UUID) -> None:
    with rooms.units.open(actor="job") as uow:
        service.gather_export(uow, deps, ExportRequested(export_id=export_id))


def test_parts_that_were_given_are_kept_while_others_are_asked_again(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    good, bad = Flaky(), Flaky(failures=2)
    deps = deps_with(rooms, good=good, bad=bad)
    export_id = request(rooms, citizen, deps)
    for _ in range(2):
        with pytest.raises(ExportIncomplete, match="bad"):
            gather(rooms, deps, export_id)
        with rooms.units.open(actor="test", read_only=True) as uow:
            view = service.read_export(uow, deps, UUID(citizen.id), export_id)
        assert (view.status, view.missing) == ("requested", ["bad"])
    for _ in range(2):
        gather(rooms, deps, export_id)
    assert (good.exported, bad.exported) == (1, 1)
    with rooms.units.open(actor="test", read_only=True) as uow:
        content = service.read_export_content(uow, deps, UUID(citizen.id), export_id)
    assert set(content.plugins) == {"good", "bad"}
    assert content.plugins["good"] != content.plugins["bad"]  # each knows them by its own name
    assert read_all(rooms, "select 1 from export_parts where export_id = :e", e=export_id) == []


def test_a_plugin_that_is_not_there_keeps_the_copy_waiting_and_is_then_given_up(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen = log_in(client, world, rooms)
    deps = deps_with(rooms, gone=None)
    export_id = request(rooms, citizen, deps)
    with pytest.raises(ExportIncomplete):
        gather(rooms, deps, export_id)
    with later(2 * 86_400 + 1), rooms.units.open(actor="test") as uow:
        service.forget_exports(uow)
    assert read_all(rooms, MINE, citizen=citizen.id) == [(export_id, "failed", 1)]


def test_a_copy_is_gone_after_seven_days(client: FlaskClient, world: World, rooms: Rooms) -> None:
    citizen = log_in(client, world, rooms)
    export(client, rooms, citizen)
    ((export_id, status, _),) = read_all(rooms, MINE, citizen=citizen.id)
    assert status == "ready"
    deps, me = rooms.deps[PrivacyDeps], UUID(citizen.id)
    with later(7 * 86_400 - 600):
        with rooms.units.open(actor="test") as uow:
            service.forget_exports(uow)
        assert read_all(rooms, MINE, citizen=citizen.id)[0][1] == "ready"
    with later(7 * 86_400 + 1):
        with rooms.units.open(actor="test", read_only=True) as uow:
            assert service.read_export(uow, deps, me, export_id).status == "expired"
        with rooms.units.open(actor="test") as uow:
            service.forget_exports(uow)
    kept = "select content_sealed is null, status from exports where id = :id"
    assert read_all(rooms, kept, id=export_id) == [(True, "expired")]
    prove_again(rooms, citizen)
    over = client.get(f"/v1/me/exports/{export_id}/content", headers=citizen.auth)
    assert (over.status_code, over.json["code"], over.json["export_status"]) == (
        409,
        "export-not-ready",
        "expired",
    )


def test_somebody_elses_copy_looks_like_none(
    client: FlaskClient, world: World, rooms: Rooms
) -> None:
    citizen, stranger = log_in(client, world, rooms), log_in(client, world, rooms)
    export(client, rooms, citizen)
    ((export_id, *_),) = read_all(rooms, MINE, citizen=citizen.id)
    prove_again(rooms, stranger)
    for path in (f"/v1/me/exports/{export_id}", f"/v1/me/exports/{export_id}/content"):
        answer = client.get(path, headers=stranger.auth)
        assert (answer.status_code, answer.json["code"]) == (404, "export-not-found")
    assert client.get("/v1/me/exports", headers=stranger.auth).json["items"] == []
