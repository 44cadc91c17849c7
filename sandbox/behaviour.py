"""How an outside party misbehaves when a test asks it to."""

import functools
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ParamSpec

from flask import Response, current_app, jsonify, request
from marshmallow import Schema, fields, validate

from sandbox.store import current_store
from sandbox.wire import Problem, read_body

_P = ParamSpec("_P")
_SECONDS = 30.0


class Mode(StrEnum):
    """What a party does with a call; the README's table says which calls each affects."""

    OK = "ok"
    DOWN = "down"
    SLOW = "slow"
    ANSWER_LOST = "answer_lost"
    REFUSE = "refuse"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A mode, for how many more affected calls (None: until changed), and how slow slow is."""

    mode: Mode
    times: int | None
    seconds: float


def behaviour_of(room: str) -> Behaviour:
    """Return what a room does now."""
    row = current_store().row("SELECT * FROM behaviours WHERE room = ?", [room])
    if row is None:
        return Behaviour(Mode.OK, None, _SECONDS)
    return Behaviour(Mode(row["mode"]), row["times"], row["seconds"])


def set_behaviour(room: str, *allowed: Mode) -> Response:
    """Take a PUT of a behaviour with one of the allowed modes and answer what now holds."""
    schema = Schema.from_dict(
        {
            "mode": fields.Enum(
                Mode, by_value=True, required=True, validate=validate.OneOf(allowed)
            ),
            "times": fields.Integer(
                strict=True, allow_none=True, load_default=None, validate=validate.Range(1, 1000)
            ),
            "seconds": fields.Float(load_default=_SECONDS, validate=validate.Range(0.1, 120)),
        }
    )
    body = read_body(schema())
    with current_store().change() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO behaviours (room, mode, times, seconds) VALUES (?, ?, ?, ?)",
            [room, str(body["mode"]), body["times"], body["seconds"]],
        )
    return show_behaviour(room)


def show_behaviour(room: str) -> Response:
    """Answer what a room does now."""
    behaviour = behaviour_of(room)
    return jsonify({"mode": behaviour.mode, "times": behaviour.times, "seconds": behaviour.seconds})


def outside_party(
    *modes: Mode, room: str = "billers/{biller}"
) -> Callable[[Callable[_P, Response]], Callable[_P, Response]]:
    """Make a view follow these modes of its room, whose name may hold path parameters.

    `refuse` is left to the view itself, which asks `is_refusing`.
    """

    def decorate(view: Callable[_P, Response]) -> Callable[_P, Response]:
        @functools.wraps(view)
        def behaving(*args: _P.args, **kwargs: _P.kwargs) -> Response:
            behaviour = _spend(room.format(**kwargs), modes)
            if behaviour.mode is Mode.DOWN:
                return Problem(503, "down", "this system is down").answer()
            if behaviour.mode is Mode.GARBAGE:
                return Response("<html><body>\ufffd\ufffd OK?", content_type="text/html")
            request.environ["sandbox.refusing"] = behaviour.mode is Mode.REFUSE
            answer = _answer(view, *args, **kwargs)
            if behaviour.mode is Mode.SLOW:
                _wait(behaviour.seconds)
            if behaviour.mode is Mode.ANSWER_LOST:
                _hang_up()
            return answer

        return behaving

    return decorate


def is_refusing() -> bool:
    """Tell whether this call is to be refused for good."""
    return bool(request.environ.get("sandbox.refusing"))


def _spend(room: str, modes: tuple[Mode, ...]) -> Behaviour:
    """Return the behaviour for this call, counting it when it is affected."""
    with current_store().change() as connection:
        behaviour = behaviour_of(room)
        if behaviour.mode not in modes:
            return Behaviour(Mode.OK, None, behaviour.seconds)
        if behaviour.times is not None:
            left = behaviour.times - 1
            mode = behaviour.mode if left else Mode.OK
            connection.execute(
                "UPDATE behaviours SET mode = ?, times = ? WHERE room = ?",
                [str(mode), left or None, room],
            )
        return behaviour


def _answer(view: Callable[_P, Response], *args: _P.args, **kwargs: _P.kwargs) -> Response:
    """Return the answer of the view; a refusal is one too and comes late, or is lost."""
    try:
        return view(*args, **kwargs)
    except Problem as refused:
        return refused.answer()


def _wait(seconds: float) -> None:
    closing = current_app.extensions["closing"]
    assert isinstance(closing, threading.Event)
    closing.wait(seconds)


def _hang_up() -> None:
    connection = request.environ["werkzeug.socket"]
    assert isinstance(connection, socket.socket)
    connection.shutdown(socket.SHUT_RDWR)
