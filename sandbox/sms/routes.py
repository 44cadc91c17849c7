"""`/sms`: messages in, and what was sent to whom."""

import re
import secrets
import sqlite3

from flask import Blueprint, Response, jsonify, request
from marshmallow import Schema, fields, validate

from sandbox.behaviour import Mode, outside_party, set_behaviour, show_behaviour
from sandbox.store import current_store
from sandbox.wire import Problem, now, read_body, read_query, timestamp

ROOM = "sms"
_MODES = (Mode.OK, Mode.DOWN, Mode.SLOW, Mode.ANSWER_LOST)
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_LONGEST_KEY = 255

sms = Blueprint("sms", __name__, url_prefix="/sms")


class _Message(Schema):
    to = fields.String(required=True, validate=validate.Regexp(r"\+[0-9]{8,15}\Z"))
    text = fields.String(required=True, validate=validate.Length(min=1, max=1000))


class _Listing(Schema):
    to = fields.String(load_default=None)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))


_Answer = Schema.from_dict(
    {
        "from": fields.String(required=True, validate=validate.Regexp(r"\+[0-9]{8,15}\Z")),
        "text": fields.String(required=True, validate=validate.Length(min=1, max=1000)),
    }
)


class _Answers(Schema):
    after = fields.Integer(load_default=0, validate=validate.Range(0))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))


@sms.post("/messages")
@outside_party(*_MODES, room=ROOM)
def take_message() -> Response:
    """Take one message; the same idempotency key is the same message."""
    message = read_body(_Message())
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= _LONGEST_KEY:
        raise Problem(422, "invalid", "Idempotency-Key: 1 to 255 characters")
    with current_store().change() as connection:
        known = connection.execute("SELECT * FROM messages WHERE key = ?", [key]).fetchone()
        if known is None:
            identity = f"sms_{secrets.token_hex(10)}"
            connection.execute(
                "INSERT INTO messages (id, key, recipient, text, sent_at) VALUES (?, ?, ?, ?, ?)",
                [identity, key, message["to"], message["text"], timestamp(now())],
            )
        elif (known["recipient"], known["text"]) != (message["to"], message["text"]):
            raise Problem(422, "idempotency-key-reused", "this key belongs to another message")
        else:
            identity = known["id"]
    answer = jsonify({"id": identity})
    answer.status_code = 202
    return answer


@sms.get("/messages")
def list_messages() -> Response:
    """List messages, newest first."""
    query = read_query(_Listing())
    to = query["to"]
    # A plus in a query means a space; whoever forgot to escape it meant the plus.
    recipient = f"+{to[1:]}" if to and to.startswith(" ") else to
    rows = current_store().rows(
        "SELECT * FROM messages WHERE ? IS NULL OR recipient = ? ORDER BY number DESC LIMIT ?",
        [recipient, recipient, query["limit"]],
    )
    items = [
        {
            "id": row["id"],
            "to": row["recipient"],
            "text": row["text"],
            "code": code_in(row["text"]),
            "sent_at": row["sent_at"],
        }
        for row in rows
    ]
    return jsonify({"items": items})


@sms.post("/answers")
def send_answer() -> Response:
    """Send a text to the city's number, as somebody's phone does."""
    answer = read_body(_Answer())
    with current_store().change() as connection:
        row = connection.execute(
            "INSERT INTO answers (sender, text, sent_at) VALUES (?, ?, ?) RETURNING *",
            [answer["from"], answer["text"], timestamp(now())],
        ).fetchone()
    made = jsonify(_show_answer(row))
    made.status_code = 201
    return made


@sms.get("/answers")
@outside_party(Mode.DOWN, Mode.SLOW, room=ROOM)
def list_answers() -> Response:
    """List the texts to the city's number after a number, oldest first."""
    query = read_query(_Answers())
    rows = current_store().rows(
        "SELECT * FROM answers WHERE number > ? ORDER BY number LIMIT ?",
        [query["after"], query["limit"]],
    )
    return jsonify({"items": [_show_answer(row) for row in rows]})


def _show_answer(row: sqlite3.Row) -> dict[str, object]:
    return {
        "number": row["number"],
        "from": row["sender"],
        "text": row["text"],
        "sent_at": row["sent_at"],
    }


@sms.put("/behaviour")
def put_behaviour() -> Response:
    """Set how the gateway behaves."""
    return set_behaviour(ROOM, *_MODES)


@sms.get("/behaviour")
def get_behaviour() -> Response:
    """Tell how the gateway behaves."""
    return show_behaviour(ROOM)


def code_in(text: str) -> str | None:
    """Return the first group of exactly six digits, or None."""
    found = _CODE.search(text)
    return found[0] if found else None
