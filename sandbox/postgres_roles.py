"""The two roles of the product and its database: who owns it, and who only uses it."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

DATABASE = "wudang"
OWNER = "wudang_owner"
APPLICATION = "wudang_app"


def make_roles_and_database(connection: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Make what is missing; every start does, so an interrupted first start is completed.

    The connection is the superuser's, to another database, committing each statement.
    """
    for role, rights in ((OWNER, "CREATEDB"), (APPLICATION, "NOCREATEDB")):
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        verb = "ALTER" if found.fetchone() else "CREATE"
        connection.execute(
            sql.SQL(
                "{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEROLE {rights} PASSWORD {secret}"
            ).format(
                verb=sql.SQL(verb),
                role=sql.Identifier(role),
                rights=sql.SQL(rights),
                secret=sql.Literal(passwords[role]),
            )
        )
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
    if not found.fetchone():
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(DATABASE), sql.Identifier(OWNER)
            )
        )
    # Everybody may connect and make temporary tables unless told otherwise.
    for statement in (
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {application}",
    ):
        connection.execute(
            sql.SQL(statement).format(
                database=sql.Identifier(DATABASE), application=sql.Identifier(APPLICATION)
            )
        )
