"""Migrating by command."""

from dataclasses import fields, replace

from app import cli
from app.catalog.errors import CatalogueInvalid
from app.catalog.values import LoadReport
from app.factory import Rooms, create_app
from config.settings import Settings


def test_migrating_again_changes_nothing(settings: Settings, rooms: Rooms) -> None:
    application = create_app(settings, rooms)
    cli.register(application, settings, rooms)
    runner = application.test_cli_runner()
    assert runner.invoke(args=["migrate"]).exit_code == 0  # other files have changed the catalogue
    result = runner.invoke(args=["migrate"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("house: ")
    assert result.output.endswith("(added 0, changed 0, withdrawn 0)\n")


class FaultyRooms(Rooms):
    """A house whose files of the catalogue have two faults."""

    def load_catalogue(self) -> LoadReport:
        raise CatalogueInvalid(["config/a.toml: mend it", "config/b.toml: mend it"])


def test_every_fault_of_the_catalogue_is_told(settings: Settings, rooms: Rooms) -> None:
    faulty = FaultyRooms(**{f.name: getattr(rooms, f.name) for f in fields(rooms)})
    application = create_app(settings, faulty)
    cli.register(application, settings, faulty)
    result = application.test_cli_runner().invoke(args=["migrate"])
    assert result.exit_code == 1
    assert result.output.endswith("Error: config/a.toml: mend it\nconfig/b.toml: mend it\n")


def test_migrating_needs_the_owner(settings: Settings, rooms: Rooms) -> None:
    without = replace(settings, database=replace(settings.database, owner_url=None))
    application = create_app(without, rooms)
    cli.register(application, without, rooms)
    result = application.test_cli_runner().invoke(args=["migrate"])
    assert (result.exit_code, result.output) == (1, "Error: DATABASE_OWNER_URL is missing\n")
