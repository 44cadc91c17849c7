"""`/register`: compare a name with a number, list and make test people."""

import sqlite3
from datetime import date

from flask import Blueprint, Response, jsonify
from marshmallow import Schema, ValidationError, fields, validate

from sandbox.behaviour import Mode, outside_party, set_behaviour, show_behaviour
from sandbox.register.people import NoNumbersLeft, add_person
from sandbox.register.resident_id import is_resident_id
from sandbox.store import current_store
from sandbox.wire import Day, Problem, read_body, today

ROOM = "register"
_MODES = (Mode.OK, Mode.DOWN, Mode.SLOW)
_EARLIEST = date(1900, 1, 1)
_NAME = validate.And(validate.Length(min=1, max=60), validate.Regexp(r"\S(.*\S)?\Z"))

register = Blueprint("register", __name__, url_prefix="/register")


def _is_valid_number(text: str) -> None:
    if not is_resident_id(text):
        raise ValidationError("Not a valid resident identity number.")


class _Check(Schema):
    name = fields.String(required=True, validate=_NAME)
    resident_id = fields.String(required=True, validate=_is_valid_number)


class _Person(Schema):
    name = fields.String(required=True, validate=_NAME)
    born = Day(required=True)


@register.post("/checks")
@outside_party(*_MODES, room=ROOM)
def check_name() -> Response:
    """Compare a name with the holder of a number."""
    check = read_body(_Check())
    holder = current_store().row(
        "SELECT name FROM people WHERE resident_id = ?", [check["resident_id"]]
    )
    if holder is None:
        result = "unknown"
    else:
        result = "match" if holder["name"] == check["name"] else "mismatch"
    return jsonify({"result": result})


@register.get("/people")
def list_people() -> Response:
    """List the test people, oldest entry first."""
    rows = current_store().rows("SELECT * FROM people ORDER BY number")
    return jsonify({"items": [_show(row) for row in rows]})


@register.post("/people")
def make_person() -> Response:
    """Make a test person with a fresh valid number."""
    person = read_body(_Person())
    if not _EARLIEST <= person["born"] <= today():
        raise Problem(422, "invalid", "born: between 1900-01-01 and today")
    try:
        with current_store().change() as connection:
            row = add_person(connection, name=person["name"], born=person["born"])
    except NoNumbersLeft:
        raise Problem(409, "no-numbers-left", "too many people of this birthday") from None
    answer = jsonify(_show(row))
    answer.status_code = 201
    return answer


@register.put("/behaviour")
def put_behaviour() -> Response:
    """Set how the register behaves."""
    return set_behaviour(ROOM, *_MODES)


@register.get("/behaviour")
def get_behaviour() -> Response:
    """Tell how the register behaves."""
    return show_behaviour(ROOM)


def _show(row: sqlite3.Row) -> dict[str, str | None]:
    return {field: row[field] for field in ("name", "resident_id", "born", "note")}
