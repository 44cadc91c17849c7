"""Citizens with proofs, copies and closings for tests."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.clock import now
from app.core.errors import Unavailable
from app.factory import Rooms
from app.privacy import service
from app.privacy.events import ClosureDue
from app.privacy.service import PrivacyDeps
from app.sdk.provider import Citizen as Known
from app.sdk.provider import PersonalData
from tests.factories import Citizen, run_jobs


def prove_again(rooms: Rooms, citizen: Citizen) -> Citizen:
    """Let a citizen's session have been proven again just now."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(
            text("update sessions set stepped_up_at = :now where id = :id"),
            {"now": now(), "id": citizen.session_id},
        )
    return citizen


def read_all(rooms: Rooms, statement: str, **values: object) -> list[tuple[Any, ...]]:
    """Return what a statement selects."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return [tuple(row) for row in uow.execute(text(statement), values)]


def export(client: FlaskClient, rooms: Rooms, citizen: Citizen) -> dict[str, Any]:
    """Ask for a copy, let it be gathered, and return its content."""
    prove_again(rooms, citizen)
    asked = client.post("/v1/me/exports", headers=citizen.auth)
    assert asked.status_code == 202, asked.text
    run_jobs(rooms)
    content = client.get(f"/v1/me/exports/{asked.json['id']}/content", headers=citizen.auth)
    assert content.status_code == 200, content.text
    body: dict[str, Any] = content.json
    return body


def ask_closure(client: FlaskClient, rooms: Rooms, citizen: Citizen) -> str:
    """Ask for the closing of an account and return the closing's id."""
    prove_again(rooms, citizen)
    asked = client.post("/v1/me/closure", headers=citizen.auth)
    assert asked.status_code == 202, asked.text
    return str(asked.json["id"])


def close(rooms: Rooms, closure_id: str, deps: PrivacyDeps | None = None) -> None:
    """Run the job of a closing, whose days are taken to be over."""
    due = ClosureDue(closure_id=UUID(closure_id))
    with rooms.units.open(actor="test") as uow:
        service.close_account(uow, deps or rooms.deps[PrivacyDeps], due)


class Flaky(PersonalData):
    """A plug-in that fails so many times, and then keeps its promise; it counts its calls."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.exported = 0
        self.erased: list[str] = []

    def export(self, citizen: Known) -> Mapping[str, object]:
        self._fail()
        self.exported += 1
        return {"mine": citizen.reference}

    def erase(self, citizen: Known) -> None:
        self._fail()
        self.erased.append(citizen.reference)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable


def deps_with(rooms: Rooms, **plugins: PersonalData | None) -> PrivacyDeps:
    """Return the room's collaborators with other plug-ins."""
    deps: PrivacyDeps = rooms.deps[PrivacyDeps]
    return replace(deps, read_plugins=lambda: plugins)
