"""Sealing: every row once, in order, by one sealer, whatever dies half-way."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from structlog.testing import capture_logs

from app.audit import service
from app.audit.models import AuditEntry, AuditSeal
from app.audit.service import AuditDeps, SealingKey, sealing
from app.audit.service.anchors import appending
from app.audit.service.reading import proof_of
from app.audit.values import NOTHING_BEFORE, Finding, Statement
from app.factory import Rooms
from tests.audit.support import (
    Knocked,
    knock,
    lines_of,
    owner,
    public_key,
    rows,
    run_verifier,
    seal,
    write_export,
)
from tests.conftest import secret_env
from tests.factories import later

SEALS = "select number, first, last, entries, previous, forged from audit_seals order by number"


def anchors(rooms: Rooms) -> Path:
    return rooms.deps[AuditDeps].anchors


def verify(rooms: Rooms) -> Finding:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return service.verify_trail(uow, rooms.deps[AuditDeps])


def test_a_seal_covers_what_is_there_and_names_the_one_before(house: Rooms) -> None:
    seal(house)
    assert rows(house, SEALS) == []
    assert not anchors(house).exists()  # nothing to seal, nothing to say
    knock(house, 3)
    seal(house)
    seal(house)
    knock(house, 2)
    seal(house)
    first, second = rows(house, SEALS)
    assert (first.number, first.entries, first.previous) == (1, 3, NOTHING_BEFORE)
    assert (second.number, second.entries, second.first) == (2, 2, first.last + 1)
    lines = lines_of(anchors(house))
    assert [line["number"] for line in lines] == [1, 2]
    assert lines[1]["previous"] == second.previous != NOTHING_BEFORE
    assert anchors(house).stat().st_mode & 0o777 == 0o600
    found = verify(house)
    assert (found.is_sound, found.seals, found.entries, found.is_complete) == (True, 2, 5, True)


def test_every_anchor_is_signed_by_the_key_that_it_names(house: Rooms) -> None:
    knock(house, 1)
    seal(house)
    (line,) = lines_of(anchors(house))
    deps = house.deps[AuditDeps]
    content = {k: v for k, v in line.items() if k not in {"signature", "leaves"}}
    signature = base64.b64decode(line["signature"])
    assert deps.key.is_signed(Statement(content, signature))
    for name in content:
        bent = {**content, name: "other"}
        assert not deps.key.is_signed(Statement(bent, signature)), name


def test_a_batch_has_at_most_so_many_rows(house: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figure itself is a constraint of the table."""
    monkeypatch.setattr(sealing, "BATCH", 4)
    with house.units.open(actor="test") as uow:
        for times in range(10):
            uow.record(Knocked(times=times))
    seal(house)
    assert [row.entries for row in rows(house, SEALS)] == [4, 4, 2]
    assert verify(house).is_sound


def test_ten_thousand_rows_are_one_seal_and_one_more_is_the_next(house: Rooms) -> None:
    with house.units.open(actor="test") as uow:
        for times in range(10_001):
            uow.record(Knocked(times=times))
    seal(house)
    assert [row.entries for row in rows(house, SEALS)] == [10_000, 1]
    found = verify(house)
    assert (found.is_sound, found.entries, found.is_complete) == (True, 10_001, True)
    number = rows(house, "select number from audit_entries order by number offset 6999 limit 1")
    with house.units.open(actor="test", read_only=True) as uow:
        entry = uow.get_one(AuditEntry, number[0][0])
        proof = proof_of(entry, uow.get_one(AuditSeal, 1))
    assert proof is not None
    assert (proof.index, proof.size, len(proof.path)) == (6_999, 10_000, 14)


def test_two_sealers_and_busy_writers_seal_every_row_once(house: Rooms) -> None:
    stop = threading.Event()

    def write() -> int:
        count = 0
        while not stop.is_set():
            knock(house, 1)
            count += 1
        return count

    def seal_on() -> None:
        while not stop.is_set():
            seal(house)

    with ThreadPoolExecutor(6) as pool:
        writers = [pool.submit(write) for _ in range(4)]
        sealers = [pool.submit(seal_on) for _ in range(2)]
        time.sleep(4)
        deadline = time.monotonic() + 60
        while rows(house, "select count(*) from audit_seals")[0][0] < 2:
            assert time.monotonic() < deadline, "nothing was sealed"
            time.sleep(0.1)
        stop.set()
        written = sum(writer.result() for writer in writers)
        for sealer in sealers:
            sealer.result()
    seal(house)
    found = verify(house)
    assert found.is_sound, found.fault
    assert found.entries == written == rows(house, "select count(*) from audit_entries")[0][0]
    numbers = [line["number"] for line in lines_of(anchors(house))]
    assert numbers == list(range(1, found.seals + 1))
    assert found.seals > 1


KILLED = """
import os, sys
from app.audit.service import AuditDeps, seal_due, sealing
from app.factory import build
from config.settings import Settings

rooms = build(Settings.from_env(os.environ))
point = sys.argv[1]

def die(*_args, **_more):
    os.kill(os.getpid(), 9)

if point == "before the commit":
    sealing.root_of = die
elif point == "before the file":
    sealing.anchor_seals = die
elif point == "within a line":
    import app.audit.service.anchors as anchors
    anchors.os.fsync = die
    whole = anchors.canonical
    anchors.canonical = lambda line: whole(line)[:200]
with rooms.units.open(actor="sealer") as uow:
    seal_due(uow, rooms.deps[AuditDeps])
"""


@pytest.mark.parametrize("point", ["before the commit", "before the file", "within a line"])
def test_a_sealer_that_is_killed_is_followed_by_another(house: Rooms, point: str) -> None:
    knock(house, 2)
    seal(house)
    knock(house, 3)
    env = {**house.settings.plugin_env, "PATH": os.environ["PATH"]}
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", KILLED, point], env=env, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    knock(house, 1)
    seal(house)
    found = verify(house)
    assert found.is_sound, found.fault
    assert found.entries == 6
    torn, whole = 0, []
    for line in anchors(house).read_text().splitlines():
        try:
            whole.append(json.loads(line)["number"])
        except ValueError:
            torn += 1
    assert whole == list(range(1, found.seals + 1))
    assert torn == (1 if point == "within a line" else 0)


def test_a_disk_that_is_full_loses_no_anchor(house: Rooms) -> None:
    knock(house, 1)
    seal(house)
    path = anchors(house)
    kept = path.read_bytes()
    path.unlink()
    path.mkdir()  # cannot be opened for writing
    knock(house, 1)
    with capture_logs() as logs:
        seal(house)
    assert [line["event"] for line in logs] == ["audit.not_anchored"]
    path.rmdir()
    path.write_bytes(kept)
    seal(house)
    assert [line["number"] for line in lines_of(path)] == [1, 2]


def test_a_new_file_begins_at_the_newest_seal(house: Rooms) -> None:
    for _ in range(3):
        knock(house, 1)
        seal(house)
    anchors(house).unlink()
    seal(house)
    assert [line["number"] for line in lines_of(anchors(house))] == [3]


def test_a_long_file_is_read_from_its_end(tmp_path: Path) -> None:
    line = {"kind": "seal", "leaves": "x" * 700_000}
    with appending(tmp_path / "long") as file:
        file.append([{"kind": "retirement", "through": 1}])
        file.append([{**line, "number": number} for number in range(1, 5)])
        found: Any = file.last("seal"), file.last("retirement"), file.last("other")
    assert found[0]["number"] == 4
    assert found[1] == {"kind": "retirement", "through": 1}
    assert found[2] is None


def test_a_row_that_the_house_has_not_written_is_sealed_and_marked(house: Rooms) -> None:
    knock(house, 2)
    with house.units.open(actor="test") as uow:  # the application's own role, but not its key
        uow.execute(
            text(
                "insert into audit_entries (id, at, actor, actor_kind, event, result, details, "
                "writer, sequence, salt, mac) select gen_random_uuid(), at, actor, actor_kind, "
                "event, result, details, gen_random_uuid(), 1, salt, mac from audit_entries limit 1"
            )
        )
    planted = rows(house, "select max(number) from audit_entries")[0][0]
    found = verify(house)
    assert found.fault is not None
    assert (found.fault.code, found.fault.entry) == ("entry-forged", planted)
    with capture_logs() as logs:
        seal(house)
    assert "audit.forgery_found" in [line["event"] for line in logs]
    assert rows(house, SEALS)[0].forged == [planted]
    told = rows(house, "select event, details from audit_entries order by number desc limit 1")
    assert tuple(told[0]) == ("audit.forgery-found", {"seal": 1, "entries": 1})
    found = verify(house)
    assert found.fault is not None
    assert (found.fault.code, found.fault.entry) == ("entry-forged", planted)


def test_a_new_key_seals_on_and_the_one_before_still_proves(house: Rooms, tmp_path: Path) -> None:
    knock(house, 2)
    seal(house)
    former = house.deps[AuditDeps].key
    fresh = SealingKey(secret_env()["AUDIT_SIGNING_KEY"], [public_key(house)])
    lonely = SealingKey(secret_env()["AUDIT_SIGNING_KEY"])
    deps = replace(house.deps[AuditDeps], key=fresh)
    knock(house, 2)
    with house.units.open(actor="test") as uow:
        service.seal_due(uow, deps)
    lines = lines_of(anchors(house))
    assert [line["key"] for line in lines] == [former.id, fresh.id]
    keys = [public_key(house), fresh.publics[fresh.id].hex()]
    with house.units.open(actor="test", read_only=True) as uow:
        assert service.verify_trail(uow, deps).is_sound
        fault = service.verify_trail(uow, replace(deps, key=lonely)).fault
        export = write_export(uow, tmp_path)
    assert fault is not None
    assert (fault.code, fault.seal) == ("seal-forged", 1)
    assert run_verifier(export, anchors(house), *keys)["sound"] is True
    assert run_verifier(export, anchors(house), keys[1])["code"] == "anchor-forged"


def lag(rooms: Rooms) -> float:
    with rooms.units.open(actor="test", read_only=True) as uow:
        return service.watch_lag(uow).total_seconds()


def test_the_lag_is_measured_and_an_alarm_from_15_minutes_on(house: Rooms) -> None:
    assert lag(house) == 0
    knock(house, 1)
    with later(870), capture_logs() as logs:
        assert 870 <= lag(house) < 900
    assert logs == []
    with later(901), capture_logs() as logs:
        assert 901 <= lag(house) < 1_800
        assert REGISTRY.get_sample_value("audit_sealing_lag_seconds") >= 901
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("audit.sealing_late", "error")
    ]
    seal(house)
    with later(901):
        assert lag(house) == 0


def test_nobody_can_delete_a_row_before_it_is_sealed_unseen(house: Rooms) -> None:
    """The writer's numbers have a gap; the sealer cannot mend it."""
    knock(house, 3)
    with owner(house) as uow:
        uow.execute(text("delete from audit_entries where sequence = 2"))
        found = service.verify_trail(uow, house.deps[AuditDeps])
        assert found.fault is not None
        assert found.fault.code == "writer-gap"
        service.seal_due(uow, house.deps[AuditDeps])
        found = service.verify_trail(uow, house.deps[AuditDeps])
        assert found.fault is not None
        third = rows(house, "select number from audit_entries where sequence = 3")[0][0]
        assert (found.fault.code, found.fault.entry) == ("writer-gap", third)
