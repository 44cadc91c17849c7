"""`audit`: the catalogue of events, an export for verifiers, and what is past its retention."""

from collections.abc import Sequence
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import create_engine

from app.audit import service
from app.audit.events import TrailExported
from app.audit.service import AuditDeps, CatalogueLine
from app.audit.values import canonical
from app.core.unit_of_work import Units
from app.factory import Rooms
from config.settings import ROOT, Settings

ACTOR = "command-line"
DOCUMENT = ROOT / "docs" / "audit-events.md"
_HEAD = """\
# Audit events

What the sealed trail is told. Each row has the time (UTC with offset), the actor and its kind, the
event, the citizen whom it concerns, the result (`done` or `refused`), the address, the id of the
request, and the fields below: ids, codes and counts, never anything personal. Citizens read the
events that concern them, under the title given here. This page is written from the code by
`flask --app wsgi audit events`.

| event | room | 中文 | English | fields | when |
|---|---|---|---|---|---|
"""


def register(app: Flask, settings: Settings, rooms: Rooms) -> None:
    """Add the group."""
    group = AppGroup("audit", help="The sealed trail of accesses and acts of security.")
    _add_events(group)
    _add_export(group, rooms)
    _add_verify(group, rooms)
    _add_retire(group, settings, rooms)
    app.cli.add_command(group)


def _add_events(group: AppGroup) -> None:
    @group.command("events")
    @click.option("--check", is_flag=True, help="Only say whether the page is up to date.")
    def events(*, check: bool) -> None:
        """Write docs/audit-events.md."""
        text = as_markdown(service.list_events())
        if not check:
            DOCUMENT.write_text(text, encoding="utf-8")
        elif not DOCUMENT.is_file() or DOCUMENT.read_text(encoding="utf-8") != text:
            raise click.ClickException("docs/audit-events.md is out of date: run `audit events`")


def _add_export(group: AppGroup, rooms: Rooms) -> None:
    @group.command("export")
    @click.option("--file", "path", type=click.Path(path_type=Path), required=True)
    def export(*, path: Path) -> None:
        """Write the whole trail to a file for tools/audit_verifier.py."""
        entries = 0
        with (
            rooms.units.open(actor=ACTOR, read_only=True) as uow,
            path.open("wb") as file,
        ):
            path.chmod(0o600)
            for line in service.export_trail(uow):
                file.write(canonical(line) + b"\n")
                entries += line["kind"] == "entry"
            uow.record(TrailExported(entries=entries))
        click.echo(f"wrote {entries} entries to {path}")


def _add_verify(group: AppGroup, rooms: Rooms) -> None:
    @group.command("verify")
    def verify() -> None:
        """Verify the whole trail with the keys of this installation."""
        first = 1
        while True:
            with rooms.units.open(actor=ACTOR, read_only=True) as uow:
                found = service.verify_trail(uow, rooms.deps[AuditDeps], first)
            if found.fault is not None:
                fault = found.fault
                raise click.ClickException(
                    f"{fault.code}: {fault.detail} (seal {fault.seal}, entry {fault.entry})"
                )
            if found.is_complete:
                click.echo(f"sound up to seal {found.last_seal}")
                return
            first = (found.last_seal or first) + 1


def _add_retire(group: AppGroup, settings: Settings, rooms: Rooms) -> None:
    @group.command("retire")
    def retire() -> None:
        """Remove entries older than AUDIT_RETENTION_DAYS (needs DATABASE_OWNER_URL)."""
        owner_url = settings.database.owner_url
        if owner_url is None:
            raise click.ClickException("DATABASE_OWNER_URL is missing")
        engine = create_engine(owner_url)
        units = Units(engine, engine, rooms.jobs, rooms.units.trail)
        try:
            with units.open(actor=ACTOR) as uow:
                removed = service.retire_entries(uow, rooms.deps[AuditDeps])
        finally:
            engine.dispose()
        click.echo(f"removed {removed} entries")


def as_markdown(lines: Sequence[CatalogueLine]) -> str:
    """Return the page: one line for each event."""
    rows = [
        f"| `{line.name}` | {line.room} | {line.title_zh} | {line.title_en} "
        f"| {', '.join(f'`{name}`' for name in line.fields) or '–'} | {line.meaning} |\n"
        for line in lines
    ]
    return _HEAD + "".join(rows)
