"""Migrations: one history for the house and one for each plug-in, run in order under a lock.

A plug-in's tables, history and version table lie in its own schema, so a removed or broken plug-in
never stops the others. The owner role runs them; the application role gets what each table allows.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase

from app.core.db import Base, stateful_models
from app.core.events import Event, LegalMove
from app.core.unit_of_work import UnitOfWork, Units

VERSION_TABLE = "schema_version"
SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 7_302_042


@dataclass(frozen=True, slots=True)
class History:
    """One line of migrations: whose, where its versions lie, its models, and its schema."""

    name: str
    folder: Path
    base: type[DeclarativeBase]
    schema: str = "public"

    @property
    def metadata(self) -> MetaData:
        """Return the tables."""
        return self.base.metadata


def house_history() -> History:
    """Return the history of the house's own tables."""
    return History("house", SCRIPTS / "versions", Base)


def upgrade(owner_url: str, app_url: str, histories: Sequence[History]) -> None:
    """Bring every history to its head, lay the legal moves, and grant the application its rights.

    Safe to run again and in parallel: a second run waits, and then changes nothing. A plug-in's
    history that fails does not stop the others; it is raised (`ExceptionGroup`) at the end.
    """
    failed: list[Exception] = []
    engine = create_engine(owner_url)
    role = make_url(app_url).username or ""
    try:
        with _alone(engine):
            for history in histories:
                try:
                    _bring_to_head(engine, history, role)
                # A plug-in's migration may raise anything; the other departments must go on.
                except Exception as error:
                    if history.schema == "public":
                        raise
                    error.add_note(f"migrating {history.name}")
                    failed.append(error)
            with _owner(engine) as uow:
                _lay_legal_moves(uow.connection(), histories)
                uow.execute(text("analyze"))
    finally:
        engine.dispose()
    if failed:
        raise ExceptionGroup("plug-ins that were not migrated", failed)


class _NoJobs:
    """Stands for the queue, which may not be there yet."""

    def defer(self, connection: object, events: Sequence[Event]) -> None:
        """Refuse: migrations publish nothing."""
        raise AssertionError(connection, events)


def _owner(engine: Engine) -> AbstractContextManager[UnitOfWork]:
    """Open a unit of work of the owner's role."""
    return Units(engine, engine, _NoJobs()).open(actor="migrate")


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Hold the lock of migrations on a connection of its own, with no transaction open."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})


def _bring_to_head(engine: Engine, history: History, role: str) -> None:
    _make_schema(engine, history)
    with engine.connect() as connection:  # alembic has a transaction for each migration
        command.upgrade(_config(connection, history), "heads")
    with _owner(engine) as uow:
        _grant(uow.connection(), history, role)


def _make_schema(engine: Engine, history: History) -> None:
    with _owner(engine) as uow:
        uow.execute(text(f'create schema if not exists "{history.schema}"'))


def check(owner_url: str, history: History) -> None:
    """Raise `alembic.util.CommandError` when a history's models and migrations disagree."""
    engine = create_engine(owner_url)
    try:
        with engine.connect() as connection:
            command.check(_config(connection, history))
    finally:
        engine.dispose()


def revise(owner_url: str, history: History, message: str, number: str) -> None:
    """Write the next migration of a history from the difference between models and database."""
    history.folder.mkdir(parents=True, exist_ok=True)
    engine = create_engine(owner_url)
    try:
        _make_schema(engine, history)
        with engine.connect() as connection:
            config = _config(connection, history)
            command.revision(config, message, autogenerate=True, rev_id=number)
    finally:
        engine.dispose()


def head(history: History) -> str | None:
    """Return the newest revision of a history on disk."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("version_locations", str(history.folder))
    config.set_main_option("path_separator", "newline")
    return ScriptDirectory.from_config(config).get_current_head()


def _config(connection: Connection, history: History) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("version_locations", str(history.folder))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(
        connection=connection, metadata=history.metadata, schema=history.schema
    )
    return config


def _grant(connection: Connection, history: History, role: str) -> None:
    """Give the application role each table's rights: all, append only, or read only."""
    run = connection.exec_driver_sql
    schema = history.schema
    run(f'grant usage on schema "{schema}" to "{role}"')
    run(f'grant usage on all sequences in schema "{schema}" to "{role}"')
    named = "select tablename from pg_tables where schemaname = %s"
    for (table,) in run(named, (schema,)).all():
        key = table if schema == "public" else f"{schema}.{table}"
        known = history.metadata.tables.get(key)
        rights = "select, insert, update, delete"
        if table == VERSION_TABLE or (known is not None and known.info.get("read_only")):
            rights = "select"
        elif known is not None and known.info.get("append_only"):
            rights = "select, insert"
        run(f'revoke all on "{schema}"."{table}" from "{role}"')
        run(f'grant {rights} on "{schema}"."{table}" to "{role}"')


def _lay_legal_moves(connection: Connection, histories: Sequence[History]) -> None:
    """Write the state machines of the code into the table that the event log is checked with.

    Those of a plug-in that is not there now are left as they are: nobody writes them.
    """
    edges = [
        {"entity": model.ENTITY, "from_state": before, "to_state": str(after)}
        for history in histories
        for model in stateful_models(history.base)
        for before, afters in [("", model.FIRST), *model.MOVES.items()]
        for after in afters
    ]
    laid = {edge["entity"] for edge in edges}
    connection.execute(delete(LegalMove).where(LegalMove.entity.in_(laid)))
    if edges:
        connection.execute(insert(LegalMove).on_conflict_do_nothing(), edges)
