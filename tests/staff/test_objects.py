"""Somebody else's things look like none, and no body takes what it has not declared."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import Rooms
from app.http.server import Server
from app.staff.values import Role
from tests.architecture.operations import Operation, operations_of
from tests.architecture.powers import (
    PUBLIC_THINGS,
    THROUGH,
    answer_members,
    body_schema,
    closed_objects,
    example_of,
    marks_of,
    promised,
)
from tests.conftest import World
from tests.contract import contract_of
from tests.payments.helpers import new_key
from tests.staff.callers import Makers
from tests.staff.owner import Owner, make_clerk, make_owner

# What a schema cannot say: which of its members belong together.
BODIES = {
    "POST /v1/auth/step-ups/{step_up_id}/completion": {
        "code": "123456",
        "password": "seven blue herons wade",
    },
    "PUT /v1/jobs/employers/{employer_id}/applications/{application_id}/answer": {
        "status": "processing",
    },
    "POST /v1/traffic/violations/{violation_id}/reliefs": {
        "kind": "instalments",
        "parts": 2,
        "statement": "家庭困难",
    },
}
ABSENT = "01890a5d-ac96-774b-bcce-b302099a8057"
PRIVILEGED = (
    "id",
    "status",
    "role",
    "roles",
    "permissions",
    "assurance",
    "amount",
    "is_admin",
    "citizen_id",
    "staff_id",
    "version",
    "created_at",
    "verified_at",
    "stepped_up_at",
)


@pytest.fixture(scope="module")
def callers(app: Server, world: World, rooms: Rooms) -> Makers:
    return Makers(app, world, rooms)


@pytest.fixture(scope="module")
def operations(app: Server) -> list[Operation]:
    return operations_of(app)


@pytest.fixture(scope="module")
def spec(app: Server) -> Mapping[str, Any]:
    return contract_of(app).spec


def places(operation: Operation) -> Iterator[tuple[str, str]]:
    """Yield each thing in an operation's address: the address up to it, and its name."""
    for match in re.finditer(r"{(\w+)}", operation.template):
        yield operation.template[: match.end()], match[1]


def private_things(app: Server, operation: Operation) -> bool:
    """Say whether an operation is about things that belong to one person."""
    access = marks_of(app, operation)
    belongs = access.permission in (None, "self") and access.integrator_scope is None
    names = {name for _, name in places(operation)} - PUBLIC_THINGS
    return belongs and not access.public and bool(names)


def address(operation: Operation, things: Mapping[str, str]) -> str:
    """Return the address of somebody's thing; nothing is at the places that are not given."""
    return re.sub(
        r"{(\w+)}",
        lambda m: things.get(operation.template[: m.end()], ABSENT),
        operation.template,
    )


def call(
    app: Server,
    operation: Operation,
    spec: Mapping[str, Any],
    path: str,
    headers: Mapping[str, str],
) -> TestResponse:
    """Call an operation with what fits its schema."""
    schema = body_schema(spec, operation)
    body = BODIES.get(str(operation), None if schema is None else example_of(spec, schema))
    sent = {**headers, "Idempotency-Key": new_key()} if needs_key(app, operation) else headers
    client = FlaskClient(app)
    raw = marks_of(app, operation).raw_type
    if raw:
        more = {"data": b"x", "content_type": raw[0]}
        return client.open(path, method=operation.method, headers=dict(sent), **more)
    return client.open(path, method=operation.method, json=body, headers=dict(sent))


def needs_key(app: Server, operation: Operation) -> bool:
    return marks_of(app, operation).idempotent


def told(answer: TestResponse) -> tuple[int, object]:
    """Return what an answer says, without what differs from call to call."""
    body = answer.json
    if isinstance(body, dict):
        body = {k: v for k, v in body.items() if k not in {"instance", "request_id"}}
    return answer.status_code, body


@pytest.fixture
def owners(app: Server, world: World, rooms: Rooms) -> tuple[Owner, Owner]:
    client = FlaskClient(app)
    return make_owner(client, world, rooms), make_clerk(client, rooms)


@pytest.mark.promise("P41")
def test_a_foreign_thing_looks_like_none(
    app: Server,
    rooms: Rooms,
    callers: Makers,
    operations: list[Operation],
    owners: tuple[Owner, Owner],
    spec: Mapping[str, Any],
    shows: Callable[[str], None],
) -> None:
    citizen, clerk = owners
    things = {**citizen.things, **clerk.things}
    private = [o for o in operations if private_things(app, o)]
    unknown = {p for o in private for p, name in places(o) if name not in PUBLIC_THINGS} - set(
        things
    )
    assert unknown == set(), "say in owner.py what the owner owns there"
    readable = [o for o in private if o.method == "GET"]
    before = {str(o): read(app, o, things, owners) for o in readable}
    assert {str(o): status for o, (status, _) in zip(readable, before.values(), strict=True)} == {
        str(o): 200 for o in readable
    }
    wrong = []
    for operation in private:
        name = "citizen, verified and stepped up"
        if marks_of(app, operation).permission is not None:
            name = f"staff, {Role.FINANCE}"
        stranger = callers.get(name).headers
        foreign = told(call(app, operation, spec, address(operation, things), stranger))
        absent = told(call(app, operation, spec, address(operation, {}), stranger))
        if foreign != absent or foreign[0] != 404:
            wrong.append(f"{operation}: foreign {foreign}, absent {absent}")
    assert wrong == []
    assert {str(o): read(app, o, things, owners) for o in readable} == before
    shows(
        f"{len(private)} operations on private things of {len(things)} kinds: "
        f"{len(private)} x foreign = absent = 404, nothing changed for the owner"
    )


def read(
    app: Server, operation: Operation, things: Mapping[str, str], owners: tuple[Owner, Owner]
) -> tuple[int, object]:
    citizen, clerk = owners
    is_staffs = marks_of(app, operation).permission is not None
    headers = dict((clerk if is_staffs else citizen).headers)
    status, body = told(FlaskClient(app).get(address(operation, things), headers=headers))
    if isinstance(body, dict):  # a copy that is fetched anew says so
        body = {name: value for name, value in body.items() if not name.endswith("_at")}
    return status, body


@pytest.mark.promise("P42")
def test_no_body_takes_a_member_that_is_not_declared(
    app: Server,
    rooms: Rooms,
    callers: Makers,
    operations: list[Operation],
    spec: Mapping[str, Any],
    shows: Callable[[str], None],
) -> None:
    wrong, tried, bodies = [], 0, 0
    for operation in operations:
        schema = body_schema(spec, operation)
        if schema is None:
            continue
        bodies += 1
        headers = who_may(app, callers, operation)
        names = {*answer_members(spec, operation), *PRIVILEGED}
        for place, _, declared in closed_objects(spec, schema, example_of(spec, schema)):
            wanted = sorted(names - declared)
            tried += len(wanted)
            # A body that tells one fault at a time is asked about each member by itself.
            wrong += [
                f"{operation} took {place}/{name}"
                for name in taken(app, spec, operation, headers, place, wanted)
                if taken(app, spec, operation, headers, place, [name])
            ]
    assert wrong == []
    assert bodies >= 20
    shows(f"{bodies} bodies, {tried} undeclared or privileged members injected: all refused (422)")


def taken(
    app: Server,
    spec: Mapping[str, Any],
    operation: Operation,
    headers: Mapping[str, str],
    place: str,
    names: list[str],
) -> list[str]:
    """Return which of these members of an object in its body an operation did not refuse."""
    body = example_of(spec, body_schema(spec, operation) or {})
    target = find(body, place)
    target.update({name: target.get(name, 1) for name in names})
    sent = {**headers}
    if needs_key(app, operation):
        sent["Idempotency-Key"] = new_key()
    path = address(operation, {})
    answer = FlaskClient(app).open(path, method=operation.method, json=body, headers=sent)
    if answer.status_code != 422:
        return names
    pointers = {fault.get("pointer") for fault in answer.json.get("errors", ())}
    return [name for name in names if f"{place}/{name}" not in pointers]


def who_may(app: Server, callers: Makers, operation: Operation) -> dict[str, str]:
    """Return the headers of somebody whom the door lets through."""
    access = marks_of(app, operation)
    for name in callers.makers:
        caller = callers.get(name)
        if promised(access, caller.who) == THROUGH and (access.public or caller.who is not None):
            return dict(caller.headers)
    if access.integrator_scope is not None:
        caller = callers.add_integrator(access.integrator_scope)
        assert promised(access, caller.who) == THROUGH
        return dict(caller.headers)
    raise AssertionError(f"nobody may call {operation}: give the matrix a caller who may")


def find(body: Any, place: str) -> Any:  # noqa: ANN401 - JSON
    """Return what is at a JSON pointer."""
    for part in place.split("/")[1:]:
        body = body[int(part) if isinstance(body, list) else part]
    return body
