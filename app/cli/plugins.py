"""`plugins check` and `plugins new`: what authors of plug-ins type."""

import click
from flask import Flask
from flask.cli import AppGroup

from app.host.check import NoSuchPlugin, check_plugins
from app.host.manifest import manifest_files
from app.host.rules import Ground
from app.host.scaffold import KINDS, OWNER, NameRefused, write_plugin
from config.settings import ROOT, Settings


def register(app: Flask, settings: Settings) -> None:
    """Add the commands."""
    group = AppGroup("plugins", help="Check plug-ins, begin a new one.")
    _add_check(group, settings)
    _add_new(group, settings)
    app.cli.add_command(group)


def _add_check(group: AppGroup, settings: Settings) -> None:
    @group.command("check")
    @click.argument("name", required=False)
    @click.option("--database", is_flag=True, help="Compare migrations with DATABASE_OWNER_URL.")
    def check(*, name: str | None, database: bool) -> None:
        """Ask the ten things of every plug-in, or of one."""
        owner_url = settings.database.owner_url if database else None
        try:
            faults = check_plugins(Ground.of(settings, owner_url=owner_url), name)
        except NoSuchPlugin as error:
            raise click.ClickException(f"there is no plug-in {error}") from error
        for fault in faults:
            click.echo(str(fault), err=True)
        if faults:
            raise click.ClickException(f"{len(faults)} rules are broken")
        count = 1 if name else len(manifest_files(settings.plugins_dir))
        click.echo(f"{count} plug-ins keep the ten rules")


def _add_new(group: AppGroup, settings: Settings) -> None:
    @group.command("new")
    @click.argument("name")
    @click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True)
    @click.option("--zh", default="", help="What citizens call it, in Chinese.")
    @click.option("--owner", default=OWNER, show_default=True, help="The department.")
    def new(*, name: str, kind: str, zh: str, owner: str) -> None:
        """Write a plug-in that works at once."""
        try:
            written = write_plugin(Ground.of(settings), name, kind, zh=zh, owner=owner)
        except NameRefused as error:
            raise click.ClickException(str(error)) from error
        for path in written:
            shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            click.echo(f"wrote {shown}")
