"""Integrators for tests: what they call in their own name, and the worker that tells them."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import now
from app.factory import Rooms
from app.http.server import Server
from app.webhooks import service
from tests.factories import bearer, run_jobs, staff_token
from tests.oauth.support import RelyingParty, plain

from .receiver import Receiver

ROOT = "/v1/webhooks"


@dataclass(frozen=True)
class Integrator:
    """A client in its own name."""

    party: RelyingParty

    @property
    def id(self) -> UUID:
        """Return the client's id."""
        return UUID(self.party.client_id)

    def call(self, method: str, path: str, body: object = None, **query: object) -> TestResponse:
        """Call an operation with a token that was just given."""
        fields = {"grant_type": "client_credentials", "scope": "webhooks.manage"}
        answer = self.party.post("/oauth/token", fields)
        assert answer.status_code == 200, answer.text
        return self.party.http.open(
            f"{ROOT}{path}",
            method=method,
            json=body,
            query_string={name: str(value) for name, value in query.items()},
            headers=bearer(answer.json["access_token"]),
        )

    def made(self, path: str, body: object = None, status: int = 201) -> dict[str, Any]:
        """Post, and return what was made."""
        answer = self.call("POST", path, body)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json
        return found

    def read(self, path: str, **query: object) -> dict[str, Any]:
        """Get, and return what there is."""
        answer = self.call("GET", path, **query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def endpoint(self, receiver: Receiver, **more: object) -> dict[str, Any]:
        """Make an endpoint at a server."""
        return self.made("/endpoints", {"url": receiver.url, **more})

    def test_event(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        """Have a test event queued."""
        return self.made(f"/endpoints/{endpoint['id']}/tests", status=202)

    def deliveries(self, **query: object) -> list[dict[str, Any]]:
        """Return the deliveries, newest first."""
        items: list[dict[str, Any]] = self.read("/deliveries", **query)["items"]
        return items

    def inspect(self, delivery: dict[str, Any]) -> dict[str, Any]:
        """Return a delivery with its attempts."""
        return self.read(f"/deliveries/{delivery['id']}")

    def events(self) -> list[dict[str, Any]]:
        """Return the whole feed, fetched part by part."""
        found: list[dict[str, Any]] = []
        part = self.read("/events", limit=2)
        while part["items"]:
            found += part["items"]
            part = self.read("/events", after=part["next_cursor"], limit=2)
        return found


def make_integrator(app: Server, rooms: Rooms, **more: Any) -> Integrator:  # noqa: ANN401 - NewClient's
    """Return a fresh client that may have endpoints, in a sector of its own."""
    more.setdefault("sector", marker())
    return Integrator(plain(app, rooms, scopes=["webhooks.manage"], **more))


def grant(app: Server, rooms: Rooms, who: Integrator, *services: str) -> None:
    """Let staff say of which services a client is told."""
    answer = app.test_client().put(
        f"{ROOT}/clients/{who.id}/services",
        json={"services": list(services)},
        headers=bearer(staff_token(rooms, "security-admin")),
    )
    assert answer.status_code == 200, answer.text
    assert answer.json == {"services": sorted(services)}


DUE = """
    select distinct e.id from webhook_endpoints e join webhook_deliveries d on d.endpoint_id = e.id
    where e.status = 'active' and e.free_at <= :at and d.state = 'pending' and d.next_at <= :at
"""


def tick(rooms: Rooms) -> None:
    """Run what is due now, as the worker does: again while its threads could not see to it all."""
    run_jobs(rooms)
    before: list[Any] = []
    while (due := rows_of(rooms, DUE, at=now())) != before:
        with rooms.units.open(actor="worker") as uow:
            service.question_due(uow)
        run_jobs(rooms)
        before = due


def until(moment: str) -> float:
    """Return the seconds until a moment of business time, and a bit."""
    return (datetime.fromisoformat(moment) - now()).total_seconds() + 0.1


def run_sql(rooms: Rooms, statement: str, **values: object) -> None:
    """Run a statement as the application's role."""
    with rooms.units.open(actor="test") as uow:
        uow.execute(text(statement), values)


def rows_of(rooms: Rooms, statement: str, **values: object) -> list[Any]:
    """Return rows."""
    with rooms.units.open(actor="test", read_only=True) as uow:
        return list(uow.execute(text(statement), values))


def marker() -> str:
    """Return a text that stands nowhere else."""
    return f"canary{secrets.token_hex(12)}"
