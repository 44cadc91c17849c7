"""Tables, engines and the legal moves of a record: PostgreSQL is the truth."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from sqlalchemy import DateTime, Engine, MetaData, Text, create_engine, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.core.errors import IllegalMove, NotFound
from app.core.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_TYPES = {
    datetime: DateTime(timezone=True),
    dict[str, Any]: JSONB,
    list[Any]: JSONB,
    str: Text,
}


def one_of(column: str, states: Iterable[StrEnum]) -> str:
    """Return the condition of a check or an index that a column holds one of these states."""
    names = ", ".join(f"'{state}'" for state in states)
    return f"{column} in ({names})"


APPEND_ONLY = {"append_only": True}
"""Table info: the application role may insert and read rows, never change or remove them."""

READ_ONLY = {"read_only": True}
"""Table info: the application role may only read; the rows are laid at migration."""


class Base(DeclarativeBase):
    """The tables of the house, in schema `public`."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = _TYPES


def schema_of(plugin: str) -> str:
    """Return the PostgreSQL schema that belongs to a plug-in."""
    return f"plugin_{plugin}"


def base_for(plugin: str) -> type[DeclarativeBase]:
    """Return the declarative base of a plug-in: a schema and metadata of its own.

    A foreign key out of the plug-in's room cannot even be written.
    """

    class PluginBase(DeclarativeBase):
        metadata = MetaData(naming_convention=NAMING, schema=schema_of(plugin))
        type_annotation_map = _TYPES

    return PluginBase


T = TypeVar("T", bound=Base)


def owned(uow: Session, kind: type[T], record_id: UUID, citizen_id: UUID) -> T:
    """Return a citizen's own record, or raise `NotFound`: somebody else's looks like none."""
    table = kind.__table__
    record = uow.scalar(
        select(kind).where(table.c.id == record_id, table.c.citizen_id == citizen_id)
    )
    if record is None:
        raise NotFound
    return record


class Stateful:
    """A record with a state machine; `UnitOfWork.move` is the only way to change its status.

    `version` counts the moves and is the sequence of the event log. `subject_id` names the record
    whose timeline shows the moves (an item's moves belong to its payment).
    """

    ENTITY: ClassVar[str]
    MOVES: ClassVar[Mapping[StrEnum, frozenset[StrEnum]]]
    FIRST: ClassVar[frozenset[StrEnum]]

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    status: Mapped[str]
    version: Mapped[int] = mapped_column(default=0)

    @property
    def subject_id(self) -> UUID:
        """Return the id of the record whose timeline shows this record's moves."""
        return self.id

    def check_move(self, to: StrEnum) -> None:
        """Raise `IllegalMove`, naming the legal ones, unless the machine has this edge."""
        legal = self.MOVES.get(type(to)(self.status), frozenset())
        if to not in legal:
            raise IllegalMove(
                f"A {self.ENTITY} that is {self.status} cannot become {to}.",
                legal=sorted(legal),
            )


def stateful_models(base: type[DeclarativeBase]) -> list[type[Stateful]]:
    """Return every model of a base that has a state machine, by name."""
    models = [m.class_ for m in base.registry.mappers if issubclass(m.class_, Stateful)]
    return sorted(models, key=lambda model: model.ENTITY)


def write_engine(url: str, *, pool_size: int = 5, statement_timeout_ms: int = 5_000) -> Engine:
    """Return the engine of transactions: READ COMMITTED, bounded waits, no pre-ping."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=5,
        pool_timeout=1,
        pool_pre_ping=False,
        connect_args={"options": _options(statement_timeout_ms), "connect_timeout": 2},
    )


def read_engine(url: str, *, pool_size: int = 5, statement_timeout_ms: int = 5_000) -> Engine:
    """Return the engine of reads: AUTOCOMMIT, and a write through it is refused by PostgreSQL."""
    options = f"{_options(statement_timeout_ms)} -c default_transaction_read_only=on"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=5,
        pool_timeout=1,
        pool_pre_ping=False,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        connect_args={"options": options, "connect_timeout": 2},
    )


def _options(statement_timeout_ms: int) -> str:
    return (
        f"-c statement_timeout={statement_timeout_ms} -c lock_timeout=2000 "
        "-c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
    )
