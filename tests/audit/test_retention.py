"""Retention: whole sealed batches go, by the owner alone, and what stays is still verifiable."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app import cli
from app.audit import service
from app.audit.models import AuditRetirement
from app.audit.service import AuditDeps
from app.audit.service.statements import retirement_content
from app.audit.values import SHORTEST_RETENTION
from app.core.clock import now
from app.core.unit_of_work import Units
from app.factory import Rooms
from config.settings import Settings, SettingsInvalid
from tests.audit.support import (
    knock,
    lines_of,
    owner,
    public_key,
    rows,
    run_verifier,
    seal,
    verify_offline,
)
from tests.factories import later

YEAR = 365 * 86_400


def run(rooms: Rooms, *arguments: str) -> Result:
    """Run a command of ours."""
    app = Flask("test")
    cli.register(app, rooms.settings, rooms)
    return app.test_cli_runner().invoke(args=["audit", *arguments])


def entries(rooms: Rooms) -> int:
    return int(rows(rooms, "select count(*) from audit_entries")[0][0])


@contextmanager
def owner_kept(rooms: Rooms) -> Iterator[Units]:
    """Yield units of the database's owner, whose changes stay."""
    engine = create_engine(rooms.settings.database.owner_url or "")
    try:
        yield Units(engine, engine, rooms.jobs, rooms.units.trail)
    finally:
        engine.dispose()


def retire_as_owner(rooms: Rooms, retention: timedelta) -> int:
    deps = replace(rooms.deps[AuditDeps], retention=retention)
    with owner_kept(rooms) as units, units.open(actor="test") as uow:
        return service.retire_entries(uow, deps)


def signed_retirement(deps: AuditDeps, through: int) -> dict[str, object]:
    """Return the values of a retirement as the house signs it now."""
    row = AuditRetirement(through=through, at=now())
    signed = deps.key.sign(retirement_content(row))
    return {
        "through": through,
        "at": row.at,
        "key": deps.key.id,
        "signature": signed.signature,
    }


def test_nothing_young_is_retired(house: Rooms) -> None:
    knock(house, 4)
    seal(house)
    for ahead in (0, 2 * YEAR):
        with later(ahead):
            said = run(house, "retire")
        assert (said.exit_code, said.output) == (0, "removed 0 entries\n")
    assert entries(house) == 4
    assert rows(house, "select * from audit_retirements") == []


def test_what_is_old_goes_and_the_chain_stays_verifiable(house: Rooms, tmp_path: Path) -> None:
    for _ in range(2):
        knock(house, 3)
        seal(house)
    with later(YEAR):
        knock(house, 2)
        seal(house)
    with later(3 * YEAR + 3600):
        knock(house, 1)  # not sealed yet: it stays, whatever its age
        said = run(house, "retire")
        assert (said.exit_code, said.output) == (0, "removed 6 entries\n")
        assert entries(house) == 2 + 1 + 1  # young, unsealed, and that this was done
        seal(house)
        assert run(house, "retire").output == "removed 0 entries\n"
    assert [row.through for row in rows(house, "select through from audit_retirements")] == [2]
    last = rows(house, "select event, details from audit_entries order by number desc limit 1")[0]
    assert tuple(last) == ("audit.retired", {"through": 2, "entries": 6})
    anchored = lines_of(house.deps[AuditDeps].anchors)
    assert [line["through"] for line in anchored if line["kind"] == "retirement"] == [2]
    verified = run(house, "verify")
    assert (verified.exit_code, verified.output) == (0, "sound up to seal 4\n")
    with owner(house) as uow:
        said_outside = verify_offline(uow, house, tmp_path)
    assert (said_outside["sound"], said_outside["retired_seals"]) == (True, 2)


def test_a_deletion_is_no_retirement(house: Rooms, tmp_path: Path) -> None:
    for _ in range(3):
        knock(house, 2)
        seal(house)
    deps = house.deps[AuditDeps]
    forged = (
        "insert into audit_retirements (through, at, key_id, signature) "
        "values (2, now() + interval '4 years', :key, :signature)"
    )
    with owner(house) as uow:
        uow.execute(text("delete from audit_entries where number <= 4"))
        uow.execute(text(forged), {"key": deps.key.id, "signature": b"s" * 64})
        inside = service.verify_trail(uow, deps).fault
        outside = verify_offline(uow, house, tmp_path)
    assert inside is not None
    assert (inside.code, outside["code"]) == ("retirement-forged", "retirement-forged")


def test_a_retirement_that_was_taken_back_is_found(house: Rooms, tmp_path: Path) -> None:
    for _ in range(2):
        knock(house, 2)
        seal(house)
    with later(4 * YEAR):
        run(house, "retire")
        seal(house)
    with owner(house) as uow:
        uow.execute(text("delete from audit_retirements"))
        outside = verify_offline(uow, house, tmp_path)
        inside = service.verify_trail(uow, house.deps[AuditDeps]).fault
    assert outside["code"] == "retirement-missing"
    assert inside is not None
    assert inside.code == "entry-missing"


def test_a_run_that_was_killed_is_finished_by_the_next(house: Rooms) -> None:
    knock(house, 3)
    seal(house)
    deps = house.deps[AuditDeps]
    with later(4 * YEAR):
        with owner_kept(house) as units, units.open(actor="test") as uow:
            uow.execute(
                text(
                    "insert into audit_retirements (through, at, key_id, signature) "
                    "values (:through, :at, :key, :signature)"
                ),
                signed_retirement(deps, 1),
            )
        assert run(house, "retire").output == "removed 3 entries\n"
    assert run(house, "verify").exit_code == 0


@pytest.mark.promise("M11")
def test_less_than_180_days_is_refused(house: Rooms, shows: Callable[[str], None]) -> None:
    for days in (0, 1, 179):
        refuse(house, days)
    shows("retention of 0, 1 and 179 days: refused by the settings and by the command")


def refuse(house: Rooms, days: int) -> None:
    with pytest.raises(SettingsInvalid, match="AUDIT_RETENTION_DAYS is below 180"):
        Settings.from_env({**house.settings.plugin_env, "AUDIT_RETENTION_DAYS": str(days)})
    knock(house, 1)
    seal(house)
    with later(4 * YEAR), pytest.raises(ValueError, match="180 days at least"):
        retire_as_owner(house, timedelta(days=days))
    assert entries(house) > 0


def test_the_application_cannot_retire(house: Rooms) -> None:
    knock(house, 1)
    seal(house)
    with (
        later(4 * YEAR),
        pytest.raises(DBAPIError, match="permission denied"),
        house.units.open(actor="test") as uow,
    ):
        service.retire_entries(uow, house.deps[AuditDeps])
    assert entries(house) == 1


def test_a_retirement_of_young_seals_is_found_outside(house: Rooms, tmp_path: Path) -> None:
    """Even one who has the key cannot call a deletion of last week a retirement."""
    knock(house, 2)
    seal(house)
    deps = house.deps[AuditDeps]
    with later(SHORTEST_RETENTION.total_seconds() - 86_400), owner(house) as uow:
        uow.execute(text("delete from audit_entries"))
        uow.execute(
            text(
                "insert into audit_retirements (through, at, key_id, signature) "
                "values (:through, :at, :key, :signature)"
            ),
            signed_retirement(deps, 1),
        )
        said = verify_offline(uow, house, tmp_path)
        inside = service.verify_trail(uow, deps).fault
    assert (said["sound"], said["code"], said["seal"]) == (False, "retired-too-early", 1)
    assert inside is not None
    assert inside.code == "retired-too-early"


def test_an_export_is_written_for_the_verifier_and_told(house: Rooms, tmp_path: Path) -> None:
    knock(house, 5)
    seal(house)
    knock(house, 1)
    export = tmp_path / "export.jsonl"
    said = run(house, "export", "--file", str(export))
    assert (said.exit_code, said.output) == (0, f"wrote 6 entries to {export}\n")
    assert export.stat().st_mode & 0o777 == 0o600
    found = run_verifier(export, house.deps[AuditDeps].anchors, public_key(house))
    assert (found["sound"], found["sealed_entries"], found["unsealed_entries"]) == (True, 5, 1)
    last = rows(house, "select event, details from audit_entries order by number desc limit 1")[0]
    assert tuple(last) == ("audit.exported", {"entries": 6})


def test_verify_names_what_is_wrong(house: Rooms) -> None:
    knock(house, 3)
    seal(house)
    with owner_kept(house) as units, units.open(actor="intruder") as uow:
        uow.execute(text("alter table audit_entries disable trigger all"))
        uow.execute(text("update audit_entries set result = 'refused' where sequence = 2"))
    said = run(house, "verify")
    assert said.exit_code == 1
    number = rows(house, "select number from audit_entries where sequence = 2")[0][0]
    assert said.output == (
        f"Error: entry-changed: it is not what was sealed (seal 1, entry {number})\n"
    )
