"""The way of every call: key, fault, idempotency, parameters, one transaction, answer."""

import logging
import time
from dataclasses import dataclass

from sandbox.stripe import auth, idempotency, params
from sandbox.stripe.errors import ApiError, Body, server_error
from sandbox.stripe.expand import expand
from sandbox.stripe.faults import Fault, Faults
from sandbox.stripe.idempotency import Answer, InFlight, Ticket
from sandbox.stripe.params import Raw
from sandbox.stripe.world import Call, Operation, World

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A call as it stands before its parameters were looked at."""

    operation: Operation
    path: str
    target: str
    base_url: str
    raw: dict[str, Raw]
    publishable: bool
    request_id: str
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: an answer, or nothing when a fault closes the connection."""

    answer: Answer | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Carries out calls; safe from many threads."""

    world: World
    faults: Faults
    in_flight: InFlight

    def carry_out(self, incoming: Incoming) -> Reply:
        """Return the reply to a call; every refusal is an answer too."""
        operation = incoming.operation
        if incoming.publishable and operation.public is None:
            return Reply(_refusal(auth.needs_secret_key()))
        fault = self.faults.take(operation.name)
        if fault is None:
            return Reply(self._guarded(incoming, None))
        if fault.kind == "drop_before":
            return Reply(None, fault.kind)
        refusal = _early(fault)
        if refusal is not None:
            return Reply(_refusal(refusal), fault.kind)
        answer = self._guarded(incoming, fault)
        return Reply(None if fault.kind == "drop" else answer, fault.kind)

    def _guarded(self, incoming: Incoming, fault: Fault | None) -> Answer:
        operation = incoming.operation
        try:
            ticket = idempotency.ticket(
                incoming.idempotency_key, operation.method, incoming.path, incoming.raw
            )
            with self.in_flight.hold(ticket):
                answer = self._once(incoming, ticket, fault)
                if fault is not None and fault.kind == "timeout":
                    # The key stays in flight: for Stripe the call has not ended either.
                    time.sleep(fault.seconds)
        except ApiError as error:
            answer = _refusal(error)
        except Exception:  # noqa: BLE001 - a client must get an envelope whatever happens
            _log.exception("the sandbox failed in %s", operation.name)
            answer = _refusal(server_error(retry=False))
        if incoming.publishable:
            return Answer(answer.status, auth.redact(answer.body), answer.headers, answer.replayed)
        return answer

    def _once(self, incoming: Incoming, ticket: Ticket | None, fault: Fault | None) -> Answer:
        if ticket is not None:
            kept = idempotency.replay(self.world, ticket)
            if kept is not None:
                return kept
        call = self._read(incoming)
        with self.world.store.transaction():
            if fault is not None and fault.kind == "error_kept":
                answer = _refusal(server_error(retry=False))
            else:
                answer = self._execute(incoming.operation, call)
            if fault is not None and fault.kind == "error_after":
                answer = _refusal(server_error(retry=False))
            if ticket is not None:
                idempotency.keep(call, ticket, answer)
        return answer

    def _read(self, incoming: Incoming) -> Call:
        operation = incoming.operation
        schema = operation.schema
        if incoming.publishable and operation.public is not None:
            schema = operation.public
        return Call(
            world=self.world,
            params=schema.read(incoming.raw),
            target=incoming.target,
            base_url=incoming.base_url,
            request_id=incoming.request_id,
            idempotency_key=incoming.idempotency_key,
            publishable=incoming.publishable,
        )

    def _execute(self, operation: Operation, call: Call) -> Answer:
        kept: ApiError | None = None
        try:
            with self.world.store.savepoint():
                try:
                    body: Body = self._handle(operation, call)
                except ApiError as error:
                    if not error.keeps_effect:
                        raise
                    kept = error
        except ApiError as error:
            return _refusal(error)
        return _refusal(kept) if kept else Answer(200, body)

    def _handle(self, operation: Operation, call: Call) -> Body:
        if "client_secret" in call.params:
            auth.check_client_secret(call)
        return expand(call, operation.handler(call))


def _early(fault: Fault) -> ApiError | None:
    if fault.kind == "rate_limit":
        return ApiError(
            429,
            "invalid_request_error",
            "Too many calls in a short time.",
            code="rate_limit",
            headers={"Stripe-Rate-Limited-Reason": "global-rate"},
        )
    return server_error(retry=True) if fault.kind == "error_before" else None


def _refusal(error: ApiError) -> Answer:
    return Answer(error.status, error.body, error.headers)


def read_form(data: bytes, content_type: str | None) -> dict[str, Raw]:
    """Return the parameters of a body; Stripe takes nothing but forms here."""
    if not data:
        return {}
    if content_type != "application/x-www-form-urlencoded":
        raise ApiError(
            400, "invalid_request_error", "Send the parameters as a form, not as another type."
        )
    try:
        return params.decode(data.decode())
    except UnicodeDecodeError as error:
        raise ApiError(400, "invalid_request_error", "The body is not UTF-8.") from error
