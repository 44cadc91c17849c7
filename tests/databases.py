"""Databases of their own, for tests that migrate or that must not share a queue."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from app.core import migrate
from app.factory import build
from config.settings import Settings
from tests.conftest import World

_ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL")
_templates: dict[str, str] = {}


@contextmanager
def empty_database(world: World) -> Iterator[dict[str, str]]:
    """Make a database of its own and yield the environment that leads to it."""
    with _database(world, "template1") as env:
        yield env


@contextmanager
def migrated_database(world: World) -> Iterator[dict[str, str]]:
    """Make a database as `migrate` leaves an empty one, and yield the environment that leads to it.

    It is a copy: the migrations run once in this process, for the first that asks.
    """
    with _database(world, _migrated_once(world)) as env:
        yield env


@contextmanager
def _database(world: World, template: str) -> Iterator[dict[str, str]]:
    name = f"rules_{secrets.token_hex(4)}"
    with _owner(world) as connection:
        _make(connection, name, template)
        try:
            yield _environment(world, name)
        finally:
            _drop(connection, name)


def _migrated_once(world: World) -> str:
    server = world.env["DATABASE_OWNER_URL"]
    if server not in _templates:
        name = f"migrated_{secrets.token_hex(4)}"
        with _owner(world) as connection:
            _make(connection, name, "template1")
        env = _environment(world, name)
        house = build(Settings.from_env(env))
        migrate.upgrade(env["DATABASE_OWNER_URL"], env["DATABASE_URL"], house.histories)
        house.close()
        _templates[server] = name
    return _templates[server]


def _environment(world: World, name: str) -> dict[str, str]:
    moved = {
        variable: make_url(world.env[variable])
        .set(database=name)
        .render_as_string(hide_password=False)
        for variable in _ADDRESSES
    }
    anchors = f"{world.env['AUDIT_ANCHORS_FILE']}-{name}"
    return {**world.env, **moved, "AUDIT_ANCHORS_FILE": anchors}


def _owner(world: World) -> psycopg.Connection:
    owner = make_url(world.env["DATABASE_OWNER_URL"])
    admin = owner.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(admin, autocommit=True)


def _make(connection: psycopg.Connection, name: str, template: str) -> None:
    _insist(connection, sql.SQL("create database {} template {}").format(*_names(name, template)))


def _drop(connection: psycopg.Connection, name: str) -> None:
    _insist(connection, sql.SQL("drop database {}").format(*_names(name)))


def _names(*names: str) -> Iterator[sql.Identifier]:
    return map(sql.Identifier, names)


def _insist(connection: psycopg.Connection, statement: sql.Composed) -> None:
    """Run it; PostgreSQL waits five seconds for those who have just left a database, and we on."""
    until = monotonic() + 60
    while True:
        try:
            connection.execute(statement)
        except psycopg.errors.ObjectInUse:
            if monotonic() > until:
                raise
        else:
            return
