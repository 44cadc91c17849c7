"""Carries a citizen's call to the provider that declares it: checked, recorded, then sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.crypto import Keyring
from app.core.errors import AssuranceTooLow, Invalid
from app.core.ids import new_id
from app.core.tokens import LEVELS, Principal
from app.core.unit_of_work import UnitOfWork, Units
from app.http.json_input import parse_json
from app.operations.events import OperationCalled
from app.sdk.operations import Operation, OperationCall, OperationOutcomeUnknown
from app.sdk.registry import Directory, Registry


@dataclass(frozen=True, slots=True)
class OperationDeps:
    """What the room works with."""

    units: Units
    keyring: Keyring
    registry: Registry
    directory: Directory


@dataclass(frozen=True, slots=True)
class Asked:
    """What a citizen's app calls: nothing of it but this can reach the provider."""

    service: str
    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What the provider answered, and to which operation."""

    operation: str
    result: Mapping[str, Any]


def list_operations(deps: OperationDeps, service_id: str) -> Sequence[Operation]:
    """Return what a service declares; raise `ServiceNotFound` or `ServiceUnavailable`."""
    return deps.registry.service(service_id).operations


def call_operation(uow: UnitOfWork, deps: OperationDeps, who: Principal, asked: Asked) -> Done:
    """Have a provider carry out a declared operation, and return its answer.

    Whatever is wrong with the call is refused before anything is sent: `OperationNotFound`,
    `AssuranceTooLow`, `Invalid`. One that acts and is not idempotent is sent at most once for a
    key, also when this process dies: a repeat gets the first answer, or
    `OperationOutcomeUnknown`.
    """
    listing = deps.registry.snapshot()
    service, operation, operator = listing.operation(asked.service, asked.method, f"/{asked.path}")
    needed = max(service.assurance, operation.assurance, key=LEVELS.index)
    if not who.reaches(needed):
        raise AssuranceTooLow(needed)
    call = OperationCall(
        service=service.id,
        path=f"/{asked.path}",
        query=operation.read_query(asked.query),
        body=_read_body(operation, asked.body),
        key=asked.key and _key_for(deps, service.plugin, who, asked),
    )
    citizen = deps.directory.view(service.plugin, who.id)
    event = OperationCalled(
        subject=who.id, provider=service.plugin, service=service.id, operation=operation.id
    )
    _note(uow, deps, event)
    if not operation.idempotent:
        _begin_once(uow)
    return Done(operation.id, operator.operate(operation, call, citizen))


def _read_body(operation: Operation, raw: bytes) -> object | None:
    """Return the body that is sent on, or None for an operation that takes none."""
    if len(raw) > operation.most_sent:
        raise Invalid(f"The body is larger than the {operation.most_sent} bytes that are taken.")
    body = parse_json(raw) if raw else None
    operation.check_body(body)
    return body if operation.body is not None else None


def _key_for(deps: OperationDeps, provider: str, who: Principal, asked: Asked) -> str:
    """Return the key under which the provider knows this call: the same on each repeat.

    Keys are chosen by apps, and two citizens may choose the same: a provider must not answer the
    one what it has answered the other.
    """
    what = f"{who.id}|{asked.service}|{asked.method}|{asked.path}|{asked.key}"
    return deps.keyring.pairwise(f"operation:{provider}", what)


def _note(uow: UnitOfWork, deps: OperationDeps, event: OperationCalled) -> None:
    """Tell the trail before the provider is told anything, whatever becomes of the call."""
    with deps.units.open(actor=uow.actor, request_id=uow.request_id, address=uow.address) as other:
        other.record(event)


def _begin_once(uow: UnitOfWork) -> None:
    """Commit that this key's call is about to be sent, or raise when it may have been already."""
    is_repeat = uow.key is not None and uow.key.resource_id is not None
    with uow.phase():  # of a repeat, too: what it is told is then this key's answer for good
        if uow.key is not None:
            uow.key.made(uow, uow.key.resource_id or new_id())
    if is_repeat:
        raise OperationOutcomeUnknown
