"""Citizens and officers over HTTP."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.tokens import Tokens
from app.factory import Rooms
from app.staff import service as staff_service
from app.staff.values import Role
from tests.factories import bearer, staff_token
from tests.payments.helpers import new_key
from tests.plugins.permits.files import upload_all

PLACE = "/v1/permits"


@dataclass(frozen=True)
class Desk:
    """A member of staff of a department, with seats."""

    client: FlaskClient
    headers: dict[str, str]
    id: UUID
    department: str

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Read from the desk."""
        answer = self.client.get(f"{PLACE}/desk/{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    def send(self, method: str, path: str, **body: object) -> TestResponse:
        """Do something at the desk."""
        return self.client.open(
            f"{PLACE}/desk/{path}", method=method, json=body, headers=self.headers
        )

    def post(self, path: str, **body: object) -> Any:  # noqa: ANN401 - JSON
        """Do something at the desk that must succeed."""
        answer = self.send("POST", path, **body)
        assert answer.status_code == 200, answer.text
        return answer.json


def make_desk(client: FlaskClient, rooms: Rooms, department: str, *roles: str) -> Desk:
    """Return a fresh member of staff to whom seats were given."""
    with rooms.units.open(actor="test") as uow:
        staff = staff_service.create_staff(uow, "test", Role.DEPARTMENT_OPERATOR, department)
        token = staff_service.issue_sandbox_token(uow, rooms.deps[Tokens], staff)
        staff_id = staff.id
    manager = bearer(staff_token(rooms, "security-admin"))
    for role in roles:
        given = client.put(
            f"{PLACE}/desk/seats/{staff_id}/{role}",
            json={"department": department},
            headers=manager,
        )
        assert given.status_code == 200, given.text
    return Desk(client, bearer(token), staff_id, department)


def apply(
    client: FlaskClient, headers: dict[str, str], bundle: str, answers: dict[str, Any]
) -> dict[str, Any]:
    """Begin an application and submit it."""
    wish = {"bundle": bundle, "answers": answers}
    keyed = {**headers, "Idempotency-Key": new_key()}
    begun = client.post(f"{PLACE}/applications", json=wish, headers=keyed)
    assert begun.status_code == 201, begun.text
    place = begun.headers["Location"]
    assert place == f"{PLACE}/applications/{begun.json['id']}"
    upload_all(client, headers, place)
    keyed = {**headers, "Idempotency-Key": new_key()}
    submitted = client.post(f"{place}/submission", headers=keyed)
    assert submitted.status_code == 200, submitted.text
    made: dict[str, Any] = submitted.json
    return made


def shown(client: FlaskClient, headers: dict[str, str], application_id: str) -> dict[str, Any]:
    """Return an application as its citizen sees it."""
    answer = client.get(f"{PLACE}/applications/{application_id}", headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body
