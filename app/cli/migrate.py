"""`migrate`: every line of migrations to its head, rights, legal moves, the catalogue."""

import click
from flask import Flask

from app.catalog.errors import CatalogueInvalid
from app.consent.service import AgreementsInvalid
from app.core import migrate as migrations
from app.factory import Rooms
from app.ledger.service import SplitRulesInvalid
from config.settings import Settings


def register(app: Flask, settings: Settings, rooms: Rooms) -> None:
    """Add the command."""

    @app.cli.command("migrate")
    def migrate() -> None:
        """Bring the database to this version of the code (needs DATABASE_OWNER_URL)."""
        owner_url = settings.database.owner_url
        if owner_url is None:
            raise click.ClickException("DATABASE_OWNER_URL is missing")
        migrations.upgrade(owner_url, settings.database.url, rooms.histories)
        for history in rooms.histories:
            click.echo(f"{history.name}: {migrations.head(history)}")
        _publish_agreements(rooms)
        _publish_split_rules(rooms)
        _enter_plugins(rooms)
        _load_catalogue(rooms)


def _enter_plugins(rooms: Rooms) -> None:
    for fault in rooms.enter_plugins():
        click.echo(f"not entered: {fault}", err=True)


def _load_catalogue(rooms: Rooms) -> None:
    try:
        report = rooms.load_catalogue()
    except CatalogueInvalid as error:
        raise click.ClickException(str(error)) from error
    for fault in report.faults:
        click.echo(f"left out: {fault}", err=True)
    click.echo(
        f"catalogue: version {report.version} "
        f"(added {report.added}, changed {report.changed}, withdrawn {report.withdrawn})"
    )


def _publish_agreements(rooms: Rooms) -> None:
    try:
        added = rooms.publish_agreements()
    except AgreementsInvalid as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"agreements: {added} new")


def _publish_split_rules(rooms: Rooms) -> None:
    try:
        added = rooms.publish_split_rules()
    except SplitRulesInvalid as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"split rules: {added} new")
