"""The duties of whoever declares operations of its own: their examples are called as the city does.

Answers are judged by the house's own reader (`RemoteOperator`): signed, of the declared form and
size, or refused with a declared code. Who declares no operation keeps them all.
"""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from app.core.errors import DomainError
from app.core.ids import new_id, new_secret
from app.core.tokens import LEVELS
from app.sdk.conformance.caller import Statement, said
from app.sdk.conformance.duty import Broken, Duty, named, need
from app.sdk.conformance.request_duties import refused
from app.sdk.conformance.trial import DeclaredOperation, Trial

_NONE = "it declares no operation"


def answered(trial: Trial) -> str:
    """Return how each example was answered: as its operation declares."""
    return _each(trial, lambda one: f"{_name(one)} {_outcome(_call(trial, one, new_secret(16)))}")


def repeated(trial: Trial) -> str:
    """Return what the same call with the same key got again: the same answer."""

    def repeat(one: DeclaredOperation) -> str:
        if one.operation.is_safe or not one.operation.idempotent:
            return f"{_name(one)} promises nothing of the kind"
        key = new_secret(16)
        first = _call(trial, one, key)
        if isinstance(first, str):
            return f"{_name(one)} {first}, nothing to repeat"
        again = _call(trial, one, key)
        need(again == first, f"{_name(one)}: first {first}, then {again}")
        return f"{_name(one)} alike"

    return _each(trial, repeat)


def context(trial: Trial) -> str:
    """Return how each example is refused that names no citizen."""

    def call(one: DeclaredOperation) -> str:
        called = one.operation.example_call(one.service, new_secret(16))
        prepared = trial.caller.prepare(
            one.operation.method, called.target, key=called.key, body=called.body
        )
        return f"{_name(one)} {refused(trial.caller.send(prepared))}"

    return _each(trial, call)


def undeclared(trial: Trial) -> str:
    """Return how a path is refused that no operation of the service has."""

    def call(one: DeclaredOperation) -> str:
        # Longer than the path that is declared, so that no `{name}` of it can be meant.
        tail = f"{one.operation.example.path}/no-such-{new_id()}"
        while any(other.operation.fits("GET", tail) for other in trial.operations):
            tail += "/no-such-thing"
        path = f"/operations/{one.service}{tail}"
        prepared = trial.caller.prepare("GET", path, statement=Statement.of(trial.citizen))
        reply = trial.caller.send(prepared)
        trial.caller.believe(prepared, reply)
        need(reply.status == HTTPStatus.NOT_FOUND, f"GET {path} is answered with {said(reply)}")
        return said(reply)

    return _each(trial, call)


def _each(trial: Trial, look: Callable[[DeclaredOperation], str]) -> str:
    return ", ".join(look(one) for one in trial.operations) or _NONE


def _call(trial: Trial, one: DeclaredOperation, key: str) -> object:
    """Return the answer to an example, or the code of a declared refusal; raise for all else."""
    operation = one.operation
    level = max(trial.citizen.assurance, operation.assurance, key=LEVELS.index)
    citizen = replace(trial.citizen, assurance=level)
    codes = {f"{trial.caller.provider}:{no.code}" for no in operation.refusals}
    try:
        return trial.operator.operate(operation, operation.example_call(one.service, key), citizen)
    except DomainError as error:
        if error.code not in codes:
            raise Broken(f"{_name(one)}: {named(error)}") from error
        return error.code


def _name(one: DeclaredOperation) -> str:
    return f"{one.operation.method} {one.operation.id}"


def _outcome(answer: object) -> str:
    return answer if isinstance(answer, str) else "200"


DUTIES: tuple[Duty[Trial], ...] = (
    Duty(
        "operations-answer",
        "The example of each operation is answered as declared",
        "answer 200 with an object of the `answer` form, or a problem document with a declared"
        " code and its status, signed; and let the example be a call that your test world knows",
        answered,
    ),
    Duty(
        "operations-repeated",
        "An idempotent operation answers the same key again alike",
        "keep the answer under the Idempotency-Key in the transaction that acts, or declare"
        " `idempotent: false`",
        repeated,
    ),
    Duty(
        "operations-context",
        "An operation needs the citizen's context",
        "answer 403 without Citizen-Context, before you act",
        context,
    ),
    Duty(
        "operations-undeclared",
        "A path that no operation has is not found",
        "answer 404, signed, for whatever else stands below /operations/",
        undeclared,
    ),
)
