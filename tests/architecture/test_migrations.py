"""Every line of migrations makes what the models say, once, and without the others."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from app.core import migrate
from app.factory import Rooms, build
from config.settings import ROOT, Settings
from tests.conftest import World
from tests.databases import empty_database


@contextmanager
def house_of(env: dict[str, str]) -> Iterator[Rooms]:
    """Return the rooms of an environment and close them afterwards."""
    rooms = build(Settings.from_env(env))
    try:
        yield rooms
    finally:
        rooms.close()


def upgrade(rooms: Rooms) -> None:
    database = rooms.settings.database
    migrate.upgrade(database.owner_url or "", database.url, rooms.histories)


SHAPE = (
    """
    select table_schema, table_name, column_name, data_type, is_nullable, column_default
    from information_schema.columns where table_schema ~ '^(public|plugin_)' order by 1, 2, 3
    """,
    """
    select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace::regnamespace::text ~ '^(public|plugin_)' order by 1, 2, 3
    """,
    "select indexdef from pg_indexes where schemaname ~ '^(public|plugin_)' order by 1",
    """
    select tgrelid::regclass::text, tgname from pg_trigger where not tgisinternal order by 1, 2
    """,
    """
    select table_schema, table_name, privilege_type from information_schema.table_privileges
    where grantee = 'wudang_app' order by 1, 2, 3
    """,
    "select entity, from_state, to_state from legal_moves order by 1, 2, 3",
)


def shape(rooms: Rooms) -> list[Any]:
    """Return every column, constraint, index, trigger, right and legal move."""
    engine = create_engine(rooms.settings.database.owner_url or "")
    try:
        with engine.connect() as connection:
            return [tuple(row) for query in SHAPE for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def versions(rooms: Rooms) -> dict[str, str]:
    """Return the revision that each migrated schema of the database stands at."""
    find = text("select table_schema from information_schema.tables where table_name = :name")
    engine = create_engine(rooms.settings.database.owner_url or "")
    try:
        with engine.connect() as connection:
            schemas = connection.scalars(find, {"name": migrate.VERSION_TABLE}).all()
            return {
                schema: connection.execute(
                    text(f'select version_num from "{schema}".{migrate.VERSION_TABLE}')  # noqa: S608
                ).scalar_one()
                for schema in schemas
            }
    finally:
        engine.dispose()


def test_models_and_migrations_agree_on_an_empty_database(world: World) -> None:
    with empty_database(world) as env, house_of(env) as rooms:
        upgrade(rooms)
        owner = rooms.settings.database.owner_url or ""
        for history in rooms.histories:
            migrate.check(owner, history)
        assert {h.name for h in rooms.histories} >= {"house", "utilities"}
        assert rooms.is_database_ready()


def test_migrating_twice_changes_nothing(world: World) -> None:
    with empty_database(world) as env, house_of(env) as rooms:
        upgrade(rooms)
        before, stand = shape(rooms), versions(rooms)
        assert len(before) > 500
        upgrade(rooms)
        assert shape(rooms) == before
        assert (
            versions(rooms)
            == stand
            == {history.schema: migrate.head(history) for history in rooms.histories}
        )


def test_a_removed_plugin_stops_nobody(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    shutil.copytree(ROOT / "plugins", folder)
    with empty_database(world) as env:
        with house_of(env) as rooms:
            upgrade(rooms)
            stand = versions(rooms)
            assert "plugin_utilities" in stand
        shutil.rmtree(folder / "utilities")
        with house_of({**env, "PLUGINS_DIR": str(folder)}) as rooms:
            assert "utilities" not in {history.name for history in rooms.histories}
            upgrade(rooms)
            assert rooms.is_database_ready()
            # Its tables wait for it: nothing of a citizen is dropped because a folder is missing.
            assert versions(rooms) == stand


def test_every_revision_stands_on_the_one_before() -> None:
    for folder in (
        ROOT / "app" / "migrations" / "versions",
        *(ROOT / "plugins").glob("*/migrations/versions"),
    ):
        numbers = sorted(path.name.partition("_")[0] for path in folder.glob("*.py"))
        assert numbers == [f"{n:04d}" for n in range(1, len(numbers) + 1)], folder


@pytest.mark.parametrize("statement", ["create table x (y int)", "drop table event_log"])
def test_the_application_role_cannot_change_the_schema(rooms: Rooms, statement: str) -> None:
    with (
        pytest.raises(Exception, match=r"permission denied|must be owner"),
        rooms.units.open(actor="test") as uow,
    ):
        uow.execute(text(statement))
