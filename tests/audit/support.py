"""What the tests of the trail share: something to record, a sealer, an export, a verifier."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import create_engine, text

from app.audit import service
from app.audit.service import AuditDeps
from app.audit.values import canonical
from app.core.trail import AuditEvent
from app.core.unit_of_work import UnitOfWork, Units
from app.factory import Rooms
from config.settings import ROOT

VERIFIER = ROOT / "tools" / "audit_verifier.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Knocked(AuditEvent):
    """Somebody knocked."""

    name: ClassVar[str] = "test.knocked"
    title_zh: ClassVar[str] = "有人敲门"
    title_en: ClassVar[str] = "Somebody knocked"

    times: int = 1
    door: str = "front"


class Undone(Exception):
    """Raised to undo a unit."""


def knock(rooms: Rooms, count: int = 1, *, subject: UUID | None = None, **values: object) -> None:
    """Record some events, each in a unit of its own."""
    for times in range(count):
        with rooms.units.open(actor="test", address="127.0.0.1") as uow:
            uow.record(Knocked(times=times, subject=subject, **values))  # type: ignore[arg-type]


def fail_at_commit(rooms: Rooms, mine: str) -> None:
    """Let a transaction fail at its very commit, after its audit row was inserted."""
    with rooms.units.open(actor="test") as uow:
        uow.record(Knocked(door=mine))
        uow.execute(
            text(
                "insert into ledger_transactions "
                "(id, kind, external_ref, subject_id, lines, occurred_at, recorded_at) values "
                "(gen_random_uuid(), 'x', :ref, gen_random_uuid(), 2, now(), now())"
            ),
            {"ref": mine},
        )


def seal(rooms: Rooms) -> None:
    """Seal what is there, as the schedule does."""
    with rooms.units.open(actor="worker:audit.seal") as uow:
        service.seal_due(uow, rooms.deps[AuditDeps])


def rows(rooms: Rooms, query: str, **values: object) -> list[Any]:
    """Return what a query finds."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return list(uow.execute(text(query), values))


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return the lines of an anchors' file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


@contextmanager
def owner(rooms: Rooms) -> Iterator[UnitOfWork]:
    """Open a unit of the database's owner, with every trigger of the trail off; undo it at last."""
    engine = create_engine(rooms.settings.database.owner_url or "")
    units = Units(engine, engine, rooms.jobs, rooms.units.trail)
    try:
        with units.open(actor="intruder") as uow:
            for table in ("audit_entries", "audit_seals", "audit_retirements"):
                uow.execute(text(f"alter table {table} disable trigger all"))
            yield uow
            raise Undone  # noqa: TRY301 - undoing is the point
    except Undone:
        pass
    finally:
        engine.dispose()


def public_key(rooms: Rooms) -> str:
    """Return the public key of the house's seals as its owner publishes it."""
    key = rooms.deps[AuditDeps].key
    return key.publics[key.id].hex()


def verify_offline(
    uow: UnitOfWork, rooms: Rooms, folder: Path, *, anchors: Path | None = None, key: str = ""
) -> Mapping[str, Any]:
    """Export what a unit sees and run the program that knows nothing of the product on it."""
    export = write_export(uow, folder)
    return run_verifier(export, anchors or rooms.deps[AuditDeps].anchors, key or public_key(rooms))


def write_export(uow: UnitOfWork, folder: Path) -> Path:
    """Write what a unit sees of the trail to a file."""
    export = folder / "trail.jsonl"
    export.write_bytes(b"".join(canonical(line) + b"\n" for line in service.export_trail(uow)))
    return export


def run_verifier(export: Path, anchors: Path, *keys: str) -> Mapping[str, Any]:
    """Run the program as its own process, away from the product, and return what it says."""
    done = subprocess.run(  # noqa: S603 - our own program
        [
            *(sys.executable, "-I", str(VERIFIER)),
            *("--export", str(export), "--anchors", str(anchors)),
            *(part for key in keys for part in ("--key", key)),
        ],
        cwd=export.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == {True: 0, False: 1, None: 2}[found["sound"]]
    return found
