"""What PostgreSQL itself refuses about providers, whoever writes it."""

import json
from collections.abc import Mapping

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.ids import new_id
from app.factory import Rooms
from config.settings import Settings
from tests.providers.support import make_manifest

PROVIDER = """
insert into providers
  (id, status, version, name, transport, client_id, manifest_version, canary_percent,
   suspended_from, reason_zh, reason_en, expected_return, created_at)
values (:id, :status, 1, :name, :transport, :client_id, :manifest_version, :canary_percent,
   :suspended_from, :reason_zh, :reason_en, :expected_return, now())
"""
MANIFEST = """
insert into provider_manifests (provider_id, number, digest, content, submitted_at)
values (:id, 1, :digest, cast(:content as jsonb), now())
"""
KEY = """
insert into provider_keys (provider_id, kid, x, added_at, retired_at)
values (:id, :kid, :x, now(), :retired_at)
"""
CLAIM = "insert into provider_claims (kind, id, provider_id) values (:kind, :own, :id)"
BADGE = """
insert into provider_badges
  (id, provider_id, manifest_digest, contract, duties, jws, issued_at, expires_at, recorded_at)
values (:badge, :id, :digest, 1, '[]', :jws, now(), now() + cast(:lasts as interval), now())
"""
SUSPENDED = {
    "status": "suspended",
    "suspended_from": "sandbox",
    "reason_zh": "维护",
    "reason_en": "Repairs",
}


def remote(**changes: object) -> dict[str, object]:
    """Return the columns of a remote provider."""
    row = {
        "id": new_id(),
        "status": "applied",
        "name": f"firm_{new_id().hex[-12:]}",
        "transport": "remote",
        "client_id": new_id(),
        "manifest_version": 1,
        "canary_percent": 100,
        "suspended_from": None,
        "reason_zh": None,
        "reason_en": None,
        "expected_return": None,
        "digest": "a" * 64,
        "content": json.dumps(make_manifest("firm")),
    }
    return {**row, **changes}


def plugin(**changes: object) -> dict[str, object]:
    """Return the columns of a plug-in."""
    own = {"transport": "in-process", "client_id": None, "manifest_version": None}
    return remote(**{**own, "status": "live", **changes})


def write(rooms: Rooms, *statements: str, **row: object) -> None:
    """Run statements as the application does."""
    with rooms.units.open(actor="test") as uow:
        for statement in statements:
            uow.execute(text(statement), row)


def stored(rooms: Rooms) -> Mapping[str, object]:
    """Return a remote provider that is there, with one version of its manifest."""
    row = remote()
    write(rooms, PROVIDER, MANIFEST, **row)
    return row


@pytest.mark.parametrize(
    ("row", "constraint"),
    [
        (remote(status="famous"), "ck_providers_status"),
        (plugin(transport="pigeon"), "ck_providers_transport"),
        (remote(name="Firm"), "ck_providers_name"),
        (remote(name="a" * 31), "ck_providers_name"),
        (remote(client_id=None), "ck_providers_whose"),
        (remote(manifest_version=None), "ck_providers_whose"),
        (plugin(client_id=new_id(), manifest_version=1), "ck_providers_whose"),
        (plugin(status="canary"), "ck_providers_in_process"),
        (remote(status="suspended"), "ck_providers_suspended"),
        (remote(**{**SUSPENDED, "reason_en": None}), "ck_providers_suspended"),
        (remote(**{**SUSPENDED, "status": "live"}), "ck_providers_suspended"),
        (remote(expected_return="2030-01-01T00:00:00Z"), "ck_providers_suspended"),
        (remote(**{**SUSPENDED, "suspended_from": "gone"}), "ck_providers_suspended_from"),
        (remote(canary_percent=0), "ck_providers_canary_percent"),
        (remote(canary_percent=101), "ck_providers_canary_percent"),
        (remote(name="utilities"), "uq_providers_name"),
        (remote(digest="b" * 63), "ck_provider_manifests_digest"),
        (remote(manifest_version=2), "fk_providers_released"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(
    rooms: Rooms, row: dict[str, object], constraint: str
) -> None:
    statements = [PROVIDER] if row["transport"] == "in-process" else [PROVIDER, MANIFEST]
    with pytest.raises(IntegrityError, match=constraint):
        write(rooms, *statements, **row)
    with rooms.units.open(actor="test", read_only=True) as uow:
        wanted = text("select count(*) from providers where id = :id")
        assert uow.scalar(wanted, {"id": row["id"]}) == 0


def test_the_rows_of_these_tests_are_good_but_for_the_fault(rooms: Rooms) -> None:
    write(rooms, PROVIDER, **plugin())
    write(rooms, PROVIDER, MANIFEST, **remote(**SUSPENDED, expected_return="2030-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("statements", "more", "constraint"),
    [
        ([MANIFEST], {}, "pk_provider_manifests"),
        ([KEY], {"x": "short"}, "ck_provider_keys_x"),
        ([KEY], {"retired_at": "2020-01-01T00:00:00Z"}, "ck_provider_keys_retired_at"),
        ([KEY, KEY], {}, "pk_provider_keys"),
        ([CLAIM], {"kind": "person"}, "ck_provider_claims_kind"),
        ([CLAIM], {"own": "water-bill"}, "pk_provider_claims"),
        ([CLAIM], {"kind": "payee", "own": "shiyan-water"}, "pk_provider_claims"),
        ([BADGE], {"lasts": "0 s"}, "ck_provider_badges_expires_at"),
        ([BADGE], {"digest": "x"}, "ck_provider_badges_manifest_digest"),
    ],
)
def test_what_belongs_to_a_provider_has_its_own_rules(
    rooms: Rooms, statements: list[str], more: dict[str, object], constraint: str
) -> None:
    row = {
        "kid": "one",
        "x": "x" * 43,
        "retired_at": None,
        "kind": "service",
        "own": f"s-{new_id().hex}",
        "badge": new_id(),
        "jws": new_id().hex,
        "lasts": "90 days",
        **stored(rooms),
        **more,
    }
    with pytest.raises(IntegrityError, match=constraint):
        write(rooms, *statements, **row)


def test_there_is_one_number_and_no_second(rooms: Rooms) -> None:
    for statement, constraint in (
        ("insert into provider_epoch (id, number) values (2, 1)", "ck_provider_epoch_id"),
        ("insert into provider_epoch (id, number) values (1, 1)", "pk_provider_epoch"),
        ("update provider_epoch set number = 0", "ck_provider_epoch_number"),
    ):
        with pytest.raises(IntegrityError, match=constraint):
            write(rooms, statement)


@pytest.mark.parametrize(
    "statement",
    [
        'update provider_manifests set content = \'{"name": "other"}\'',
        "delete from provider_manifests",
        "update provider_badges set expires_at = expires_at + interval '1 year'",
        "delete from provider_badges",
    ],
)
def test_versions_and_badges_never_change(settings: Settings, rooms: Rooms, statement: str) -> None:
    row = stored(rooms)
    more = {"badge": new_id(), "jws": new_id().hex, "lasts": "90 days"}
    write(rooms, BADGE, **{**row, **more})
    with pytest.raises(DBAPIError, match="permission denied"):
        write(rooms, statement)
    engine = create_engine(settings.database.owner_url or "")
    try:
        with pytest.raises(IntegrityError, match="is append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
