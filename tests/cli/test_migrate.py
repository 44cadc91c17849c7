"""Migrating by command."""

from dataclasses import replace

from app import cli
from app.factory import Rooms, create_app
from config.settings import Settings


def test_migrating_again_changes_nothing(settings: Settings, rooms: Rooms) -> None:
    application = create_app(settings, rooms)
    cli.register(application, settings, rooms)
    result = application.test_cli_runner().invoke(args=["migrate"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("house: ")


def test_migrating_needs_the_owner(settings: Settings, rooms: Rooms) -> None:
    without = replace(settings, database=replace(settings.database, owner_url=None))
    application = create_app(without, rooms)
    cli.register(application, without, rooms)
    result = application.test_cli_runner().invoke(args=["migrate"])
    assert (result.exit_code, result.output) == (1, "Error: DATABASE_OWNER_URL is missing\n")
