"""Drivers, their vehicles and violations at the sandbox's police, and officers who decide."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import import_module
from time import monotonic, sleep
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.clock import city_date, now
from app.core.deadline import serving
from app.core.tokens import Tokens
from app.factory import Rooms
from app.sdk import Citizen, House, HttpClient
from app.staff import service as staff_service
from app.staff.values import Role
from plugins.traffic.provider import TrafficProvider
from tests.conftest import World
from tests.factories import PATIENCE, bearer, city, log_in, run_jobs, today_for
from tests.factories import Citizen as Member
from tests.payments.helpers import Bill

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
RECORDER = "420300117"
"""The badge that the sandbox's police record violations under."""


@dataclass(frozen=True)
class Case:
    """A violation as the police have it."""

    world: World
    notice_no: str
    plate: str

    def decide(self, *, fine: int = 20_000, served_days_ago: int = 0, **more: Any) -> str:  # noqa: ANN401
        """Decide at the police's own desk; return the decision's number."""
        body = {
            "notice_no": self.notice_no,
            "fine": fine,
            "decided_at": now().isoformat(),
            "served_on": (city_today() - timedelta(days=served_days_ago)).isoformat(),
            **more,
        }
        made = city(self.world, "POST", "/police/decisions", body)
        return str(made["decision"]["decision_no"])


@dataclass(frozen=True)
class Car:
    """A vehicle that the police know."""

    world: World
    plate: str
    engine: str

    @property
    def facts(self) -> dict[str, str]:
        return {"plate": self.plate, "engine_tail": self.engine[-6:]}

    def offend(self, code: str = "1625", days_ago: float = 1) -> Case:
        """Have a violation recorded."""
        at = now() - timedelta(days=days_ago)
        body = {
            "plate": self.plate,
            "offence_code": code,
            "at": at.isoformat(),
            "officer": RECORDER,
        }
        made = city(self.world, "POST", "/police/violations", body)
        return Case(self.world, made["notice_no"], self.plate)


def city_today() -> date:
    return date.fromisoformat(city_date())


def make_car(world: World) -> Car:
    """Register a vehicle that nobody has."""
    plate = "鄂C" + "".join(secrets.choice(_LETTERS) for _ in range(5))
    engine = "".join(secrets.choice("0123456789") for _ in range(10))
    city(world, "POST", "/police/vehicles", {"plate": plate, "engine": engine})
    return Car(world, plate, engine)


def told(world: World, what: str, subject: str) -> list[dict[str, Any]]:
    """Return what the police were told about a decision or a violation.

    `postings`, `changes`, `told-decisions`.
    """
    items: list[dict[str, Any]] = city(world, "GET", f"/police/{what}?subject={subject}")["items"]
    return items


def behave(world: World, mode: str, **more: object) -> None:
    city(world, "PUT", "/police/behaviour", {"mode": mode, **more})


@pytest.fixture(autouse=True)
def _one_day() -> None:
    """Begin no test so late in the city's day that it would end on the next one."""
    today_for(60)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a crowded machine's police be slow: no list lacks their news for it, no call is 503.

    Seconds that they took are no sign of illness either, which would shut the gate for all.
    """
    monkeypatch.setattr("app.http.server.serving", lambda _: serving(PATIENCE))
    monkeypatch.setattr("app.host.gate.SLOW_SECONDS", PATIENCE)
    # Its package has a function of the same name.
    refresh = import_module("plugins.traffic.service.refresh")
    monkeypatch.setattr(refresh, "_SECONDS", PATIENCE)


@pytest.fixture
def car(world: World) -> Car:
    return make_car(world)


@pytest.fixture
def police(world: World) -> Iterator[World]:
    """The world, whose police behave again when the test is over."""
    yield world
    behave(world, "ok")


@pytest.fixture
def me(client: FlaskClient, world: World, rooms: Rooms, car: Car) -> Member:
    """A citizen who has linked the car."""
    member = log_in(client, world, rooms)
    link(client, member, car)
    return member


@pytest.fixture
def other(client: FlaskClient, world: World, rooms: Rooms) -> Member:
    return log_in(client, world, rooms)


@pytest.fixture
def provider(rooms: Rooms) -> TrafficProvider:
    """The provider as its author wrote it: no gate, and no more than two seconds for a call."""
    house = rooms.deps[TrafficProvider].house
    return TrafficProvider(replace(house, http=HttpClient(rooms.egress, total_seconds=2.0)))


@pytest.fixture
def house(provider: TrafficProvider) -> House:
    return provider.house


@pytest.fixture
def citizen() -> Citizen:
    return Citizen(reference=f"c-{uuid4().hex}")


@dataclass(frozen=True)
class Desk:
    """An officer of the traffic police with a badge."""

    client: FlaskClient
    headers: dict[str, str]
    id: UUID

    def put(self, path: str, body: object | None = None) -> TestResponse:
        return self.client.put(f"/v1/traffic/desk/{path}", json=body, headers=self.headers)

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"/v1/traffic/desk/{path}", headers=self.headers)

    def decide(self, contest_id: str, outcome: str, **more: object) -> TestResponse:
        """Take an objection and decide on it."""
        taken = self.put(f"contests/{contest_id}/review")
        assert taken.status_code == 200, taken.text
        body = {"outcome": outcome, "reason": "经核实", **more}
        return self.put(f"contests/{contest_id}/verdict", body)


def make_officer(
    client: FlaskClient, rooms: Rooms, badge: str | None = None, department: str = "traffic-police"
) -> Desk:
    """Return a fresh officer; without a badge one that nobody wears."""
    with rooms.units.open(actor="test") as uow:
        staff = staff_service.create_staff(
            uow, "test officer", Role.DEPARTMENT_OPERATOR, department
        )
        token = staff_service.issue_sandbox_token(uow, rooms.deps[Tokens], staff)
        manager = staff_service.create_staff(uow, "test manager", Role.SECURITY_ADMIN, None)
        managers = staff_service.issue_sandbox_token(uow, rooms.deps[Tokens], manager)
        staff_id = staff if isinstance(staff, UUID) else staff.id
    worn = badge or f"T{secrets.token_hex(6).upper()}"
    named = client.put(
        f"/v1/traffic/desk/officers/{staff_id}", json={"badge": worn}, headers=bearer(managers)
    )
    assert named.status_code == 200, named.text
    return Desk(client, bearer(token), staff_id)


@pytest.fixture
def desk(client: FlaskClient, rooms: Rooms) -> Desk:
    return make_officer(client, rooms)


def attend(rooms: Rooms) -> None:
    """Do what the worker has the plug-in do from time to time."""
    rooms.deps[TrafficProvider].attend()
    run_jobs(rooms)


def accept(client: FlaskClient, member: Member, violation_id: str) -> TestResponse:
    path = f"/v1/traffic/violations/{violation_id}/acceptance"
    return client.post(path, headers=member.auth)


def settled(client: FlaskClient, rooms: Rooms, member: Member, violation_id: str) -> dict[str, Any]:
    """Return a violation once the police have decided, however busy they are."""
    deadline = monotonic() + PATIENCE
    while (found := shown(client, member, violation_id))["status"] in {"accepted", "contested"}:
        assert monotonic() < deadline, found
        sleep(0.1)
        attend(rooms)
    return found


def link(client: FlaskClient, member: Member, car: Car) -> dict[str, Any]:
    answer = client.post("/v1/traffic/vehicles", json=car.facts, headers=member.auth)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def violations(client: FlaskClient, member: Member) -> list[dict[str, Any]]:
    answer = client.get("/v1/traffic/violations?limit=50", headers=member.auth)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def shown(client: FlaskClient, member: Member, violation_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/traffic/violations/{violation_id}", headers=member.auth)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def decided(client: FlaskClient, member: Member, car: Car, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a violation with a penalty of the police, as its citizen is shown it first."""
    number = car.offend().decide(**more)
    return next(v for v in violations(client, member) if v["decision_no"] == number)


def fine_of(violation: dict[str, Any], place: int = 0) -> Bill:
    """Return what is to be paid for a violation, as payments know a bill."""
    due = violation["dues"][place]
    return Bill("traffic-fine", due["reference"], due["amount"], "", "", violation["id"], "")


def object_to(
    client: FlaskClient, member: Member, violation_id: str, kind: str, **more: object
) -> TestResponse:
    body = {"kind": kind, "ground": "facts-wrong", "statement": "当时车辆在外地。", **more}
    path = f"/v1/traffic/violations/{violation_id}/contests"
    return client.post(path, json=body, headers=member.auth)


def refusal(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code, answer.json["code"]


def letters(client: FlaskClient, member: Member, kind: str) -> list[dict[str, Any]]:
    """Return what a citizen was told of a kind by this plug-in."""
    answer = client.get("/v1/me/inbox?limit=100", headers=member.auth)
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json["items"] if one["kind"] == f"traffic.{kind}"]
