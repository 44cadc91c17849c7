"""`migrate`: every line of migrations to its head, the application's rights, the legal moves."""

import click
from flask import Flask

from app.core import migrate as migrations
from app.factory import Rooms
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
