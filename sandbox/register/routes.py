"""`/register`: compare a name with a number and more, face checks, list and make test people."""

import secrets
import sqlite3
from collections.abc import Mapping
from datetime import date

from flask import Blueprint, Response, jsonify, request
from marshmallow import Schema, ValidationError, fields, validate

from sandbox.behaviour import Mode, outside_party, set_behaviour, show_behaviour
from sandbox.register.organisations import add_organisation
from sandbox.register.people import NoNumbersLeft, add_person
from sandbox.register.resident_id import is_resident_id
from sandbox.store import current_store
from sandbox.wire import Day, Problem, read_body, today

ROOM = "register"
_MODES = (Mode.OK, Mode.DOWN, Mode.SLOW, Mode.GARBAGE)
_HOLDINGS = ("phone", "social-security-card", "bank-card", "housing-fund", "driving-licence")
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


class _Holding(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(_HOLDINGS))
    number = fields.String(required=True, validate=validate.Regexp(r"[0-9A-Za-z+-]{4,32}\Z"))


class _LinkedCheck(_Check, _Holding):
    pass


class _FaceOutcome(Schema):
    is_live = fields.Boolean(required=True)
    is_same_person = fields.Boolean(required=True)


class _Organisation(Schema):
    name = fields.String(required=True, validate=_NAME)
    representative = fields.String(required=True, validate=_is_valid_number)
    prefix = fields.String(load_default="91420300", validate=validate.Regexp(r"[0-9A-Z]{8}\Z"))


class _Representative(Schema):
    representative = fields.String(required=True, validate=_is_valid_number)


class _OrganisationCheck(Schema):
    uscc = fields.String(required=True, validate=validate.Regexp(r"[0-9A-Z]{18}\Z"))
    name = fields.String(required=True, validate=_NAME)
    representative = fields.Nested(_Check, required=True)


class _Guardian(Schema):
    guardian = fields.String(required=True, validate=_is_valid_number)
    child = fields.String(required=True, validate=_is_valid_number)


class _GuardianCheck(Schema):
    guardian = fields.Nested(_Check, required=True)
    child = fields.Nested(_Check, required=True)


@register.post("/checks")
@outside_party(*_MODES, room=ROOM)
def check_name() -> Response:
    """Compare a name with the holder of a number."""
    return jsonify({"result": _compare(read_body(_Check()))})


@register.post("/linked-checks")
@outside_party(*_MODES, room=ROOM)
def check_holding() -> Response:
    """Tell whether a phone, card, account or licence is a named person's own."""
    check = read_body(_LinkedCheck())
    holding = current_store().row(
        "SELECT resident_id FROM holdings WHERE kind = ? AND holding = ?",
        [check["kind"], check["number"]],
    )
    if holding is None:
        return jsonify({"result": "unknown"})
    is_theirs = holding["resident_id"] == check["resident_id"] and _compare(check) == "match"
    return jsonify({"result": "match" if is_theirs else "mismatch"})


@register.post("/face-checks")
@outside_party(*_MODES, room=ROOM)
def open_face_check() -> Response:
    """Begin a check that the person before a camera lives and is who the number says."""
    check = read_body(_Check())
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise Problem(422, "invalid", "Idempotency-Key: is missing")
    with current_store().change() as connection:
        connection.execute(
            "INSERT INTO face_checks (id, key, token, name, resident_id, status)"
            " VALUES (?, ?, ?, ?, ?, 'waiting') ON CONFLICT (key) DO NOTHING",
            [
                f"face_{secrets.token_hex(10)}",
                key,
                f"ft_{secrets.token_urlsafe(24)}",
                check["name"],
                check["resident_id"],
            ],
        )
        row = connection.execute("SELECT * FROM face_checks WHERE key = ?", [key]).fetchone()
    if (row["name"], row["resident_id"]) != (check["name"], check["resident_id"]):
        raise Problem(422, "idempotency-key-reused", "this key was used for somebody else")
    answer = jsonify({"id": row["id"], "token": row["token"]})
    answer.status_code = 201
    return answer


@register.get("/face-checks/<face_check>")
@outside_party(*_MODES, room=ROOM)
def read_face_check(face_check: str) -> Response:
    """Tell how a check of a face stands: waiting, passed or failed."""
    row = current_store().row("SELECT status FROM face_checks WHERE id = ?", [face_check])
    if row is None:
        raise Problem(404, "face-check-not-found", "there is no such check")
    return jsonify({"status": row["status"]})


@register.post("/faces/<token>")
def show_face(token: str) -> Response:
    """Stand before the camera with the token that the citizen's device was given."""
    shown = read_body(_FaceOutcome())
    check = current_store().row("SELECT * FROM face_checks WHERE token = ?", [token])
    if check is None or check["status"] != "waiting":
        raise Problem(404, "face-check-not-found", "no check waits for this token")
    is_good = shown["is_live"] and shown["is_same_person"] and _compare(dict(check)) == "match"
    status = "passed" if is_good else "failed"
    with current_store().change() as connection:
        connection.execute("UPDATE face_checks SET status = ? WHERE token = ?", [status, token])
    return jsonify({"status": status})


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


@register.post("/people/<resident_id>/holdings")
def add_holding(resident_id: str) -> Response:
    """Give a test person a phone, a card, an account or a licence."""
    holding = read_body(_Holding())
    if current_store().row("SELECT 1 FROM people WHERE resident_id = ?", [resident_id]) is None:
        raise Problem(404, "person-not-found", "nobody has this number")
    with current_store().change() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO holdings (kind, holding, resident_id) VALUES (?, ?, ?)",
            [holding["kind"], holding["number"], resident_id],
        )
    answer = jsonify(holding)
    answer.status_code = 201
    return answer


@register.post("/organisations/checks")
@outside_party(*_MODES, room=ROOM)
def check_organisation() -> Response:
    """Compare an organisation's name and representative with what is registered."""
    check = read_body(_OrganisationCheck())
    found = current_store().row("SELECT * FROM organisations WHERE uscc = ?", [check["uscc"]])
    if found is None:
        return jsonify({"result": "unknown"})
    known = _holder(found["representative"])
    same = found["name"] == check["name"] and _is(known, check["representative"])
    return jsonify({"result": "match" if same else "mismatch"})


@register.get("/organisations")
def list_organisations() -> Response:
    """List the organisations, oldest entry first."""
    rows = current_store().rows("SELECT * FROM organisations ORDER BY number")
    return jsonify({"items": [_show_organisation(row) for row in rows]})


@register.post("/organisations")
def make_organisation() -> Response:
    """Make an organisation with a fresh valid code."""
    body = read_body(_Organisation())
    _holder(body["representative"])
    with current_store().change() as connection:
        row = add_organisation(connection, **body)
    answer = jsonify(_show_organisation(row))
    answer.status_code = 201
    return answer


@register.put("/organisations/<uscc>/representative")
def change_representative(uscc: str) -> Response:
    """Give an organisation another representative."""
    body = read_body(_Representative())
    _holder(body["representative"])
    with current_store().change() as connection:
        row = connection.execute(
            "UPDATE organisations SET representative = ? WHERE uscc = ? RETURNING *",
            [body["representative"], uscc],
        ).fetchone()
    if row is None:
        raise Problem(404, "organisation-not-found", "no organisation has this code")
    return jsonify(_show_organisation(row))


@register.post("/guardians/checks")
@outside_party(*_MODES, room=ROOM)
def check_guardian() -> Response:
    """Say whether somebody is registered as a child's guardian."""
    check = read_body(_GuardianCheck())
    guardian, child = check["guardian"], check["child"]
    for person in (guardian, child):
        row = current_store().row(
            "SELECT * FROM people WHERE resident_id = ?", [person["resident_id"]]
        )
        if row is None:
            return jsonify({"result": "unknown"})
        if not _is(row, person):
            return jsonify({"result": "mismatch"})
    found = current_store().row(
        "SELECT * FROM guardians WHERE child = ? AND guardian = ?",
        [child["resident_id"], guardian["resident_id"]],
    )
    return jsonify({"result": "mismatch" if found is None else "match"})


@register.get("/guardians")
def list_guardians() -> Response:
    """List who is whose guardian."""
    rows = current_store().rows("SELECT * FROM guardians ORDER BY child, guardian")
    return jsonify({"items": [dict(row) for row in rows]})


@register.post("/guardians")
def make_guardian() -> Response:
    """Make somebody a child's guardian."""
    body = read_body(_Guardian())
    for number in body.values():
        _holder(number)
    with current_store().change() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO guardians (child, guardian) VALUES (?, ?)",
            [body["child"], body["guardian"]],
        )
    answer = jsonify({"child": body["child"], "guardian": body["guardian"]})
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


def _compare(claim: Mapping[str, str]) -> str:
    holder = current_store().row(
        "SELECT name FROM people WHERE resident_id = ?", [claim["resident_id"]]
    )
    if holder is None:
        return "unknown"
    return "match" if holder["name"] == claim["name"] else "mismatch"


def _show(row: sqlite3.Row) -> dict[str, str | None]:
    return {field: row[field] for field in ("name", "resident_id", "born", "note")}


def _holder(number: str) -> sqlite3.Row:
    """Return the person with a number; raise Problem 422 `person-not-found` for nobody."""
    found = current_store().row("SELECT * FROM people WHERE resident_id = ?", [number])
    if found is None:
        raise Problem(422, "person-not-found", "nobody has this number")
    return found


def _is(person: sqlite3.Row, claimed: dict[str, str]) -> bool:
    return all(person[field] == claimed[field] for field in ("name", "resident_id"))


def _show_organisation(row: sqlite3.Row) -> dict[str, str]:
    return {field: row[field] for field in ("uscc", "name", "representative")}
