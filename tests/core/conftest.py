"""A small room of its own: a stateful record, its facts, and tables that no migration knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import DateTime, MetaData, Text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.core.db import NAMING, Stateful, read_engine, write_engine
from app.core.events import Event
from app.core.jobs import Jobs
from app.core.unit_of_work import Units
from config.settings import Settings
from tests.conftest import World

SCHEMA = "scratch_core"


class Base(DeclarativeBase):
    """Tables in a schema that the migrations do not look at."""

    metadata = MetaData(naming_convention=NAMING, schema=SCHEMA)
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True)}


class DoorState(StrEnum):
    """Where a door is."""

    OPEN = "open"
    CLOSED = "closed"
    LOCKED = "locked"


class Door(Stateful, Base):
    """A record with three states; what is locked stays locked."""

    __tablename__ = "doors"
    ENTITY = "test_door"
    FIRST = frozenset({DoorState.OPEN})
    MOVES: ClassVar = {
        DoorState.OPEN: frozenset({DoorState.CLOSED}),
        DoorState.CLOSED: frozenset({DoorState.OPEN, DoorState.LOCKED}),
    }

    label: Mapped[str]


class Line(Base):
    """A row of a long list."""

    __tablename__ = "lines"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner: Mapped[UUID]
    at: Mapped[datetime]
    rank: Mapped[int]
    word: Mapped[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorClosed(Event):
    """A door was closed."""

    name: ClassVar[str] = "test.door_closed"

    door_id: UUID


@pytest.fixture(scope="session")
def owner_url(world: World) -> str:
    """Return the owner's address, for psycopg."""
    url = make_url(world.env["DATABASE_OWNER_URL"]).set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def _tables(owner_url: str, settings: Settings) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"create schema if not exists {SCHEMA}")
    engine = write_engine(settings.database.owner_url or "")
    Base.metadata.create_all(engine)
    engine.dispose()
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(f"grant usage on schema {SCHEMA} to wudang_app")
        connection.execute(f"grant all on all tables in schema {SCHEMA} to wudang_app")


@pytest.fixture
def _legal(owner_url: str, _tables: None) -> None:
    """Lay the moves of a door, which `migrate` would lay for a model of the house."""
    edges = [("", first) for first in Door.FIRST]
    edges += [(before, after) for before, afters in Door.MOVES.items() for after in afters]
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for before, after in edges:
            connection.execute(
                "insert into legal_moves values (%s, %s, %s) on conflict do nothing",
                [Door.ENTITY, before, after],
            )


@pytest.fixture
def jobs(settings: Settings) -> Jobs:
    """Return a queue with no handlers yet."""
    conninfo = settings.database.url.replace("postgresql+psycopg://", "postgresql://", 1)
    return Jobs(conninfo, pace=1)


@pytest.fixture
def units(settings: Settings, jobs: Jobs, _legal: None) -> Iterator[Units]:
    """Return units of work whose facts go to `jobs`, as the application's role."""
    url = settings.database.url
    made = Units(write_engine(url), read_engine(url), jobs)
    yield made
    made.dispose()
