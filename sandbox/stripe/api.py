"""The `/v1` routes: from an HTTP request to a call, and from its answer back to HTTP."""

import json
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, request

from sandbox.stripe import auth, journal, params
from sandbox.stripe.config import API_VERSION
from sandbox.stripe.errors import ApiError, Body, invalid
from sandbox.stripe.idempotency import Answer
from sandbox.stripe.ids import new_id
from sandbox.stripe.journal import Arrival, Outcome
from sandbox.stripe.operations import OPERATIONS
from sandbox.stripe.params import Raw
from sandbox.stripe.pipeline import Incoming, Pipeline, Reply, read_form
from sandbox.stripe.world import Operation, World

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z_]+)?\Z")
_METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH")


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes need: the sandbox, the pipeline, and a way to wake the post office."""

    world: World
    pipeline: Pipeline
    wake: Callable[[], None]

    def enter(self, operation: Operation | None, target: str) -> Response:
        """Carry out the request at hand, with a line in the journal before and after."""
        started, request_id = time.perf_counter(), new_id("req", 14)
        seq = journal.arrive(self.world, _arrival(operation))
        reply = self._reply(operation, target, request_id)
        answer = reply.answer
        outcome = Outcome(
            status=answer.status if answer else None,
            object_id=_object_id(answer.body) if answer else None,
            replayed=bool(answer and answer.replayed),
            fault=reply.fault,
            milliseconds=(time.perf_counter() - started) * 1000,
        )
        journal.end(self.world, seq, outcome)
        if request.method != "GET":
            self.wake()
        return _hang_up() if answer is None else _respond(answer, request_id)

    def _reply(self, operation: Operation | None, target: str, request_id: str) -> Reply:
        try:
            raw = _raw_params()
            publishable = auth.is_publishable(self.world.config, request.authorization, raw)
            if request.authorization is None:
                raw.pop("key", None)
            _check_version()
            if operation is None:
                raise _unrecognised()
        except ApiError as error:
            return Reply(Answer(error.status, error.body, error.headers))
        incoming = Incoming(
            operation=operation,
            path=request.path,
            target=target,
            base_url=request.host_url.rstrip("/"),
            raw=raw,
            publishable=publishable,
            request_id=request_id,
            idempotency_key=request.headers.get("Idempotency-Key"),
        )
        return self.pipeline.carry_out(incoming)


def make_blueprint(door: Door) -> Blueprint:
    """Return a route for every operation, and one for everything else below `/v1`."""
    blueprint = Blueprint("api", __name__)
    for operation in OPERATIONS:
        blueprint.add_url_rule(
            operation.path,
            operation.name.replace(".", "-"),
            _view(door, operation),
            methods=[operation.method],
        )
    blueprint.add_url_rule("/v1/<path:target>", "unknown", _view(door, None), methods=_METHODS)
    return blueprint


def _view(door: Door, operation: Operation | None) -> Callable[..., Response]:
    def view(target: str = "") -> Response:
        return door.enter(operation, target)

    return view


def _raw_params() -> dict[str, Raw]:
    raw = params.decode(request.query_string.decode("latin-1"))
    if request.method == "POST":
        raw |= read_form(request.get_data(), request.mimetype)
    return raw


def _arrival(operation: Operation | None) -> Arrival:
    return Arrival(
        method=request.method,
        path=request.path,
        operation=operation.name if operation else None,
        idempotency_key=request.headers.get("Idempotency-Key"),
    )


def _check_version() -> None:
    version = request.headers.get("Stripe-Version", API_VERSION)
    if not _VERSION.match(version):
        raise invalid(f"Invalid Stripe API version: {version[:40]}")


def _unrecognised() -> ApiError:
    return ApiError(
        404,
        "invalid_request_error",
        f"Unrecognized request URL ({request.method}: {request.path}).",
    )


def _object_id(body: Body) -> str | None:
    named = body.get("id") or body.get("error", {}).get("payment_intent", {}).get("id")
    return str(named) if named else None


def _respond(answer: Answer, request_id: str) -> Response:
    text = json.dumps(answer.body, indent=2, ensure_ascii=False)
    response = Response(f"{text}\n", answer.status, mimetype="application/json")
    response.headers["Request-Id"] = request_id
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    key = request.headers.get("Idempotency-Key")
    if key and request.method == "POST":
        response.headers["Idempotency-Key"] = key
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers.update(answer.headers)
    return response


def _hang_up() -> Response:
    """Close the connection under the answer, so that the client never learns the outcome."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
