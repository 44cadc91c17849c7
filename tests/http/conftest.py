"""A small application with one operation for each rule of the HTTP layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask.testing import FlaskClient
from flask.views import MethodView
from sqlalchemy import text
from sqlalchemy.engine import make_url

from app.core.errors import Conflict, Unavailable
from app.core.ids import new_id
from app.factory import Rooms, create_app
from app.http import fields
from app.http.blueprint import Blueprint
from app.http.context import unit
from app.http.fields import Schema
from app.http.pagination import PageArgs
from app.http.server import Server
from config.settings import Settings
from tests.conftest import World
from tests.contract import ContractClient
from tests.factories import Citizen, log_in


class EchoSchema(Schema):
    """One member of each kind."""

    text = fields.Text()
    lines = fields.Text(lines=True)
    code = fields.Text(pattern="[A-Z]{3}")
    number = fields.Integer()
    amount = fields.Amount()
    flag = fields.Flag()
    moment = fields.Moment()
    id = fields.UUID()
    texts = fields.List(fields.Text(), validate=fields.validate.Length(max=2000))
    inner = fields.Nested(lambda: EchoSchema(only=("text", "number")))


class SearchArgs(PageArgs):
    """One argument of each kind."""

    q = fields.Text(load_default=None)
    number = fields.QueryInteger(load_default=None)
    flag = fields.QueryFlag(load_default=None)


class FoundSchema(Schema):
    """What was understood."""

    q = fields.Text(allow_none=True)
    number = fields.Integer(allow_none=True)
    flag = fields.Flag(allow_none=True)
    limit = fields.Integer()


class TinyOrderSchema(Schema):
    """What an idempotent operation is to do, and where it is to fail."""

    label = fields.Text(required=True)
    fail = fields.Text(load_default="never")


class ThingSchema(Schema):
    """A thing that was made."""

    id = fields.UUID(required=True)
    label = fields.Text(required=True)


blueprint = Blueprint("tiny", __name__, description="One operation for each rule")
overtaking: list[Callable[[], object]] = []
"""What happens while a request that is to be overtaken has looked for its key and found none."""


@blueprint.route("/echoes")
class Echoes(MethodView):
    """What comes in goes out."""

    @blueprint.public
    @blueprint.arguments(EchoSchema)
    @blueprint.response(200, EchoSchema)
    def post(self, heard: dict[str, Any]) -> dict[str, Any]:
        """Say it again."""
        return heard

    @blueprint.public
    @blueprint.arguments(SearchArgs, location="query")
    @blueprint.response(200, FoundSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Say what was asked."""
        return {**wanted, "limit": wanted["page"].limit}


@blueprint.route("/bare")
class Bare(MethodView):
    """Operations that take nothing."""

    @blueprint.public
    @blueprint.response(204)
    def get(self) -> None:
        """Read nothing."""

    @blueprint.public
    @blueprint.response(204)
    def post(self) -> None:
        """Take nothing."""


@blueprint.route("/files")
class Files(MethodView):
    """Bytes."""

    @blueprint.public
    @blueprint.raw_body("text/csv", max_bytes=1000)
    @blueprint.response(200, FoundSchema)
    def post(self, raw: bytes) -> dict[str, Any]:
        """Count the bytes of a file."""
        return {"number": len(raw)}


@blueprint.route("/faults")
class Faults(MethodView):
    """Bugs."""

    @blueprint.public
    @blueprint.response(204)
    def get(self) -> None:
        """Break down."""
        raise RuntimeError("the password of the database is hunter2")

    @blueprint.public
    @blueprint.response(204)
    def post(self) -> None:
        """Break the rules of a transaction."""
        make_thing("written before a bug")
        raise RuntimeError("never mind")


@blueprint.route("/writes")
class Writes(MethodView):
    """A reader that writes."""

    @blueprint.public
    @blueprint.response(204)
    def get(self) -> None:
        """Write while reading."""
        make_thing("written by a reader")


@blueprint.route("/things")
class Things(MethodView):
    """What is made once."""

    @blueprint.idempotent
    @blueprint.arguments(TinyOrderSchema)
    @blueprint.response(201, ThingSchema)
    def post(self, order: dict[str, str]) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Make a thing in two phases."""
        uow = unit()
        label, fail = order["label"], order["fail"]
        if fail == "before":
            raise Conflict("Before the first phase.")
        if fail == "overtaken" and overtaking:
            overtaking.pop()()
            raise Conflict("Somebody was faster.")
        thing_id = uow.key.resource_id if uow.key else None
        if thing_id is None:
            with uow.phase():
                thing_id = make_thing(label)
                if uow.key is not None:
                    uow.key.made(uow, thing_id)
                if fail == "within":
                    raise Conflict("Within the first phase.")
        if fail == "between":
            raise Unavailable("Between the phases.", retry_after=7)
        if fail == "broken":
            raise RuntimeError("a bug after the first phase")
        uow.execute(
            text("update scratch.things set runs = runs + 1 where id = :id"), {"id": thing_id}
        )
        return {"id": thing_id, "label": label}, 201, {"Location": f"/things/{thing_id}"}

    @blueprint.repeatable
    @blueprint.arguments(TinyOrderSchema)
    @blueprint.response(200, ThingSchema)
    def put(self, order: dict[str, str]) -> dict[str, Any]:
        """Make a thing, with a key or without."""
        return {"id": make_thing(order["label"]), "label": order["label"]}


def make_thing(label: str) -> UUID:
    """Write one row in the unit of work of this request."""
    thing_id = new_id()
    unit().execute(
        text("insert into scratch.things (id, label) values (:id, :label)"),
        {"id": thing_id, "label": label},
    )
    return thing_id


@dataclass(frozen=True)
class Thing:
    """A row that an operation has written."""

    id: UUID
    runs: int


@pytest.fixture(scope="session")
def scratch(world: World) -> None:
    """Make a table that no room owns; its schema keeps it out of the migrations' sight."""
    owner = make_url(world.env["DATABASE_OWNER_URL"]).set(drivername="postgresql")
    address = owner.render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create schema if not exists scratch")
        connection.execute(
            "create table if not exists scratch.things"
            " (id uuid primary key, label text, runs int not null default 0)"
        )
        connection.execute("grant usage on schema scratch to wudang_app")
        connection.execute("grant all on scratch.things to wudang_app")


@pytest.fixture(scope="session")
def tiny(settings: Settings, rooms: Rooms, scratch: None) -> Server:
    """Return the house with the small blueprint in it; its clients check every answer."""
    made = create_app(settings, rooms)
    made.extensions["api"].register_blueprint(blueprint, url_prefix="/v1/tiny")
    made.test_client_class = ContractClient
    return made


@pytest.fixture
def door(tiny: Server) -> FlaskClient:
    """Return a client of the small application, without a token."""
    return tiny.test_client()


@pytest.fixture
def blunt(tiny: Server) -> FlaskClient:
    """Return a client that lets undocumented answers pass: for what must never happen."""
    return FlaskClient(tiny, tiny.response_class)


@pytest.fixture(scope="module")
def citizen(tiny: Server, world: World, rooms: Rooms) -> Citizen:
    """Return a citizen with a live session: no wider than a file, since its token ages."""
    return log_in(tiny.test_client(), world, rooms)


@pytest.fixture
def things(rooms: Rooms) -> Callable[[str], list[Thing]]:
    """Return a function that lists the things with a label."""

    def find(label: str) -> list[Thing]:
        with rooms.units.open(actor="test", read_only=True) as uow:
            rows = uow.execute(
                text("select id, runs from scratch.things where label = :label"), {"label": label}
            )
            return [Thing(row.id, row.runs) for row in rows]

    return find
