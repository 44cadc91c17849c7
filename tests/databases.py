"""Databases of their own, for tests that migrate or that must not share a queue."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.conftest import World


@contextmanager
def empty_database(world: World) -> Iterator[dict[str, str]]:
    """Make a database of its own and yield the environment that leads to it."""
    name = f"rules_{secrets.token_hex(4)}"
    owner = make_url(world.env["DATABASE_OWNER_URL"])
    admin = owner.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            moved = {
                variable: make_url(world.env[variable])
                .set(database=name)
                .render_as_string(hide_password=False)
                for variable in ("DATABASE_URL", "DATABASE_OWNER_URL")
            }
            anchors = f"{world.env['AUDIT_ANCHORS_FILE']}-{name}"
            yield {**world.env, **moved, "AUDIT_ANCHORS_FILE": anchors}
        finally:
            _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a database; PostgreSQL waits five seconds for those who have just left it, and we on."""
    until = monotonic() + 60
    while True:
        try:
            connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
        except psycopg.errors.ObjectInUse:
            if monotonic() > until:
                raise
        else:
            return
