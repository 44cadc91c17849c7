"""Two people and a mandate between them, as their apps make them."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.tokens import Principal
from app.delegation.service import DelegationDeps
from app.factory import Rooms
from tests.conftest import World
from tests.factories import Citizen, bearer, city, later, log_in, make_person, verify
from tests.payments.helpers import Bill

WATER = {"service": "water-bill", "actions": ["view", "pay"], "cap_total": 10_000}


@dataclass(frozen=True)
class Person:
    """A verified citizen, and who the register says they are."""

    citizen: Citizen
    name: str
    resident_id: str

    @property
    def id(self) -> UUID:
        return UUID(self.citizen.id)

    @property
    def auth(self) -> dict[str, str]:
        return self.citizen.auth

    @property
    def principal(self) -> Principal:
        return Principal("citizen", self.id, UUID(self.citizen.session_id), assurance="verified")

    @property
    def claim(self) -> dict[str, str]:
        return {"name": self.name, "resident_id": self.resident_id}


def make_citizen(
    client: FlaskClient, world: World, rooms: Rooms, name: str = "李雷", born: str = "1960-05-01"
) -> Person:
    citizen = log_in(client, world, rooms)
    person = verify(client, world, citizen, make_person(world, name, born))
    return Person(citizen, person["name"], person["resident_id"])


def house(rooms: Rooms) -> DelegationDeps:
    deps: DelegationDeps = rooms.deps[DelegationDeps]
    return deps


def run(rooms: Rooms, statement: str, **values: object) -> list[Any]:
    """Run one statement as the application's role and return its rows."""
    with rooms.units.open(actor="test") as uow:
        found = uow.execute(text(statement), values)
        return list(found) if found.returns_rows else []


def step_up(rooms: Rooms, person: Person) -> None:
    """Let a session have proven itself again just now."""
    statement = "update sessions set stepped_up_at = :at where id = :id"
    run(rooms, statement, at=now(), id=UUID(person.citizen.session_id))


def ask(
    client: FlaskClient,
    who: Person,
    other: Person | str,
    *scopes: dict[str, Any],
    days: int = 31,
    named: str = "delegate",
    **more: Any,  # noqa: ANN401 - JSON
) -> TestResponse:
    """Ask for a mandate."""
    phone = other if isinstance(other, str) else other.citizen.phone
    body = {"named": named, "phone": phone, "scopes": list(scopes) or [WATER], "days": days}
    return client.post("/v1/delegation/mandates", json={**body, **more}, headers=who.auth)


def do(client: FlaskClient, who: Person, mandate_id: str, what: str) -> TestResponse:
    """Say something about a mandate: acceptance, consent, refusal or revocation."""
    return client.post(f"/v1/delegation/mandates/{mandate_id}/{what}", headers=who.auth)


def read(client: FlaskClient, who: Person, mandate_id: str) -> TestResponse:
    return client.get(f"/v1/delegation/mandates/{mandate_id}", headers=who.auth)


def give(
    client: FlaskClient,
    rooms: Rooms,
    principal: Person,
    delegate: Person,
    *scopes: dict[str, Any],
    days: int = 31,
    **more: Any,  # noqa: ANN401 - JSON
) -> dict[str, Any]:
    """Return a mandate in force between two people."""
    asked = ask(client, principal, delegate, *scopes, days=days, **more)
    assert asked.status_code == 201, asked.text
    mandate_id = asked.json["id"]
    accepted = do(client, delegate, mandate_id, "acceptance")
    assert accepted.status_code == 200, accepted.text
    step_up(rooms, principal)
    begun = do(client, principal, mandate_id, "consent")
    assert begun.status_code == 200, begun.text
    body: dict[str, Any] = begun.json
    assert body["status"] == "active"
    return body


def acting_token(client: FlaskClient, rooms: Rooms, delegate: Person, mandate_id: str) -> str:
    """Return a token with which a delegate acts."""
    step_up(rooms, delegate)
    answer = client.post(
        "/v1/delegation/acting-tokens", json={"mandate_id": mandate_id}, headers=delegate.auth
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json["access_token"])


def acting(client: FlaskClient, rooms: Rooms, delegate: Person, mandate_id: str) -> dict[str, str]:
    """Return the header with which a delegate acts."""
    return bearer(acting_token(client, rooms, delegate, mandate_id))


def inbox(client: FlaskClient, who: Person) -> list[str]:
    """Return the kinds of what somebody was told, newest first."""
    answer = client.get("/v1/me/inbox?limit=100", headers=who.auth)
    return [item["kind"] for item in answer.json["items"]]


def make_firm(
    world: World, representative: Person, name: str = "武当山茶业有限公司"
) -> dict[str, str]:
    """Put an organisation into the business register."""
    body = {"name": name, "representative": representative.resident_id}
    firm: dict[str, str] = city(world, "POST", "/register/organisations", body)
    return firm


def claim(client: FlaskClient, who: Person, firm: dict[str, str]) -> TestResponse:
    """Claim an organisation."""
    body = {"uscc": firm["uscc"], "name": firm["name"]}
    return client.post("/v1/delegation/organisations", json=body, headers=who.auth)


def make_child(
    world: World, guardian: Person | None, born: str = "2015-03-01", name: str = "李小雷"
) -> dict[str, str]:
    """Put a child into the register, and who its guardian is."""
    child = make_person(world, name, born)
    if guardian is not None:
        pair = {"guardian": guardian.resident_id, "child": child["resident_id"]}
        city(world, "POST", "/register/guardians", pair)
    return {"name": child["name"], "resident_id": child["resident_id"]}


def more_bills(
    client: FlaskClient, world: World, who: Person, like: Bill, count: int
) -> list[Bill]:
    """Make more bills of the same account and amount, and return them."""
    theirs = [f"B{secrets.token_hex(6)}" for _ in range(count)]
    for reference in theirs:
        body = {
            "account": like.account,
            "reference": reference,
            "amount": like.amount,
            "currency": "CNY",
            "period_from": "2026-09-01",
            "period_to": "2026-09-30",
            "due_date": (now() + timedelta(days=16)).date().isoformat(),
        }
        city(world, "POST", f"/billers/{like.biller}/bills", body)
    with later(11):  # our copy is good for ten seconds
        seen = client.get("/v1/utilities/bills?limit=100", headers=who.auth).json["items"]
    found = [next(b for b in seen if b["reference"].endswith(t)) for t in theirs]
    return [
        Bill(like.service, b["reference"], like.amount, like.biller, t, b["id"], like.account)
        for b, t in zip(found, theirs, strict=True)
    ]
