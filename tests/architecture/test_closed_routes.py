"""Every operation is closed, but for those in `public_operations.txt`."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.factory import Rooms, create_app
from app.http.blueprint import Blueprint
from app.http.server import Server
from config.settings import Settings
from tests.architecture.operations import Operation, operations_of
from tests.conftest import World
from tests.contract import contract_of
from tests.factories import Citizen, bearer, log_in, staff_token

PUBLIC = Path(__file__).with_name("public_operations.txt")
CHALLENGE = 'Bearer realm="wudang"'
REFUSED = f'{CHALLENGE}, error="invalid_token"'


@pytest.fixture(scope="module")
def citizen(app: Server, world: World, rooms: Rooms) -> Citizen:
    return log_in(app.test_client(), world, rooms)


@pytest.fixture(scope="module")
def operations(app: Server) -> list[Operation]:
    return operations_of(app)


@pytest.fixture(scope="module")
def closed(operations: list[Operation]) -> list[Operation]:
    public = PUBLIC.read_text(encoding="utf-8").splitlines()
    return [operation for operation in operations if str(operation) not in public]


def documented_power(app: Server, operation: Operation) -> str | None:
    """Return the kind of token that the document asks for, or nothing where it asks for none."""
    paths = contract_of(app).spec["paths"]
    security = paths[operation.template][operation.method.lower()]["security"]
    return next(iter(security[0])) if security else None


def test_the_public_operations_are_the_committed_ones(
    client: FlaskClient, operations: list[Operation]
) -> None:
    """Found by asking, not by reading marks: what does not answer 401 is public."""
    answered = {str(o) for o in operations if o.call(client).status_code != 401}
    committed = PUBLIC.read_text(encoding="utf-8").splitlines()
    assert sorted(answered) == committed


def test_no_token_is_a_challenge(client: FlaskClient, closed: list[Operation]) -> None:
    assert len(closed) >= 20
    for operation in closed:
        answer = operation.call(client)
        assert (str(operation), answer.status_code) == (str(operation), 401)
        assert answer.json["code"] == "unauthenticated"
        assert answer.headers["WWW-Authenticate"] == CHALLENGE


@pytest.mark.parametrize("header", ["Bearer x", "Bearer a.b.c", "Bearer \xe9"])
def test_a_worthless_token_is_refused(
    client: FlaskClient, closed: list[Operation], header: str
) -> None:
    for operation in closed:
        answer = operation.call(client, {"Authorization": header})
        assert (str(operation), answer.status_code) == (str(operation), 401)
        assert answer.json["code"] == "token-invalid"
        assert answer.headers["WWW-Authenticate"] == REFUSED


@pytest.mark.parametrize("header", ["Basic dTpw", "Bearer", "Bearer ", "token x", ""])
def test_another_scheme_is_no_token(
    client: FlaskClient, closed: list[Operation], header: str
) -> None:
    for operation in closed:
        answer = operation.call(client, {"Authorization": header})
        assert (str(operation), answer.status_code) == (str(operation), 401)
        assert answer.json["code"] == "unauthenticated"


def test_the_document_says_the_same(app: Server, operations: list[Operation]) -> None:
    public = PUBLIC.read_text(encoding="utf-8").splitlines()
    documented = [o for o in operations if o.template in contract_of(app).spec["paths"]]
    assert {str(o) for o in documented if documented_power(app, o) is None} == {
        str(o) for o in documented if str(o) in public
    }
    # What is not in the document is for machines (health, figures, the document itself), or is a
    # page for people.
    assert {o.template for o in operations} - {o.template for o in documented} == {
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/docs/{name}",
        "/oauth/interaction/{interaction_id}",
        "/oauth/device",
        "/oauth/device/done",
        "/oauth/entry",
        "/oauth/logout/done",
        "/oauth/assets/{version}/{name}",
    }


def test_staff_operations_are_forbidden_to_citizens(
    app: Server, client: FlaskClient, closed: list[Operation], citizen: Citizen
) -> None:
    for_staff = [o for o in closed if documented_power(app, o) == "staff"]
    assert for_staff
    for operation in for_staff:
        answer = operation.call(client, citizen.auth)
        assert (str(operation), answer.status_code) == (str(operation), 403)
        assert answer.json["code"] == "forbidden"


def test_citizens_operations_are_forbidden_to_staff(
    app: Server, client: FlaskClient, rooms: Rooms, closed: list[Operation]
) -> None:
    token = staff_token(rooms, "finance")
    for operation in closed:
        if documented_power(app, operation) != "staff":
            answer = operation.call(client, bearer(token))
            assert (str(operation), answer.status_code) == (str(operation), 403)
            assert answer.json["code"] == "forbidden"


def test_a_citizen_reaches_what_is_a_citizens(
    app: Server, client: FlaskClient, closed: list[Operation], world: World, rooms: Rooms
) -> None:
    """The tests above would also hold for a door that nobody can open."""
    guest = log_in(app.test_client(), world, rooms)
    for operation in closed:
        if documented_power(app, operation) == "citizen":
            answer = operation.call(client, guest.auth)
            code = (answer.json or {}).get("code")
            assert answer.status_code != 401 or code == "step-up-required", operation
            assert code != "forbidden", operation


def test_a_planted_public_route_is_noticed(settings: Settings, rooms: Rooms) -> None:
    house = create_app(settings, rooms)

    @Blueprint.public
    def leak() -> str:
        return "everything"

    house.add_url_rule("/v1/leak", "leak", leak)
    house.add_url_rule("/v1/forgotten", "forgotten", lambda: "everything")
    client = house.test_client()
    answered = {str(o) for o in operations_of(house) if o.call(client).status_code != 401}
    committed = PUBLIC.read_text(encoding="utf-8").splitlines()
    assert answered - set(committed) == {"GET /v1/leak"}
