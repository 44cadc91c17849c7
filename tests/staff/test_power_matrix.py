"""Every operation against everybody: what its marks promise is what each caller gets.

Operations are found in the routes, so that one which is added tomorrow is covered.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.core.ids import new_id
from app.core.tokens import Principal
from app.factory import Rooms
from app.http.server import Server
from app.staff.values import Role
from tests.architecture.operations import Operation, operations_of
from tests.architecture.powers import THROUGH, marks_of, promised, seen
from tests.conftest import World
from tests.staff.callers import Makers

# Operations that refuse more than their marks do, each with the code of its own reason.
STRICTER = {
    "GET /oauth/userinfo": "insufficient-scope",  # for clients; the city's apps have /v1/me
    "POST /oauth/userinfo": "insufficient-scope",
    "POST /v1/me/face-checks": "assurance-too-low",  # a face is compared with a proven name
}


@pytest.fixture(scope="module")
def callers(app: Server, world: World, rooms: Rooms) -> Makers:
    return Makers(app, world, rooms)


@pytest.fixture(scope="module")
def operations(app: Server) -> list[Operation]:
    return operations_of(app)


@pytest.mark.promise("P41")
def test_every_caller_gets_what_the_marks_promise(
    app: Server, callers: Makers, operations: list[Operation], shows: Callable[[str], None]
) -> None:
    wrong = []
    outcomes: Counter[str] = Counter()
    for operation in operations:
        access = marks_of(app, operation)
        # What is public looks at no token: three callers show it.
        names = list(callers.makers) if not access.public else list(callers.makers)[:3]
        for name in names:
            got, wanted = meet(app, callers, operation, name)
            outcomes[wanted] += 1
            if got != wanted and not (wanted == THROUGH and STRICTER.get(str(operation)) == got):
                wrong.append(f"{operation} by {name}: {got} instead of {wanted}")
    assert wrong == [], "\n".join(wrong)
    assert {THROUGH, "unauthenticated", "forbidden"} < set(outcomes)
    cells = sum(outcomes.values())
    refused = cells - outcomes[THROUGH]
    shows(
        f"{len(operations)} operations of {len(operations)} x {len(callers.makers)} callers: "
        f"{cells} cells, {refused} refused as promised, 0 otherwise"
    )


def meet(app: Server, callers: Makers, operation: Operation, name: str) -> tuple[str, str]:
    """Return what a caller gets of an operation, and what is promised."""
    access = marks_of(app, operation)
    for _ in range(2):
        caller = callers.get(name)
        got = seen(operation.call(FlaskClient(app), dict(caller.headers)))
        if got != "token-invalid":
            break
        callers.forget(name)  # an operation before this one has ended the session
    return got, promised(access, caller.who)


def test_every_kind_of_caller_is_there(callers: Makers) -> None:
    found = [callers.get(name).who for name in callers.makers]
    assert None in found
    people = [who for who in found if who is not None]
    assert {who.kind for who in people} == {"citizen", "staff", "integrator", "guest"}
    assert any(who.mandate for who in people)
    assert any(who.kind == "citizen" and who.scopes is not None for who in people)
    assert any(who.is_stepped_up for who in people)
    assert {who.assurance for who in people if who.kind == "citizen"} >= {"basic", "verified"}


def test_every_permission_that_an_operation_asks_for_is_some_roles(
    app: Server, operations: list[Operation], callers: Makers
) -> None:
    asked = {marks_of(app, operation).permission for operation in operations} - {None}
    given: set[str] = set()
    for role in Role:
        who = callers.get(f"staff, {role}").who
        assert who is not None
        given |= who.permissions
    assert asked <= given


def test_the_matrix_notices_a_mark_that_is_not_kept(
    app: Server, callers: Makers, operations: list[Operation]
) -> None:
    """The tests above would also hold if what is promised were read off the answer."""
    ledger = next(o for o in operations if o.template == "/v1/ledger/trial-balance")
    caller = callers.get(f"staff, {Role.FINANCE}")
    assert caller.who is not None
    access = marks_of(app, ledger)
    assert promised(access, caller.who) == THROUGH
    weaker = Principal("staff", new_id(), new_id(), permissions=frozenset({"self"}))
    assert (
        promised(access, weaker)
        == "forbidden"
        != seen(ledger.call(FlaskClient(app), dict(caller.headers)))
    )
